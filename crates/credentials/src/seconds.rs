//! A number of seconds as services write it.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// A number of seconds: a number, or text that holds one, as in version 1 of the token endpoint.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    pub(crate) fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds.trunc()).ok()
    }

    /// The moment that many seconds after 1970 began.
    pub(crate) fn moment(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(self.duration()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_are_read_and_the_impossible_is_nothing() {
        for (json, seconds) in [
            ("60", Some(60)),
            ("60.9", Some(60)),
            ("\" 60 \"", Some(60)),
            ("\"1506484173\"", Some(1_506_484_173)),
            ("-1", None),
            ("1e300", None),
            ("\"soon\"", None),
            ("\"\"", None),
        ] {
            let read: Seconds = serde_json::from_str(json).unwrap();
            assert_eq!(read.duration(), seconds.map(Duration::from_secs), "{json}");
        }
    }
}
