//! Times to wait, in every form that MSTICPy's settings take.

use std::time::Duration;

use crate::key::folded;
use crate::node::{Kind, Node};

/// How long each phase of a request may take; `None` means the client's own default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Making the connection.
    pub connect: Option<Duration>,
    /// Waiting for the next part of the answer.
    pub read: Option<Duration>,
    /// Sending the next part of the request.
    pub write: Option<Duration>,
    /// Waiting for a free connection.
    pub pool: Option<Duration>,
}

impl Timeouts {
    fn all(time: Duration) -> Self {
        Self {
            connect: Some(time),
            read: Some(time),
            write: Some(time),
            pool: Some(time),
        }
    }

    /// Reads `node`: a time for all phases, `[total, connect]`, or times by phase.
    pub(crate) fn read(node: &Node) -> Result<Option<Self>, String> {
        match &node.kind {
            Kind::Null => Ok(None),
            Kind::Text(_) => Ok(Some(Self::all(time(node)?))),
            Kind::List(items) => match items.as_slice() {
                [] => Ok(None),
                [total] => Ok(Some(Self::all(time(total)?))),
                [total, connect] => Ok(Some(Self {
                    connect: Some(time(connect)?),
                    ..Self::all(time(total)?)
                })),
                _ => Err("a list of times has two items: total and connect".to_owned()),
            },
            Kind::Map(entries) => {
                let mut timeouts = Self::default();
                let total = entries
                    .iter()
                    .find(|(name, _)| matches!(folded(name).as_str(), "timeout" | "total"));
                if let Some((_, node)) = total {
                    timeouts = Self::all(time(node)?);
                }
                for (name, node) in entries {
                    let phase = folded(name);
                    let slot = match phase.strip_suffix("timeout").unwrap_or(&phase) {
                        "" | "total" => continue,
                        "connect" => &mut timeouts.connect,
                        "read" => &mut timeouts.read,
                        "write" => &mut timeouts.write,
                        "pool" => &mut timeouts.pool,
                        _ => {
                            return Err(
                                "a phase is timeout, connect, read, write or pool".to_owned()
                            );
                        }
                    };
                    if node.kind != Kind::Null {
                        *slot = Some(time(node)?);
                    }
                }
                Ok(Some(timeouts))
            }
        }
    }
}

fn time(node: &Node) -> Result<Duration, String> {
    match &node.kind {
        Kind::Text(text) => parse_duration(text),
        _ => None,
    }
    .ok_or_else(|| "is not a time: write seconds, or a number with ms, s, m or h".to_owned())
}

/// A time written as seconds, or as a number with `ms`, `s`, `m` or `h`; more than none, at most
/// a day.
///
/// ```
/// # use std::time::Duration;
/// # use defender_config::parse_duration;
/// assert_eq!(parse_duration("30"), Some(Duration::from_secs(30)));
/// assert_eq!(parse_duration("1.5m"), Some(Duration::from_secs(90)));
/// assert_eq!(parse_duration("soon"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" | "sec" | "seconds" => 1.0,
        "m" | "min" | "minutes" => 60.0,
        "h" | "hours" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    let time = Duration::try_from_secs_f64(number * seconds).ok()?;
    (time > Duration::ZERO && time <= Duration::from_hours(24)).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, expected) in [
            ("1", 1_000),
            ("30", 30_000),
            ("0.5", 500),
            ("250ms", 250),
            ("3m", 180_000),
            ("1 h", 3_600_000),
            ("24H", 86_400_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(expected)),
                "{text}"
            );
        }
        for wrong in [
            "", "0", "-1", "25h", "1e400", "nan", "inf", "1.2.3", "3 days", "ms",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
