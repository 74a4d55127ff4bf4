//! Time zones of the IANA database.
//!
//! Source: <https://learn.microsoft.com/kusto/query/datetime-local-to-utc-function>

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use kql_syntax::ticks::{self, TICKS_PER_SECOND, UNIX_EPOCH};

use super::{Call, array};
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    let shift = match call.name {
        "datetime_local_to_utc" => utc_of,
        "datetime_utc_to_local" => local_of,
        "datetime_list_timezones" => {
            return Ok(Some(kernel(|_| {
                let names: Vec<Datum<'_>> = TZ_VARIANTS
                    .iter()
                    .map(|zone| Datum::text(zone.name()))
                    .collect();
                Ok(array(&names))
            })));
        }
        _ => return Ok(None),
    };
    // One zone for all rows is looked up once, and complained of before there are rows.
    let known = match call.constant_text(1) {
        Some(name) => Some(zone(&name)?),
        None => None,
    };
    Ok(Some(kernel(move |values| {
        let Some(moment) = values[0].as_long() else {
            return Ok(Datum::Null);
        };
        let zone = match known {
            Some(zone) => zone,
            None => zone(&values[1].display())?,
        };
        let shifted = shift(zone, moment).and_then(ticks::in_range);
        Ok(shifted.map_or(Datum::Null, Datum::DateTime))
    })))
}

fn zone(name: &str) -> Result<Tz, EngineError> {
    let mut zones = TZ_VARIANTS.iter();
    let found = zones.find(|zone| zone.name().eq_ignore_ascii_case(name));
    found
        .copied()
        .ok_or_else(|| EngineError::argument(format!("no time zone is called '{name}'")))
}

fn naive(moment: i64) -> Option<NaiveDateTime> {
    let since = moment.checked_sub(UNIX_EPOCH)?;
    let seconds = since.div_euclid(TICKS_PER_SECOND);
    Some(DateTime::from_timestamp(seconds, 0)?.naive_utc())
}

fn ticks_of(offset: &impl Offset) -> i64 {
    i64::from(offset.fix().local_minus_utc()) * TICKS_PER_SECOND
}

fn local_of(zone: Tz, moment: i64) -> Option<i64> {
    let offset = zone.offset_from_utc_datetime(&naive(moment)?);
    moment.checked_add(ticks_of(&offset))
}

/// Of two moments with one local time the earlier. A local time that is skipped counts as one after
/// the change, as in the documentation's example.
fn utc_of(zone: Tz, local: i64) -> Option<i64> {
    let found = zone.offset_from_local_datetime(&naive(local)?);
    let offset = if let Some(offset) = found.earliest() {
        ticks_of(&offset)
    } else {
        let later = local.checked_add(ticks::TICKS_PER_DAY)?;
        let earlier = local.checked_sub(ticks::TICKS_PER_DAY)?;
        let before = zone.offset_from_utc_datetime(&naive(earlier)?);
        let after = zone.offset_from_utc_datetime(&naive(later)?);
        ticks_of(&after).max(ticks_of(&before))
    };
    local.checked_sub(offset)
}
