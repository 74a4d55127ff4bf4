//! Durations as services and people write them.

use std::fmt;
use std::time::Duration;

use defender_core::duration;

/// Prints a duration for a person: `350 ms`, `45 s`, `5 min`, `1 h 30 min`.
///
/// ```
/// # use std::time::Duration;
/// # use defender_http::Plain;
/// assert_eq!(Plain(Duration::from_secs(90)).to_string(), "1 min 30 s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain(
    /// What is printed.
    pub Duration,
);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            return write!(f, "{} ms", self.0.as_millis());
        }
        let seconds = self.0.as_secs();
        let parts = [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "min"),
            (seconds % 60, "s"),
        ];
        let mut first = true;
        for (value, unit) in parts.into_iter().filter(|(value, _)| *value > 0) {
            if !first {
                f.write_str(" ")?;
            }
            first = false;
            write!(f, "{value} {unit}")?;
        }
        Ok(())
    }
}

/// `duration` up to the next second, for a wait: 38 s instead of 37.482 s.
pub(crate) fn whole_seconds(duration: Duration) -> Duration {
    if duration < Duration::from_secs(1) {
        return duration;
    }
    let begun = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs(duration.as_secs().saturating_add(begun))
}

/// The longest duration that services write has fewer words: `1 hour, 30 minutes and 10 seconds`.
const WORDS: usize = 8;

/// The duration at the beginning of `text`, with whatever follows it.
///
/// It is written as [`defender_core::duration()`] reads it, or as prose: `1 hour and 30 minutes`. A
/// number alone is not a duration.
///
/// ```
/// # use std::time::Duration;
/// # use defender_http::parse_duration;
/// assert_eq!(parse_duration("00:01:00"), Some(Duration::from_secs(60)));
/// assert_eq!(parse_duration("2 minutes and 5 seconds."), Some(Duration::from_secs(125)));
/// assert_eq!(parse_duration("soon"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<Duration> {
    // What is around it may be JSON.
    let foreign = |letter: char| {
        !letter.is_ascii_alphanumeric()
            && !letter.is_whitespace()
            && ![':', '.', ','].contains(&letter)
    };
    let words: Vec<&str> = text[..text.find(foreign).unwrap_or(text.len())]
        .split_whitespace()
        .take(WORDS)
        .map(|word| word.trim_end_matches([',', '.', ';', ':']))
        .filter(|word| *word != "and")
        .collect();
    let mut beginnings = (1..=words.len()).rev().map(|end| words[..end].join(" "));
    beginnings.find_map(|beginning| duration(&beginning).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_write_is_read() {
        for (text, seconds) in [
            ("00:01:00", 60.0),
            ("01:00:00", 3600.0),
            ("00:00:07.5", 7.5),
            ("1.02:00:00", 93_600.0),
            ("00:05:00. Try later", 300.0),
            ("PT5M", 300.0),
            ("PT1H30M5S", 5405.0),
            ("P1DT1S", 86_401.0),
            ("5 minutes", 300.0),
            ("5 minutes.", 300.0),
            ("1 hour and 30 minutes", 5400.0),
            ("1 hour, 30 minutes and 10 seconds", 5410.0),
            ("90s", 90.0),
            ("250 ms", 0.25),
            ("2.5 seconds", 2.5),
            (" 10 seconds to go", 10.0),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_not_guessed() {
        for text in [
            "",
            "soon",
            "5",
            "5 apples",
            "10:30",
            "1:2:3:4",
            "P",
            "PT",
            "PT5",
            "PD",
            "99999999999999999999:00:00",
            "1e9 s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        let digits = "9".repeat(400);
        assert_eq!(parse_duration(&format!("{digits} days")), None);
    }

    #[test]
    fn a_person_reads_whole_units() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (350, "350 ms"),
            (1000, "1 s"),
            (60_000, "1 min"),
            (5_405_000, "1 h 30 min 5 s"),
            (3_600_000, "1 h"),
        ] {
            assert_eq!(Plain(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
