//! How long a service asks to be left alone: its headers, then the words of its answer.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::parse_duration;

/// The wait that an answer asks for: its headers first, then the text of its body.
pub fn wait_asked_for(headers: &HeaderMap, body: &str, now: SystemTime) -> Option<Duration> {
    retry_after(headers, now).or_else(|| retry_hint(body))
}

/// The wait that the headers ask for: `Retry-After` in seconds or as a date, or Azure's
/// `retry-after-ms` and `x-ms-retry-after-ms`.
///
/// A date that has passed is no wait at all.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        let milliseconds = headers
            .get(name)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if let Some(milliseconds) = milliseconds {
            return Some(Duration::from_millis(milliseconds));
        }
    }
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The wait that the text of an answer asks for.
///
/// A quota (`maximum allowed 45 per 00:01:00`) is answered with its whole window: the service
/// does not say how much of it has passed.
///
/// ```
/// # use std::time::Duration;
/// # use defender_http::retry_hint;
/// let text = "API calls quota exceeded! maximum allowed 45 per 00:01:00";
/// assert_eq!(retry_hint(text), Some(Duration::from_secs(60)));
/// let text = "You can run queries again in 5 minutes.";
/// assert_eq!(retry_hint(text), Some(Duration::from_secs(300)));
/// ```
///
/// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-errors>
pub fn retry_hint(body: &str) -> Option<Duration> {
    const BEFORE_A_WAIT: [&str; 6] = [
        "again in ",
        "again after ",
        "retry in ",
        "retry after ",
        "wait for ",
        "wait ",
    ];
    let text = body.to_ascii_lowercase();
    let wait = BEFORE_A_WAIT.iter().find_map(|phrase| after(&text, phrase));
    wait.or_else(|| {
        let (_, quota) = text.split_once("maximum allowed ")?;
        let window = quota
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .strip_prefix(" per ")?;
        parse_duration(window)
    })
}

/// The first duration that follows `phrase`.
fn after(text: &str, phrase: &str) -> Option<Duration> {
    text.match_indices(phrase)
        .find_map(|(at, _)| parse_duration(&text[at + phrase.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        [(
            http::HeaderName::from_static(name),
            http::HeaderValue::from_static(value),
        )]
        .into_iter()
        .collect()
    }

    #[test]
    fn the_header_is_read_as_seconds_or_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
        for (value, expected) in [
            ("10", Some(10)),
            (" 0 ", Some(0)),
            ("Fri, 20 Nov 2026 10:00:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(
                retry_after(&headers("retry-after", value), now),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
        assert_eq!(
            retry_after(&headers("x-ms-retry-after-ms", "1500"), now),
            Some(Duration::from_millis(1500))
        );
    }

    #[test]
    fn the_text_is_read_when_there_is_no_header() {
        let now = SystemTime::UNIX_EPOCH;
        let body = "Retry after 7 seconds";
        assert_eq!(
            wait_asked_for(&HeaderMap::new(), body, now),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            wait_asked_for(&headers("retry-after", "3"), body, now),
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn quotas_and_sentences_are_read() {
        for (text, seconds) in [
            (
                "API calls quota exceeded! maximum allowed 45 per 00:01:00",
                60,
            ),
            (
                "API calls quota exceeded! maximum allowed 1500 per 01:00:00.",
                3600,
            ),
            (
                "You have exceeded processing resources allocated to this tenant. You can run queries again in 5 minutes.",
                300,
            ),
            ("You can run queries again in 1 hour and 5 minutes", 3900),
            ("you can run queries again in 00:14:30.", 870),
            ("Try again in a moment, or try again in 30 seconds", 30),
            ("Please wait 20s before retrying", 20),
        ] {
            assert_eq!(
                retry_hint(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn other_numbers_are_not_taken_for_a_wait() {
        for text in [
            "",
            "The query exceeded the limit of 100000 rows per 30 days",
            "maximum allowed 45",
            "try again in a few minutes",
            "maximum allowed 45 per tenant",
        ] {
            assert_eq!(retry_hint(text), None, "{text}");
        }
    }
}
