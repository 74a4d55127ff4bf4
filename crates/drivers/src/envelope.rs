//! What stands around the rows of a response: what [`defender_table::around`] finds in its body, and
//! what its headers and its errors say besides.

mod report;

use defender_table::around::{Meaning, count, is_next_relation, of_header, shown};
use http::HeaderMap;
use http::header::{CONTENT_RANGE, LINK};

pub(crate) use defender_table::around::{
    Around, Next, is_continuation, is_error, kind, plain, rows, tells,
};
pub(crate) use report::{beside, reported};

/// Takes in what the headers say of further rows, of counts and of failures.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8288>
pub(crate) fn headers(around: &mut Around, headers: &HeaderMap) {
    let links = headers.get_all(LINK).into_iter();
    if links.filter_map(|link| link.to_str().ok()).any(leads_on) {
        around.has_more("the response says that there are more rows in its header Link");
    }
    for (name, value) in headers {
        let (name, value) = (name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        let what = || format!("it has the header {name}: {}", shown(value.as_bytes()));
        if is_continuation(name) {
            around.goes_on(Next::Unclear(format!("it has the header {name}")));
        } else if name == CONTENT_RANGE.as_str() {
            range(around, &value);
        } else {
            match of_header(name, &value) {
                Meaning::NotWhole => around.lacks(&what()),
                Meaning::More => around.tells_of_more(&what()),
                Meaning::Count => around.counts(name, value.as_bytes()),
                Meaning::Nothing | Meaning::Unknown => {}
            }
        }
    }
}

/// Takes in a header `Content-Range`: `items 0-9/50`.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-14.4>
fn range(around: &mut Around, value: &str) {
    if value.trim_start().starts_with("bytes") {
        return;
    }
    let (range, total) = value.rsplit_once('/').unwrap_or_default();
    match count(total.as_bytes()) {
        Ok(Some(_)) => around.counts(CONTENT_RANGE.as_str(), total.as_bytes()),
        _ => around.lacks(&format!(
            "its header {CONTENT_RANGE} is {}",
            shown(range.as_bytes())
        )),
    }
}

/// Whether a header `Link` leads to a next page.
fn leads_on(link: &str) -> bool {
    let parameters = link.split([';', ',']);
    parameters.into_iter().any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("rel") && is_next_relation(value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_may_lead_on() {
        for (link, more) in [
            (r#"<https://x/?p=2>; rel="next""#, true),
            ("<x>;rel=next", true),
            (r#"<y>; rel="prev", <x>; title="a"; REL="last NEXT""#, true),
            (r#"<https://x/>; rel="self""#, false),
            (r#"<https://x/next>; rel="nextafter""#, false),
        ] {
            let mut around = Around::default();
            headers(
                &mut around,
                &HeaderMap::from_iter([(LINK, link.parse().unwrap())]),
            );
            assert_eq!(around.more().is_some(), more, "{link}");
        }
        let mut around = Around::default();
        let name = http::HeaderName::from_static("x-ms-continuationtoken");
        headers(
            &mut around,
            &HeaderMap::from_iter([(name, "x".parse().unwrap())]),
        );
        assert!(matches!(around.next, Next::Unclear(_)));
    }
}
