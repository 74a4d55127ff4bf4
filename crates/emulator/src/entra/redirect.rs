//! Redirect addresses: which belongs to an application, and how an answer travels to it.

use bytes::Bytes;
use http::{Response, StatusCode};
use url::Url;

use super::page;
use crate::registration::{Application, RedirectUri};
use crate::reply;

/// How the answer is handed to the redirect address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// The mode of this name; a code goes into the query when none is named.
    pub(super) fn named(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("query") => Some(Self::Query),
            Some("fragment") => Some(Self::Fragment),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

/// The registered address that `sent` is.
///
/// Scheme, host, path and query are compared letter by letter; at `localhost` and `127.0.0.1`
/// the port does not count.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/reply-url>
pub(super) fn registered<'a>(application: &'a Application, sent: &str) -> Option<&'a RedirectUri> {
    let sent_url = Url::parse(sent).ok()?;
    if sent_url.fragment().is_some()
        || !sent_url.username().is_empty()
        || sent_url.password().is_some()
    {
        return None;
    }
    application.redirect_uris.iter().find(|known| {
        known.uri == sent
            || Url::parse(&known.uri).is_ok_and(|known| {
                let loopback = known.scheme() == "http"
                    && matches!(known.host_str(), Some("localhost" | "127.0.0.1"));
                loopback && portless(known) == portless(sent_url.clone())
            })
    })
}

fn portless(mut url: Url) -> String {
    // It fails for addresses without a host only, and those compare as they are.
    let _ = url.set_port(None);
    url.into()
}

/// Sends the browser back with `parameters`.
pub(super) fn answer(
    redirect_uri: &str,
    mode: ResponseMode,
    parameters: &[(&str, String)],
) -> Response<Bytes> {
    if mode == ResponseMode::FormPost {
        return page::form_post(redirect_uri, parameters);
    }
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters.iter().map(|(name, value)| (*name, value)))
        .finish();
    let separator = match mode {
        ResponseMode::Fragment => '#',
        _ if redirect_uri.contains('?') => '&',
        _ => '?',
    };
    // An address without a path gets one before the query.
    let base = match Url::parse(redirect_uri) {
        Ok(url) if url.path() == "/" && url.query().is_none() => url.to_string(),
        _ => redirect_uri.to_owned(),
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    reply::set(
        &mut response,
        "location",
        &format!("{base}{separator}{encoded}"),
    );
    reply::set(&mut response, "cache-control", "no-store, no-cache");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_addresses_fit_and_only_loopback_has_any_port() {
        let application = Application {
            redirect_uris: vec![
                RedirectUri::native("http://localhost"),
                RedirectUri::native("http://localhost/MyApp"),
                RedirectUri::web("https://app.example:8443/auth?x=1"),
            ],
            ..Application::new("a", "b")
        };
        let fits = |uri: &str| registered(&application, uri).is_some();
        for good in [
            "http://localhost",
            "http://localhost/",
            "http://localhost:49152",
            "http://localhost:8400/MyApp",
            "https://app.example:8443/auth?x=1",
        ] {
            assert!(fits(good), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "https://localhost",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://user@localhost",
            "http://localhost:1/other",
            "http://localhost:1/myapp",
            "http://localhost:1/MyApp/",
            "http://localhost:1/?x=1",
            "http://localhost/#f",
            "https://app.example/auth?x=1",
            "https://app.example:8443/auth",
            "https://evil.example",
        ] {
            assert!(!fits(bad), "{bad}");
        }
    }

    #[test]
    fn answers_travel_in_three_ways() {
        let parameters = [("code", "a b".to_owned()), ("state", "\"><x>".to_owned())];
        let location = |uri: &str, mode| {
            let response = answer(uri, mode, &parameters);
            assert_eq!(response.status(), StatusCode::FOUND);
            response.headers()["location"].to_str().unwrap().to_owned()
        };
        let encoded = "code=a+b&state=%22%3E%3Cx%3E";
        assert_eq!(
            location("http://localhost:1", ResponseMode::Query),
            format!("http://localhost:1/?{encoded}")
        );
        assert_eq!(
            location("https://app.example/auth?x=1", ResponseMode::Query),
            format!("https://app.example/auth?x=1&{encoded}")
        );
        assert_eq!(
            location("http://localhost:1/a", ResponseMode::Fragment),
            format!("http://localhost:1/a#{encoded}")
        );
        let page = answer("http://localhost:1", ResponseMode::FormPost, &parameters);
        let page = String::from_utf8(page.into_body().to_vec()).unwrap();
        assert!(
            page.contains("name=\"state\" value=\"&quot;&gt;&lt;x&gt;\""),
            "{page}"
        );
        assert!(!page.contains("<x>"), "{page}");
    }
}
