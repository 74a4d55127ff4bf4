//! How much a service allows, and what its refusals say about that.

use std::fmt;
use std::time::Duration;

use crate::{Plain, parse_duration};

/// Whose quota a call counts against.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaceKey {
    /// The application that calls; empty where only the sign-in knows it.
    pub application: String,
    /// The tenant that is asked.
    pub tenant: String,
    /// The API, such as `M365DGraph`.
    pub api: String,
}

/// As messages name it.
impl fmt::Display for PaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.api)?;
        if !self.tenant.is_empty() {
            write!(f, " in {}", self.tenant)?;
        }
        Ok(())
    }
}

/// How much a service allows one application in one tenant.
///
/// Source: <https://learn.microsoft.com/defender-xdr/api-advanced-hunting#quotas-and-resource-allocation>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls within a minute; 45.
    pub calls_per_minute: u32,
    /// Calls within an hour; 1,500.
    pub calls_per_hour: u32,
    /// Running time of all answers within an hour; not counted when `None`.
    pub running_per_hour: Option<Duration>,
    /// Running time of all answers within a day; not counted when `None`.
    pub running_per_day: Option<Duration>,
    /// How often the service gives out processing time, at whole multiples of this since
    /// midnight (UTC); `None` where it does not say.
    pub cycle: Option<Duration>,
    /// Calls at the same moment; 10.
    pub at_once: usize,
}

impl Quota {
    /// The calls that every hunting API allows.
    pub const CALLS: Self = Self {
        calls_per_minute: 45,
        calls_per_hour: 1_500,
        running_per_hour: None,
        running_per_day: None,
        cycle: None,
        at_once: 10,
    };

    /// As many calls as anybody likes; what refusals teach is kept all the same.
    #[must_use]
    pub fn uncounted(self) -> Self {
        Self {
            calls_per_minute: u32::MAX,
            calls_per_hour: u32::MAX,
            running_per_hour: None,
            running_per_day: None,
            at_once: MOST_AT_ONCE,
            ..self
        }
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self::CALLS
    }
}

/// How many calls there may be at the same moment.
pub(crate) const MOST_AT_ONCE: usize = tokio::sync::Semaphore::MAX_PERMITS;

/// What there is no room in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Calls within a window of time.
    Calls {
        /// How many are allowed.
        number: u32,
        /// Within how long.
        window: Duration,
    },
    /// The running time of answers within a window of time.
    Running {
        /// How long they may take together.
        time: Duration,
        /// Within how long.
        window: Duration,
    },
    /// The processing time that the service gives out.
    Processing,
    /// A quota that the service has not named.
    Unnamed,
}

impl Limit {
    /// The quota that the text of a refusal is about.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use defender_http::Limit;
    /// assert_eq!(
    ///     Limit::of("API calls quota exceeded! maximum allowed 45 per 00:01:00"),
    ///     Limit::Calls { number: 45, window: Duration::from_secs(60) },
    /// );
    /// assert_eq!(
    ///     Limit::of("You have exceeded processing resources allocated to this tenant."),
    ///     Limit::Processing,
    /// );
    /// assert_eq!(Limit::of("Too many requests"), Limit::Unnamed);
    /// ```
    ///
    /// Source: <https://learn.microsoft.com/defender-xdr/advanced-hunting-errors>
    pub fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if let Some(limit) = calls(&text) {
            return limit;
        }
        let named = [
            "processing resources",
            "cpu",
            "resource consumption",
            "compute resources",
            "running time",
            "resources allocated",
        ];
        if named.iter().any(|words| text.contains(words)) {
            Self::Processing
        } else {
            Self::Unnamed
        }
    }
}

/// `maximum allowed 45 per 00:01:00`.
fn calls(text: &str) -> Option<Limit> {
    let (_, quota) = text.split_once("maximum allowed ")?;
    let (number, window) = quota.split_once(" per ")?;
    let number = number.trim().parse().ok().filter(|number| *number > 0)?;
    let window = parse_duration(window).filter(|window| !window.is_zero())?;
    Some(Limit::Calls { number, window })
}

/// As messages say it.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls { number, window } => {
                write!(f, "{number} calls per {} are used up", Plain(*window))
            }
            Self::Running { time, window } => write!(
                f,
                "{} of running time per {} are used up",
                Plain(*time),
                Plain(*window)
            ),
            Self::Processing => f.write_str("the tenant's processing time is used up"),
            Self::Unnamed => f.write_str("the service is over quota"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_their_quota() {
        let calls = |number, seconds| Limit::Calls {
            number,
            window: Duration::from_secs(seconds),
        };
        for (text, limit) in [
            (
                r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 1500 per 01:00:00."}}"#,
                calls(1500, 3600),
            ),
            ("Maximum Allowed 10 per 00:00:30", calls(10, 30)),
            (
                "You have exceeded processing resources allocated to this tenant. You can run queries again in 5 minutes.",
                Limit::Processing,
            ),
            ("CPU quota exceeded", Limit::Processing),
            ("Please retry again later.", Limit::Unnamed),
            ("maximum allowed 0 per 00:01:00", Limit::Unnamed),
            ("maximum allowed 45 per 00:00:00", Limit::Unnamed),
            ("maximum allowed many per 00:01:00", Limit::Unnamed),
            ("", Limit::Unnamed),
        ] {
            assert_eq!(Limit::of(text), limit, "{text}");
        }
    }

    #[test]
    fn a_person_reads_what_is_used_up() {
        let hour = Duration::from_hours(1);
        for (limit, text) in [
            (
                Limit::Calls {
                    number: 1500,
                    window: hour,
                },
                "1500 calls per 1 h are used up",
            ),
            (
                Limit::Running {
                    time: Duration::from_mins(10),
                    window: hour,
                },
                "10 min of running time per 1 h are used up",
            ),
            (Limit::Processing, "the tenant's processing time is used up"),
        ] {
            assert_eq!(limit.to_string(), text);
        }
    }
}
