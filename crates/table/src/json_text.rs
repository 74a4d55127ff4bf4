//! Cells and strings as JSON text.

use serde::de::IgnoredAny;

use crate::Cell;

/// Appends a cell as a JSON value on one line.
pub(crate) fn push_cell(text: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Null => text.push_str("null"),
        Cell::Bool(_) | Cell::Long(_) => cell.push_to(text),
        Cell::Real(value) if value.is_finite() => cell.push_to(text),
        Cell::Real(_) | Cell::DateTime(_) | Cell::TimeSpan(_) => {
            text.push('"');
            cell.push_to(text);
            text.push('"');
        }
        // A dynamic column from elsewhere may hold text that is no JSON; quoted it still is a value.
        Cell::Json(json) if serde_json::from_str::<IgnoredAny>(json).is_ok() => {
            push_one_line(text, json);
        }
        Cell::Decimal(plain) | Cell::Text(plain) | Cell::Json(plain) => push_string(text, plain),
    }
}

/// Valid JSON holds line breaks only between its tokens, where a space means the same.
fn push_one_line(text: &mut String, json: &str) {
    if json.contains('\n') {
        text.push_str(&json.replace(['\n', '\r'], " "));
    } else {
        text.push_str(json);
    }
}

/// Appends a JSON string as `serde_json` writes it, which costs a call for each piece of it.
pub(crate) fn push_string(text: &mut String, plain: &str) {
    text.push('"');
    let mut done = 0;
    for (index, byte) in plain.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        text.push_str(&plain[done..index]);
        done = index + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            8 => text.push_str("\\b"),
            12 => text.push_str("\\f"),
            other => {
                use std::fmt::Write as _;
                let _ = write!(text, "\\u{other:04x}");
            }
        }
    }
    text.push_str(&plain[done..]);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        let mut plain: String = (0..0x100_u32).filter_map(char::from_u32).collect();
        plain.push_str("\u{2028}\u{1f600}");
        for start in 0..0x80 {
            let mut text = String::new();
            push_string(&mut text, &plain[start..]);
            assert_eq!(text, serde_json::Value::from(&plain[start..]).to_string());
        }
    }
}
