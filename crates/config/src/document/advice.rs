//! What most often breaks a settings file, seen from its lines without showing them.

/// The line that breaks a file, from 1, and what to do about it. The reader stops at `line`: where
/// a fault ends, an open quote at the end of the file, or behind it.
pub(super) fn fault(text: &str, line: usize) -> Option<(usize, &'static str)> {
    let at_or_before = FAULTS.iter().find_map(|(is, advice)| {
        let mut before = text.lines().take(line.max(1));
        let index = before.position(*is)?;
        Some((index + 1, *advice))
    });
    at_or_before.or_else(|| {
        // A tab ends the block above it, which is where the reader may stop.
        let next = text.lines().nth(line)?;
        is_indented_with_tabs(next).then(|| (line.saturating_add(1), TABS))
    })
}

/// What to do about a file that breaks at `line` for no fault that a line shows.
pub(super) fn advice(text: &str, line: usize) -> String {
    if text.trim_start().starts_with('{') {
        return "this is JSON: close each brace and bracket, and put a comma between two keys"
            .to_owned();
    }
    let value = text.lines().nth(line.saturating_sub(1)).map(value_of);
    let value = value.unwrap_or_default();
    if value.starts_with([
        '*', '&', '!', '%', '@', '`', '{', '[', '}', ']', '|', '>', ',',
    ]) || value.contains(": ")
        || value.contains(" #")
    {
        return "put the value in quotes: it holds a character that means something in YAML"
            .to_owned();
    }
    "look at that line and the one before it: indentation, a missing ':' or an open quote"
        .to_owned()
}

type Fault = (fn(&str) -> bool, &'static str);

const TABS: &str = "indent with blanks, not with tabs";

/// Faults by their line alone, the surest first.
const FAULTS: &[Fault] = &[
    (
        is_left_out,
        "the dots stand for what a document leaves out; remove the line or fill it in",
    ),
    (is_indented_with_tabs, TABS),
    (
        is_escape,
        "a backslash in double quotes begins an escape; put a path in single quotes",
    ),
    (
        is_open_quote,
        "the quote that begins the value is not closed",
    ),
    (
        is_assignment,
        "write a setting as name: value, with a colon and a blank",
    ),
];

/// Whether a document's editor left something out here.
pub(super) fn is_left_out(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix('[').unwrap_or(line);
    let line = line.strip_suffix(']').unwrap_or(line).trim();
    matches!(line, "..." | "\u{2026}" | "....")
}

fn is_indented_with_tabs(line: &str) -> bool {
    line.trim_start_matches(' ').starts_with('\t') && !line.trim().is_empty()
}

fn is_escape(line: &str) -> bool {
    const KNOWN: &[char] = &[
        '0', 'a', 'b', 't', 'n', 'v', 'f', 'r', 'e', ' ', '"', '/', '\\', 'N', '_', 'L', 'P',
    ];
    let value = value_of(line);
    let mut letters = value.chars();
    if letters.next() != Some('"') {
        return false;
    }
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            // Of \x, \u and \U a path has no digits behind.
            let Some(next) = letters.next() else {
                return false;
            };
            let digits = match next {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                other if KNOWN.contains(&other) => 0,
                _ => return true,
            };
            let found = letters.clone().take(digits);
            if found.filter(char::is_ascii_hexdigit).count() < digits {
                return true;
            }
        }
    }
    false
}

fn is_open_quote(line: &str) -> bool {
    let value = value_of(line);
    let Some(quote) = value
        .chars()
        .next()
        .filter(|first| ['"', '\''].contains(first))
    else {
        return false;
    };
    let value = if quote == '"' {
        value.replace("\\\\", "").replace("\\\"", "")
    } else {
        value.to_owned()
    };
    value.matches(quote).count() % 2 == 1
}

/// `Name=value`, or `Name:value` without the blank.
fn is_assignment(line: &str) -> bool {
    let line = line.trim();
    let end = line
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut rest = rest.trim_start().chars();
    let sign = rest.next();
    let follows = rest.next();
    !name.is_empty()
        && !line.contains(": ")
        && match sign {
            Some('=') => follows.is_some(),
            Some(':') => follows.is_some_and(|next| !next.is_whitespace() && next != '/'),
            _ => false,
        }
}

/// What stands behind the key.
fn value_of(line: &str) -> &str {
    line.split_once(": ").map_or("", |(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_is_named_with_its_line() {
        let told = |text: &str, line| match fault(text, line) {
            Some((line, advice)) => format!("line {line}: {advice}"),
            None => advice(text, line),
        };
        let dots =
            "line 3: the dots stand for what a document leaves out; remove the line or fill it in";
        for (text, line, expected) in [
            ("DataProviders:\n  A:\n...\n  B:\n", 4, dots),
            ("DataProviders:\n  A:\n    \u{2026}\n  B:\n", 4, dots),
            ("DataProviders:\n  A:\n  [...]\n  B\n", 4, dots),
            (
                "a:\n\tb: c\n",
                2,
                "line 2: indent with blanks, not with tabs",
            ),
            (
                "a:\n  b: c\n\td: e\n",
                2,
                "line 3: indent with blanks, not with tabs",
            ),
            (
                "a:\n  Certificate: \"C:\\Users\\me\\c.pem\"\n",
                2,
                "line 2: a backslash in double quotes begins an escape; put a path in single quotes",
            ),
            (
                "a:\n  b: \"open\n  c: d\n",
                3,
                "line 2: the quote that begins the value is not closed",
            ),
            (
                "a:\n  b: 'it''s open\n",
                2,
                "line 2: the quote that begins the value is not closed",
            ),
            (
                "tenant_id=contoso.com\n",
                1,
                "line 1: write a setting as name: value, with a colon and a blank",
            ),
            (
                "a:\n  TenantId:contoso.com\n  b: c\n",
                3,
                "line 2: write a setting as name: value, with a colon and a blank",
            ),
            (
                "a:\n  b: *c\n",
                2,
                "put the value in quotes: it holds a character that means something in YAML",
            ),
            (
                "a:\n   b: c\n  d: e\n",
                3,
                "look at that line and the one before it: indentation, a missing ':' or an open quote",
            ),
        ] {
            assert_eq!(told(text, line), expected, "{text}");
        }
    }

    #[test]
    fn sound_lines_are_not_blamed() {
        for line in [
            "a: \"C:\\\\Users\\\\me\"",
            "a: \"tab\\t and \\u00e4\"",
            "a: 'it''s'",
            "a: \"say \\\"x\\\"\"",
            "https://host/",
            "a: b=c",
            "# remark",
            "  - item",
            "a:",
        ] {
            assert!(FAULTS.iter().all(|(is, _)| !is(line)), "{line}");
        }
    }
}
