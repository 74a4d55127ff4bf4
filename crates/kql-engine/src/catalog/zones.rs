//! Time zones that stand behind the names of columns: `TimeGenerated [UTC+02:00]`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use kql_semantics::ScalarType;

use super::aliases::Alias;
use super::files::Source;
use super::fit;
use crate::EngineError;
use kql_syntax::ticks::{self, TICKS_PER_SECOND};

/// What a name says about its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// They are so many ticks ahead of UTC.
    Ahead(i64),
    /// They are in a zone whose offset from UTC is not told.
    Unknown,
}

impl Zone {
    pub(super) fn of(text: &str) -> Self {
        let folded = text.trim().to_ascii_uppercase().replace('\u{2212}', "-");
        let named = folded
            .strip_prefix("UTC")
            .or_else(|| folded.strip_prefix("GMT"));
        match named.unwrap_or(&folded).trim() {
            "" if named.is_some() => Self::Ahead(0),
            "Z" if named.is_none() => Self::Ahead(0),
            offset => ahead(offset).map_or(Self::Unknown, Self::Ahead),
        }
    }
}

/// `+2`, `+02`, `-0330`, `+05:30`
fn ahead(offset: &str) -> Option<i64> {
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let number = |text: &str, lengths: &[usize]| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        (plain && lengths.contains(&text.len()))
            .then(|| text.parse::<i64>().ok())
            .flatten()
    };
    let (hours, minutes) = (number(hours, &[1, 2])?, number(minutes, &[2])?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60 * TICKS_PER_SECOND)
}

/// The name of a column and the zone behind it: `Timestamp [UTC]`, `Timestamp (UTC-08:00)`.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    let name = name.trim_end();
    [(" [", ']'), (" (", ')')].iter().find_map(|(open, close)| {
        let (bare, zone) = name.split_once(open)?;
        Some((bare, zone.strip_suffix(*close)?))
    })
}

/// Says that times cannot be read.
pub(super) fn refused(name: &str, column: &str) -> String {
    format!(
        "the times of column {} are not in UTC, and its name tells no offset that they can be \
         moved by; export them in UTC, call the column '{column} [UTC+hh:mm]', or '{column}' if \
         they are in UTC",
        fit::in_short(name)
    )
}

/// Says that times with a type of their own are not moved by what their name says.
pub(super) fn moved_already(name: &str, column: &str) -> String {
    format!(
        "column {} has times and no text, which are in UTC as files of its format have them, and \
         its name tells another offset; call it '{column}' if they are in UTC",
        fit::in_short(name)
    )
}

/// Times that are so many ticks ahead of UTC.
pub(super) fn in_utc(times: &ArrayRef, ahead: i64) -> ArrayRef {
    match times.as_primitive_opt::<Int64Type>() {
        Some(ticks) if ahead != 0 => {
            let moved: Int64Array = ticks.unary_opt(|one| {
                let moved = one.checked_sub(ahead);
                moved.and_then(ticks::in_range)
            });
            Arc::new(moved)
        }
        _ => Arc::clone(times),
    }
}

impl Source {
    /// Refuses columns whose name tells a zone where a value has another of its own.
    pub(super) fn check_zones(&self, aliases: &mut [Alias]) -> Result<(), EngineError> {
        for alias in aliases {
            let Some(name) = alias.moved().map(str::to_owned) else {
                continue;
            };
            for batch in self.read_as_named(&[(name.clone(), ScalarType::String)])? {
                let batch = batch?;
                let texts = batch.column(0).as_string::<i64>();
                let zoned = texts.iter().flatten().find(|text| has_zone(text));
                if let Some(text) = zoned {
                    alias.refuse(format!(
                        "the name of column {} tells an offset from UTC, and its value {} another",
                        fit::in_short(&name),
                        fit::in_short(text)
                    ));
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whether a time is written with its zone.
fn has_zone(written: &str) -> bool {
    let Some((_, time)) = written.split_once(':') else {
        return false;
    };
    let folded = time.to_ascii_uppercase();
    folded.contains(['+', '-', 'Z']) || folded.contains("UTC") || folded.contains("GMT")
}

#[cfg(test)]
mod tests {
    use super::{Zone, has_zone, split};

    #[test]
    fn zones_are_offsets_or_unknown() {
        let hours = |hours: i64| Zone::Ahead(hours * 36_000_000_000);
        for (text, expected) in [
            ("UTC", hours(0)),
            ("utc", hours(0)),
            ("Z", hours(0)),
            ("GMT", hours(0)),
            ("UTC+00:00", hours(0)),
            ("UTC+02:00", hours(2)),
            ("UTC-8", hours(-8)),
            ("UTC \u{2212}08:00", hours(-8)),
            ("+0530", Zone::Ahead(198_000_000_000)),
            ("GMT+05:30", Zone::Ahead(198_000_000_000)),
            ("UTC+15:00", Zone::Unknown),
            ("UTC+1:60", Zone::Unknown),
            ("Local Time", Zone::Unknown),
            ("Berlin", Zone::Unknown),
            ("CET", Zone::Unknown),
            ("Pacific Time (US & Canada)", Zone::Unknown),
            ("(UTC-08:00) Pacific Time", Zone::Unknown),
            ("", Zone::Unknown),
        ] {
            assert_eq!(Zone::of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_zone_is_in_brackets() {
        for (name, expected) in [
            ("Timestamp [UTC]", Some(("Timestamp", "UTC"))),
            ("Timestamp (UTC)", Some(("Timestamp", "UTC"))),
            (
                "T [Pacific Time (US & Canada)]",
                Some(("T", "Pacific Time (US & Canada)")),
            ),
            ("Timestamp", None),
            ("Timestamp [UTC", None),
        ] {
            assert_eq!(split(name), expected, "{name}");
        }
    }

    #[test]
    fn times_have_a_zone_or_none() {
        for (written, expected) in [
            ("2026-11-01T10:00:00Z", true),
            ("2026-11-01 10:00:00 +02:00", true),
            ("Sun, 01 Nov 2026 10:00:00 GMT", true),
            ("2026-11-01T10:00:00", false),
            ("11/1/2026, 8:00:00.123 AM", false),
            ("2026-11-01", false),
        ] {
            assert_eq!(has_zone(written), expected, "{written}");
        }
    }
}
