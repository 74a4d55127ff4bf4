//! Text to timespan and back.
//!
//! Source: <https://learn.microsoft.com/kusto/query/scalar-data-types/timespan>

use super::TICKS_PER_SECOND;
use crate::lexer::{is_blank, unit_ticks};

/// Reads a timespan: `1d`, `1.5 hours`, `[-][d.]hh:mm[:ss[.fffffff]]`, `d:hh:mm:ss`, or a bare number of days.
///
/// `None` when the text is none of these or too large.
pub fn timespan(text: &str) -> Option<i64> {
    let text = text.trim_matches(is_blank);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start_matches(is_blank)),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let ticks = if text.contains(':') {
        clock(text)?
    } else {
        with_unit(text)?
    };
    i64::try_from(if negative { -ticks } else { ticks }).ok()
}

/// A timespan as the service writes it: `[-][d.]hh:mm:ss[.fffffff]`.
pub fn timespan_text(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let size = ticks.unsigned_abs();
    let per_second = TICKS_PER_SECOND.unsigned_abs();
    let (seconds, fraction) = (size / per_second, size % per_second);
    let days = match seconds / 86_400 {
        0 => String::new(),
        days => format!("{days}."),
    };
    let fraction = match fraction {
        0 => String::new(),
        fraction => format!(".{fraction:07}"),
    };
    format!(
        "{sign}{days}{:02}:{:02}:{:02}{fraction}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `ss[.fffffff]` in ticks; digits past the seventh are cut.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let whole = number(whole, 60)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = &digits[..digits.len().min(7)];
    let fraction: i64 = format!("{digits:0<7}").parse().ok()?;
    Some(i64::try_from(whole).ok()? * TICKS_PER_SECOND + fraction)
}

fn with_unit(text: &str) -> Option<i128> {
    let end = text
        .find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_matches(is_blank);
    let unit = unit_ticks(if unit.is_empty() { "d" } else { unit })?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(15)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let digits = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i128>().ok()
        }
    };
    let scaled = digits(whole)?
        .checked_mul(scale)?
        .checked_add(digits(fraction)?)?;
    Some(scaled.checked_mul(unit.ticks)? / scale / unit.divisor)
}

fn clock(text: &str) -> Option<i128> {
    let parts: Vec<&str> = text.split(':').collect();
    let (days, hours, minutes, rest) = match parts.as_slice() {
        [days, hours, minutes, rest] => (*days, *hours, *minutes, *rest),
        [first, minutes, rest @ ..] if rest.len() <= 1 => {
            let (days, hours) = first.split_once('.').unwrap_or(("0", first));
            (days, hours, *minutes, rest.first().copied().unwrap_or("0"))
        }
        _ => return None,
    };
    let minutes = (number(days, i128::MAX)? * 24 + number(hours, 24)?) * 60 + number(minutes, 60)?;
    Some(minutes * 60 * i128::from(TICKS_PER_SECOND) + i128::from(seconds(rest)?))
}

fn number(text: &str, limit: i128) -> Option<i128> {
    let digits =
        !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let value: i128 = if digits {
        text.parse().ok()?
    } else {
        return None;
    };
    (value < limit).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timespans_in_every_notation() {
        let cases = [
            ("1d", Some(864_000_000_000)),
            ("+1d", Some(864_000_000_000)),
            ("1.5h", Some(54_000_000_000)),
            ("5 seconds", Some(50_000_000)),
            ("2", Some(1_728_000_000_000)),
            ("-1.02:03:04.5", Some(-937_845_000_000)),
            ("1:2:3:4", Some(937_840_000_000)),
            ("00:01", Some(600_000_000)),
            ("00:00:01.00000009", Some(10_000_000)),
            ("250nanos", Some(2)),
            ("7tick", Some(7)),
            ("24:00", None),
            ("0.1:2:3:4", None),
            ("1x", None),
            ("", None),
            (".", None),
            ("1:", None),
            ("99999999999d", None),
        ];
        for (text, ticks) in cases {
            assert_eq!(timespan(text), ticks, "{text}");
        }
    }

    #[test]
    fn timespans_are_written_as_the_service_does() {
        assert_eq!(timespan_text(-864_010_000_000), "-1.00:00:01");
        assert_eq!(timespan_text(5), "00:00:00.0000005");
    }
}
