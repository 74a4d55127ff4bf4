//! How values look as text, and how lenient text becomes values again.

pub(crate) mod bounded;
mod read;
pub(crate) mod separated;

pub(crate) use read::{
    boolean, guid, parse_datetime, parse_long, parse_real, parse_timespan, time_of,
};

use crate::calendar::{self, Date, TICKS_PER_DAY, TICKS_PER_SECOND};

/// `2024-01-01T00:00:00.0000000Z`.
pub(crate) fn datetime(ticks: i64) -> String {
    let Date { year, month, day } = calendar::date_of(ticks);
    let rest = ticks.rem_euclid(TICKS_PER_DAY);
    let seconds = rest / TICKS_PER_SECOND;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:07}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        rest % TICKS_PER_SECOND
    )
}

/// `[-][d.]hh:mm:ss[.fffffff]`.
pub(crate) fn timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let size = ticks.unsigned_abs();
    let per_second = TICKS_PER_SECOND.unsigned_abs();
    let seconds = size / per_second;
    let fraction = size % per_second;
    let days = seconds / 86_400;
    let mut out = String::from(sign);
    if days > 0 {
        out.push_str(&format!("{days}."));
    }
    out.push_str(&format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    ));
    if fraction > 0 {
        out.push_str(&format!(".{fraction:07}"));
    }
    out
}

/// A real that JSON has no number for: `NaN`, `Infinity`, `-Infinity`.
pub(crate) fn real_in_json(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A real in its shortest form: `1.0`, `0.1`, `1E+20`, `NaN`, `inf`.
pub(crate) fn real(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        }
        .to_owned();
    }
    let size = value.abs();
    if (1e-5..1e15).contains(&size) {
        let plain = format!("{value}");
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}
