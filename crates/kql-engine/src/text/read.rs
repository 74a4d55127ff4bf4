//! Text to values, as leniently as KQL's conversion functions are.

/// `tobool` of text.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Some(false);
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return None;
    }
    parse_long(text).map(|number| number != 0)
}

/// `tolong` of text: decimal or hexadecimal.
pub(crate) fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hex) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        if negative || hex.starts_with(['+', '-']) {
            return None;
        }
        return Some(u64::from_str_radix(hex, 16).ok()?.cast_signed());
    }
    if digits.starts_with(['+', '-']) {
        return None;
    }
    if negative {
        format!("-{digits}").parse().ok()
    } else {
        digits.parse().ok()
    }
}

/// `toreal` of text.
pub(crate) fn parse_real(text: &str) -> Option<f64> {
    let text = text.trim();
    if matches!(text, "NaN" | "nan") {
        return Some(f64::NAN);
    }
    let (sign, size) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    // These spellings and no others: `INF` is not one.
    if matches!(size, "inf" | "Inf" | "Infinity" | "∞") {
        return Some(sign * f64::INFINITY);
    }
    let numeric = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    if numeric && !text.is_empty() {
        text.parse().ok()
    } else {
        None
    }
}
