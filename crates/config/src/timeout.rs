//! Times to wait, in every form that MSTICPy's settings take.

use std::time::Duration;

use defender_core::{Error, ErrorKind, Result, duration};

use crate::key::folded;
use crate::node::{Kind, Node};

/// Whoever waits longer has made a mistake in the unit.
const LONGEST: Duration = Duration::from_hours(24);

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
    let time = match &node.kind {
        Kind::Text(text) => timeout(text).ok(),
        _ => None,
    };
    // The value may be a reference's: it is not shown.
    time.ok_or_else(|| "is not a time to wait".to_owned())
}

/// A time to wait: a number of seconds, as MSTICPy's settings have it, or a
/// [duration](defender_core::duration()); more than none, at most a day.
///
/// ```
/// # use std::time::Duration;
/// # use defender_config::timeout;
/// assert_eq!(timeout("30")?, Duration::from_secs(30));
/// assert_eq!(timeout("1h30m")?, Duration::from_secs(5400));
/// assert!(timeout("soon").is_err());
/// # Ok::<(), defender_core::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Usage`] when it is none of these.
pub fn timeout(text: &str) -> Result<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let time = if is_number {
        duration(&format!("{text}s"))
    } else {
        duration(text)
    };
    let wrong = |what: &str, hint: &str| {
        Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' is {what}", text.escape_debug()),
        )
        .with_hint(hint.to_owned()))
    };
    match time {
        Ok(time) if time.is_zero() => wrong("no time to wait", "write more than 0, such as 30s"),
        Ok(time) if time > LONGEST => wrong("longer than a day", "write at most 1d"),
        Ok(time) => Ok(time),
        Err(_) => wrong(
            "not a time to wait",
            "write seconds, or a duration such as 90s, 5m, 1h30m or PT5M, at most 1d",
        ),
    }
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
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
            ("PT5M", 300_000),
        ] {
            let read = timeout(text).ok();
            assert_eq!(read, Some(Duration::from_millis(expected)), "{text}");
        }
        for (wrong, message) in [
            ("", "'' is not a time to wait"),
            ("0", "'0' is no time to wait"),
            ("0.0", "'0.0' is no time to wait"),
            ("-1", "'-1' is not a time to wait"),
            ("25h", "'25h' is longer than a day"),
            ("3 days", "'3 days' is longer than a day"),
            ("1e400", "'1e400' is not a time to wait"),
            ("nan", "'nan' is not a time to wait"),
            ("inf", "'inf' is not a time to wait"),
            ("1.2.3", "'1.2.3' is not a time to wait"),
            ("ms", "'ms' is not a time to wait"),
        ] {
            assert_eq!(timeout(wrong).unwrap_err().to_string(), message);
        }
    }
}
