//! How a text is written so that every reader of YAML takes it for the same text.

/// The text as a value behind a key.
pub(crate) fn written(text: &str) -> String {
    if is_plain(text) && !text.contains(['{', '}', '[', ']', ',']) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// The text as a value between braces.
pub(crate) fn within_flow(text: &str) -> String {
    // A colon may end a key there, so that addresses stand in quotes.
    if is_plain(text) && !text.contains(['{', '}', '[', ']', ',', ':']) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    if text.chars().any(|c| c.is_control() || c == '\u{feff}') {
        // JSON's escapes are YAML's.
        let mut escaped = String::from('"');
        for character in text.chars() {
            match character {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '\n' => escaped.push_str("\\n"),
                '\t' => escaped.push_str("\\t"),
                '\r' => escaped.push_str("\\r"),
                c if c.is_control() || c == '\u{feff}' => {
                    let _ = std::fmt::Write::write_fmt(
                        &mut escaped,
                        format_args!("\\u{:04x}", u32::from(c)),
                    );
                }
                c => escaped.push(c),
            }
        }
        escaped.push('"');
        return escaped;
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether no reader takes `text` for anything but itself. Truth values and plain numbers stay
/// what they are.
fn is_plain(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if ["true", "false"].contains(&lower.as_str()) {
        return true;
    }
    if ["yes", "no", "on", "off", "y", "n", "null", "nan", "inf"].contains(&lower.as_str()) {
        return false;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text == "0" || !text.is_empty() && text.len() < 16 && !text.starts_with('0');
    }
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || is_guid(text);
    starts
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " _./@+:-".contains(c))
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
