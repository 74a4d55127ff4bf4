//! Redirects, followed only where no token can leave its host.

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// How many redirects in a row are followed.
pub(super) const MOST: usize = 10;

/// Where a redirect leads, when it may be followed: a `GET` or `HEAD` to the same origin.
///
/// Everything else is returned to the caller as the answer it is. A `POST` is never repeated
/// somewhere else, and no header goes to another host, port or scheme.
pub(super) fn target(
    method: &Method,
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Url> {
    let followed = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if !followed || !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let target = url.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    (target.origin() == url.origin()).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(method: &Method, status: u16, location: &'static str) -> Option<String> {
        let url = Url::parse("https://api.example/a/b?x=1").unwrap();
        let headers = [(LOCATION, http::HeaderValue::from_static(location))]
            .into_iter()
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        target(method, &url, status, &headers).map(String::from)
    }

    #[test]
    fn only_a_get_on_the_same_origin_is_followed() {
        let same = Some("https://api.example/c".to_owned());
        assert_eq!(target_of(&Method::GET, 302, "/c"), same);
        assert_eq!(
            target_of(&Method::HEAD, 308, "https://api.example:443/c"),
            same
        );
        for (method, status, location) in [
            (Method::POST, 302, "/c"),
            (Method::POST, 307, "/c"),
            (Method::GET, 200, "/c"),
            (Method::GET, 304, "/c"),
            (Method::GET, 302, "https://other.example/c"),
            (Method::GET, 302, "http://api.example/c"),
            (Method::GET, 302, "https://api.example:8443/c"),
            (Method::GET, 302, "//other.example/c"),
            (Method::GET, 302, "https://api.example.evil.example/c"),
        ] {
            assert_eq!(
                target_of(&method, status, location),
                None,
                "{status} {location}"
            );
        }
    }
}
