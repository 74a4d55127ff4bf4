//! The string operators: terms, substrings, regular expressions.
//!
//! A term is a maximal run of letters and digits; everything else, underscores included, separates.
//!
//! Source: <https://learn.microsoft.com/kusto/query/datatypes-string-operators>

use std::sync::Arc;

use kql_semantics::bound::TextOp;
use regex::{Regex, RegexBuilder, bytes};

use crate::expression::TextTest;
use crate::{EngineError, allowance};

/// How large compiled regular expressions may be; most are of the first size. RE2 ends at the last.
const SIZES: [usize; 3] = [64 << 10, 512 << 10, 8 << 20];

/// Compiles a regular expression of the RE2 family, in which `\0` and `\123` are characters by
/// their octal number.
///
/// Source: <https://learn.microsoft.com/kusto/query/regex>
pub(crate) fn regex(pattern: &str) -> Result<Regex, EngineError> {
    let refused = |reason: &str| {
        EngineError::argument(format!("'{pattern}' is no regular expression: {reason}"))
    };
    if has_back_reference(pattern) {
        return Err(refused("backreferences are not supported"));
    }
    let left = allowance::regexes();
    let sizes = if left.is_some() {
        &SIZES[..]
    } else {
        &SIZES[2..]
    };
    let mut last = String::new();
    for size in sizes {
        if left.is_some_and(|left| left < *size) {
            return Err(EngineError::runtime(
                "the regular expressions of the query are too large together",
            ));
        }
        let built = RegexBuilder::new(pattern)
            .octal(true)
            .size_limit(*size)
            .build();
        match built {
            Ok(found) => {
                allowance::spend_regex(*size);
                return Ok(found);
            }
            Err(error) => {
                last = error.to_string();
                if !matches!(error, regex::Error::CompiledTooBig(_)) {
                    break;
                }
            }
        }
    }
    let reason = last.lines().last().unwrap_or_default().trim();
    Err(refused(reason.trim_start_matches("error: ")))
}

/// Whether one digit other than zero follows a backslash, which would else be read as a character.
fn has_back_reference(pattern: &str) -> bool {
    let octal = |letter: char| ('0'..='7').contains(&letter);
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            continue;
        }
        match letters.next() {
            Some('8' | '9') => return true,
            Some('1'..='7') if !letters.peek().is_some_and(|next| octal(*next)) => return true,
            _ => {}
        }
    }
    false
}

fn is_term(character: char) -> bool {
    character.is_alphanumeric()
}

/// Lower case, without allocation for what is lower already.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.to_lowercase()
    }
}

/// Finds `needle` in `text` where the sides that matter end at a term's border.
fn at_border(text: &str, needle: &str, start: bool, end: bool) -> bool {
    if needle.is_empty() {
        return true;
    }
    // A side that is no term itself, such as the point of ".exe", borders on anything.
    let start = start && needle.chars().next().is_some_and(is_term);
    let end = end && needle.chars().next_back().is_some_and(is_term);
    let mut from = 0;
    while let Some(found) = text[from..].find(needle) {
        let at = from + found;
        let after = at + needle.len();
        let before_free = !start
            || text[..at]
                .chars()
                .next_back()
                .is_none_or(|one| !is_term(one));
        let after_free = !end || text[after..].chars().next().is_none_or(|one| !is_term(one));
        if before_free && after_free {
            return true;
        }
        from = at + needle.chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// Whether two texts are equal but for case, for the length of `needle`, at the start or end.
fn starts_folded(text: &str, needle: &str) -> bool {
    match text.get(..needle.len()) {
        Some(head) if head.is_ascii() && needle.is_ascii() => head.eq_ignore_ascii_case(needle),
        _ if text.is_ascii() && needle.is_ascii() => false,
        _ => folded(text).starts_with(&folded(needle)),
    }
}

fn ends_folded(text: &str, needle: &str) -> bool {
    let tail = text
        .len()
        .checked_sub(needle.len())
        .and_then(|at| text.get(at..));
    match tail {
        Some(tail) if tail.is_ascii() && needle.is_ascii() => tail.eq_ignore_ascii_case(needle),
        _ if text.is_ascii() && needle.is_ascii() => false,
        _ => folded(text).ends_with(&folded(needle)),
    }
}

/// Looks for a text but for case.
pub(crate) struct Finder {
    /// The text in lower case.
    lower: String,
    /// Finds a text of ASCII in texts of ASCII.
    searcher: Option<bytes::Regex>,
}

impl Finder {
    pub(crate) fn new(pattern: &str) -> Self {
        let lower = folded(pattern);
        let searcher = if lower.is_empty() || !lower.is_ascii() {
            None
        } else {
            let escaped = regex::escape(&lower);
            bytes::Regex::new(&format!("(?i-u:{escaped})")).ok()
        };
        Self { lower, searcher }
    }

    fn contains(&self, text: &str) -> bool {
        if text.is_ascii() {
            if let Some(searcher) = &self.searcher {
                return text.len() >= self.lower.len() && searcher.is_match(text.as_bytes());
            }
            return self.lower.is_empty() || text.to_ascii_lowercase().contains(&self.lower);
        }
        folded(text).contains(&self.lower)
    }

    fn has(&self, text: &str, start: bool, end: bool) -> bool {
        self.contains(text) && at_border(&folded(text), &self.lower, start, end)
    }
}

/// `like`: `%` and `*` are any text, `_` and `?` any character.
fn like(pattern: &str, ignore_case: bool) -> Result<Regex, EngineError> {
    let mut text = String::from(if ignore_case { "(?is)^" } else { "(?s)^" });
    for character in pattern.chars() {
        match character {
            '%' | '*' => text.push_str(".*"),
            '_' | '?' => text.push('.'),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push('$');
    regex(&text)
}

/// Whether any of many terms is in a text: one look at the text tells most of them apart.
pub(crate) fn any_term(terms: &[String]) -> TextTest {
    let finders: Vec<Finder> = terms.iter().map(|term| Finder::new(term)).collect();
    let ascii = finders
        .iter()
        .all(|one| one.lower.is_ascii() && !one.lower.is_empty());
    let all: Vec<String> = finders
        .iter()
        .map(|one| regex::escape(&one.lower))
        .collect();
    let first = (ascii && finders.len() > 1)
        .then(|| bytes::Regex::new(&format!("(?i-u:{})", all.join("|"))).ok())
        .flatten();
    Arc::new(move |text| {
        if let Some(first) = &first
            && text.is_ascii()
            && !first.is_match(text.as_bytes())
        {
            return false;
        }
        finders.iter().any(|one| one.has(text, true, true))
    })
}

/// The test an operator makes of a text, with everything about the pattern done once.
pub(crate) fn test(op: TextOp, pattern: &str) -> Result<TextTest, EngineError> {
    let needle = pattern.to_owned();
    let finder = match op {
        TextOp::Has | TextOp::HasPrefix | TextOp::HasSuffix | TextOp::Contains => {
            Finder::new(pattern)
        }
        _ => Finder::new(""),
    };
    Ok(match op {
        TextOp::Has => Arc::new(move |text| finder.has(text, true, true)),
        TextOp::HasCs => Arc::new(move |text| at_border(text, &needle, true, true)),
        TextOp::HasPrefix => Arc::new(move |text| finder.has(text, true, false)),
        TextOp::HasPrefixCs => Arc::new(move |text| at_border(text, &needle, true, false)),
        TextOp::HasSuffix => Arc::new(move |text| finder.has(text, false, true)),
        TextOp::HasSuffixCs => Arc::new(move |text| at_border(text, &needle, false, true)),
        TextOp::Contains => Arc::new(move |text| finder.contains(text)),
        TextOp::ContainsCs => Arc::new(move |text| text.contains(needle.as_str())),
        TextOp::StartsWith => Arc::new(move |text| starts_folded(text, &needle)),
        TextOp::StartsWithCs => Arc::new(move |text| text.starts_with(needle.as_str())),
        TextOp::EndsWith => Arc::new(move |text| ends_folded(text, &needle)),
        TextOp::EndsWithCs => Arc::new(move |text| text.ends_with(needle.as_str())),
        TextOp::Like | TextOp::LikeCs => {
            let regex = like(pattern, op == TextOp::Like)?;
            Arc::new(move |text| regex.is_match(text))
        }
        TextOp::MatchesRegex => {
            let regex = regex(pattern)?;
            Arc::new(move |text| regex.is_match(text))
        }
    })
}

#[cfg(test)]
mod tests {
    use kql_semantics::bound::TextOp;

    use super::test;

    #[test]
    fn terms_end_where_letters_and_digits_end() {
        for (op, text, pattern, expected) in [
            (TextOp::Has, "North America", "america", true),
            (TextOp::Has, "NorthAmerica", "america", false),
            (TextOp::Has, "C:\\Windows\\cmd.exe", "cmd.exe", true),
            (TextOp::Has, "xcmd.exe cmd.exe", "cmd.exe", true),
            (TextOp::Has, "cmd.exe", ".exe", true),
            (TextOp::Has, "c:\\abc\\temp\\x", "\\temp\\", true),
            (TextOp::Has, "powershell -encoded", "-enc", false),
            (TextOp::HasCs, "a Cmd b", "cmd", false),
            (TextOp::HasPrefix, "NorthAmerica", "north", true),
            (TextOp::HasSuffix, "NorthAmerica", "america", true),
            (TextOp::Contains, "ÄRGER", "ärg", true),
            (TextOp::StartsWith, "PowerShell", "POWER", true),
            (TextOp::EndsWith, "PowerShell", "shell", true),
            (TextOp::EndsWithCs, "PowerShell", "shell", false),
            (TextOp::MatchesRegex, "abc123", r"\d+$", true),
        ] {
            assert_eq!(
                test(op, pattern).unwrap()(text),
                expected,
                "{op:?} {text} {pattern}"
            );
        }
        assert!(test(TextOp::MatchesRegex, "(").is_err());
    }
}
