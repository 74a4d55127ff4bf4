//! From the text of a literal to its value.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::ticks::timespan;
use crate::tree::LiteralValue;

/// Length of the escape at the start of `bytes`, which begins with a backslash; 0 when there is none.
pub(crate) fn escape_length(bytes: &[u8]) -> usize {
    let hexadecimal = |count: usize| {
        let digits = bytes.get(2..2 + count);
        if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            2 + count
        } else {
            0
        }
    };
    match bytes.get(1) {
        Some(b'\\' | b'\'' | b'"' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v') => 2,
        Some(b'x') => hexadecimal(2),
        Some(b'u') => hexadecimal(4),
        Some(b'U') => hexadecimal(8),
        Some(b'0'..=b'7') => 1 + octal_length(&bytes[1..]),
        _ => 0,
    }
}

fn octal_length(bytes: &[u8]) -> usize {
    let octal = |index: usize| matches!(bytes.get(index), Some(b'0'..=b'7'));
    match (octal(1), octal(2), bytes[0] <= b'3') {
        (true, true, true) => 3,
        (true, _, _) => 2,
        _ => 1,
    }
}

/// The characters of one string token, and whether it was hidden (`h"…"`).
pub(crate) fn string(token: &str) -> (Cow<'_, str>, bool) {
    let (rest, hidden) = match token.strip_prefix(['h', 'H']) {
        Some(rest) => (rest, true),
        None => (token, false),
    };
    for fence in ["```", "~~~"] {
        if let Some(rest) = rest.strip_prefix(fence) {
            return (
                Cow::Borrowed(rest.strip_suffix(fence).unwrap_or(rest)),
                hidden,
            );
        }
    }
    let verbatim = rest.strip_prefix('@');
    let rest = verbatim.unwrap_or(rest);
    let Some(quote) = rest.chars().next() else {
        return (Cow::Borrowed(""), hidden);
    };
    let content = rest.strip_prefix(quote).unwrap_or(rest);
    let content = content.strip_suffix(quote).unwrap_or(content);
    let value = if verbatim.is_some() {
        if content.contains(quote) {
            let doubled: String = [quote, quote].iter().collect();
            Cow::Owned(content.replace(&doubled, quote.encode_utf8(&mut [0; 4])))
        } else {
            Cow::Borrowed(content)
        }
    } else if content.contains('\\') {
        Cow::Owned(unescape(content))
    } else {
        Cow::Borrowed(content)
    };
    (value, hidden)
}

fn unescape(content: &str) -> String {
    let mut value = String::with_capacity(content.len());
    // Pairs of \u escapes may be the two halves of one character.
    let mut half: Option<u32> = None;
    let mut rest = content;
    while let Some(character) = rest.chars().next() {
        let length = if character == '\\' {
            escape_length(rest.as_bytes())
        } else {
            0
        };
        let code = match length {
            0 => u32::from(character),
            _ => escape_code(&rest[1..length]),
        };
        match (half.take(), code) {
            (Some(high), 0xdc00..=0xdfff) => {
                let joined = 0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00);
                value.push(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (before, 0xd800..=0xdbff) => {
                value.extend(before.map(|_| char::REPLACEMENT_CHARACTER));
                half = Some(code);
            }
            (before, _) => {
                value.extend(before.map(|_| char::REPLACEMENT_CHARACTER));
                value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        rest = &rest[if length == 0 {
            character.len_utf8()
        } else {
            length
        }..];
    }
    value.extend(half.map(|_| char::REPLACEMENT_CHARACTER));
    value
}

fn escape_code(escape: &str) -> u32 {
    let (letter, digits) = escape.split_at(1);
    match letter {
        "a" => 7,
        "b" => 8,
        "f" => 12,
        "n" => 10,
        "r" => 13,
        "t" => 9,
        "v" => 11,
        "x" | "u" | "U" => u32::from_str_radix(digits, 16).unwrap_or(0xfffd),
        _ if letter.as_bytes()[0].is_ascii_digit() => {
            u32::from_str_radix(escape, 8).unwrap_or(0xfffd)
        }
        _ => u32::from(letter.as_bytes()[0]),
    }
}

/// Writes `value` as a string literal in double quotes.
///
/// Whatever the value holds, the literal cannot end early.
pub fn quote(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if control.is_control() || matches!(control, '\u{2028}' | '\u{2029}') => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// The value of a number without a type: `5`, `0xff`.
pub(crate) fn long(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // Hexadecimal digits are bits: sixteen of them may set the sign.
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(u64::cast_signed),
        None => text.parse().ok(),
    }
}

/// The value of `type(content)`, or what is wrong with it.
pub(crate) fn typed(type_name: &str, content: &str) -> Result<LiteralValue, &'static str> {
    let content = content.trim_matches(crate::lexer::is_blank);
    let null = content == "null";
    let unquoted = unquote(content);
    Ok(match type_name {
        "bool" => LiteralValue::Bool(match content {
            "null" => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => match signed_long(content) {
                Some(number) => Some(number != 0),
                None => return Err("expected true, false or null"),
            },
        }),
        "int" | "int32" if null => LiteralValue::Int(None),
        "int" | "int32" => match signed_long(content).map(i32::try_from) {
            Some(Ok(number)) => LiteralValue::Int(Some(number)),
            Some(Err(_)) => return Err("this number does not fit an int of 32 bits"),
            None => return Err("expected a whole number or null"),
        },
        "long" | "int64" if null => LiteralValue::Long(None),
        "long" | "int64" => match signed_long(content) {
            Some(number) => LiteralValue::Long(Some(number)),
            None => return Err("expected a whole number of 64 bits or null"),
        },
        "real" | "double" if null => LiteralValue::Real(None),
        "real" | "double" => match real(content) {
            Some(number) => LiteralValue::Real(Some(number)),
            None => return Err("expected a number, nan, +inf, -inf or null"),
        },
        "decimal" if null => LiteralValue::Decimal(None),
        "decimal" if is_decimal(content) => LiteralValue::Decimal(Some(content.to_owned())),
        "decimal" => return Err("expected a number or null"),
        "datetime" | "date" if null => LiteralValue::DateTime(None),
        "datetime" | "date" => LiteralValue::DateTime(Some(unquoted.to_owned())),
        "time" | "timespan" if null => LiteralValue::TimeSpan(None),
        "time" | "timespan" => match timespan(unquoted) {
            Some(ticks) => LiteralValue::TimeSpan(Some(ticks)),
            None => return Err("expected a timespan such as 1d, 1.02:03:04 or null"),
        },
        _ if null => LiteralValue::Guid(None),
        _ if guid(unquoted).is_some() => LiteralValue::Guid(Some(unquoted.to_owned())),
        _ => return Err("expected a guid such as 74be27de-1e4e-49d9-b579-fe0b331d3642 or null"),
    })
}

fn unquote(content: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = content
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    content
}

fn signed_long(content: &str) -> Option<i64> {
    if content.starts_with("0x") || content.starts_with("0X") {
        return long(content);
    }
    content.parse().ok()
}

fn real(content: &str) -> Option<f64> {
    match content {
        "nan" | "NaN" => Some(f64::NAN),
        "inf" | "+inf" | "Inf" | "+Inf" => Some(f64::INFINITY),
        "-inf" | "-Inf" => Some(f64::NEG_INFINITY),
        _ => is_decimal(content).then(|| content.parse().ok()).flatten(),
    }
}

/// Whether `content` is digits with an optional sign, fraction and exponent.
fn is_decimal(content: &str) -> bool {
    let unsigned = content.strip_prefix(['+', '-']).unwrap_or(content);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_whole = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0 && exponent_is_whole
}

/// Reads a guid, in braces or without; dashes may stand anywhere. The answer is in small letters with
/// dashes in their usual places.
///
/// ```
/// let guid = "01234567-89ab-cdef-0123-456789abcdef";
/// assert_eq!(kql_syntax::guid("{0123456789AB-cdef-0123-456789abcdef}").as_deref(), Some(guid));
/// assert_eq!(kql_syntax::guid("0123"), None);
/// ```
pub fn guid(text: &str) -> Option<String> {
    let text = text.trim_matches(crate::lexer::is_blank);
    let bare = [('{', '}'), ('(', ')')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text);
    let (guid, rest) = first_digits(bare)?;
    rest.bytes().all(|byte| byte == b'-').then_some(guid)
}

/// The guid that a text begins with, as `toguid()` reads it: what stands behind its 32 digits is
/// ignored.
///
/// ```
/// let guid = "01234567-89ab-cdef-0123-456789abcdef";
/// assert_eq!(kql_syntax::leading_guid(&format!("{guid} (host)")).as_deref(), Some(guid));
/// ```
///
/// Source: <https://learn.microsoft.com/kusto/query/toguid-function>
pub fn leading_guid(text: &str) -> Option<String> {
    let text = text.trim_start_matches(crate::lexer::is_blank);
    first_digits(text.strip_prefix(['{', '(']).unwrap_or(text)).map(|(guid, _)| guid)
}

/// The first 32 digits of a guid in its usual form, and what stands behind them.
fn first_digits(text: &str) -> Option<(String, &str)> {
    let mut digits = String::with_capacity(36);
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| *byte != b'-') {
        if digits.len() == 36 {
            return Some((digits, &text[at..]));
        }
        if !byte.is_ascii_hexdigit() {
            return None;
        }
        if matches!(digits.len(), 8 | 13 | 18 | 23) {
            digits.push('-');
        }
        digits.push(char::from(byte.to_ascii_lowercase()));
    }
    (digits.len() == 36).then_some((digits, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_in_every_quote() {
        let cases = [
            (r#""a\"b\\\n""#, "a\"b\\\n", false),
            ("'it\\'s'", "it's", false),
            (r#"@"C:\x""y"""#, "C:\\x\"y\"", false),
            ("h'pass'", "pass", true),
            ("H@'a''b'", "a'b", true),
            ("```a\n\"b\"```", "a\n\"b\"", false),
            ("~~~x~~~", "x", false),
            (r"'\ud83d\ude00\x41\101'", "😀AA", false),
        ];
        for (text, value, hidden) in &cases {
            assert_eq!(string(text), (Cow::Borrowed(*value), *hidden), "{text}");
        }
    }

    #[test]
    fn quoting_survives_reading() {
        for value in ["", "a\"b", "\\", "line\nline", "\u{7}\u{2028}😀", "h\"@'"] {
            assert_eq!(string(&quote(value)).0, value);
        }
    }

    #[test]
    fn typed_literals() {
        assert_eq!(typed("int", "-5"), Ok(LiteralValue::Int(Some(-5))));
        assert_eq!(typed("int", "0x10"), Ok(LiteralValue::Int(Some(16))));
        assert_eq!(
            typed("real", "+inf"),
            Ok(LiteralValue::Real(Some(f64::INFINITY)))
        );
        assert_eq!(typed("real", "1e3"), Ok(LiteralValue::Real(Some(1000.0))));
        assert_eq!(
            typed("decimal", "1.50"),
            Ok(LiteralValue::Decimal(Some("1.50".to_owned())))
        );
        assert_eq!(typed("bool", "1"), Ok(LiteralValue::Bool(Some(true))));
        assert_eq!(typed("guid", "null"), Ok(LiteralValue::Guid(None)));
        assert!(typed("int", "3000000000").is_err());
        assert!(typed("int", "x").is_err());
        assert!(typed("real", "infinity").is_err());
        assert!(typed("guid", "12").is_err());
    }
}
