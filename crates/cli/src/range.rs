//! The range of time of `--start` and `--end`: every command refuses the same ranges.

use std::time::SystemTime;

use defender_core::{Error, ErrorKind, Result, moment};
use defender_query::Timespan;
use defender_table::ticks;

/// The two ends as they were written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) start: Option<&'a str>,
    pub(crate) end: Option<&'a str>,
}

impl Written<'_> {
    /// The two ends in ticks, where relative times count from `now`.
    pub(crate) fn bounds(self, now: SystemTime) -> Result<(Option<i64>, Option<i64>)> {
        let at = |text: Option<&str>| text.map(|text| ticks_at(text, now)).transpose();
        let bounds = (at(self.start)?, at(self.end)?);
        if let (Some(start), Some(end)) = bounds {
            self.check(start, end)?;
        }
        Ok(bounds)
    }

    /// Refuses a range that nothing can be in.
    pub(crate) fn check(self, start: i64, end: i64) -> Result<Timespan> {
        if start == end {
            let shown = |written: Option<&str>, ticks| {
                written.map_or_else(|| ticks::format_datetime(ticks), str::to_owned)
            };
            let (start, end) = (shown(self.start, start), shown(self.end, end));
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the time range from '{start}' to '{end}' is empty"),
            )
            .with_hint("a date alone is its midnight in UTC: end with the day after"));
        }
        Timespan::new(start, end)
    }
}

/// A time as it was written, in ticks.
pub(crate) fn ticks_at(text: &str, now: SystemTime) -> Result<i64> {
    ticks::from_system_time(moment(text, now)?).ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("'{text}' is outside the years 1 to 9999"),
        )
    })
}
