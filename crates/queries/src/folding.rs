//! The lines of a multi-line YAML scalar that YAML itself would fold into one.
//!
//! Query texts stand in quoted or folded scalars by custom. YAML makes one line of them, and the
//! first `//` would then comment out the rest of the query. What was written is read again here.

use crate::scanning::{Place, Scanner};

/// The text with its lines kept; `None` when nothing was folded.
///
/// `value` is what YAML made of `written`, the scalar as it stands in the file with its quotes.
/// A break within a KQL string literal stays folded, for no such literal spans two lines.
pub(crate) fn lines(value: &str, written: &str) -> Option<String> {
    let written = written.replace("\r\n", "\n");
    let written = written.trim_end();
    let breaks = written.matches('\n').count();
    if breaks == 0 {
        return None;
    }
    let quoted = match written.chars().next() {
        Some('\'') => single_quoted(written),
        Some('"') => double_quoted(written),
        _ if value.trim_end().matches('\n').count() == breaks => return None,
        _ => None,
    };
    // A block scalar may begin with a quote too: what was read has to be what YAML read.
    quoted
        .into_iter()
        .chain([dedented(written)])
        .find(|candidate| visible(candidate).eq(visible(value)))
        .map(|candidate| joined(&candidate))
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !letter.is_whitespace())
}

fn single_quoted(written: &str) -> Option<String> {
    let inner = written.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(dedented(&inner.replace("''", "'")))
}

fn double_quoted(written: &str) -> Option<String> {
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    let mut line = String::from("\"");
    for (index, part) in dedented(inner).split('\n').enumerate() {
        let continued = line.len() - line.trim_end_matches('\\').len();
        if index > 0 && continued % 2 == 1 {
            // An escaped break: the author joined the lines.
            line.pop();
            line.push_str(part.trim_start());
            continue;
        }
        if index > 0 {
            line.push_str("\\n");
        }
        line.push_str(part);
    }
    line.push('"');
    serde_saphyr::from_str::<String>(&line).ok()
}

/// The lines without the indentation that all but the first have in common.
fn dedented(text: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = text
        .split('\n')
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(indentation)
        .min()
        .unwrap_or(0);
    text.split('\n')
        .enumerate()
        .map(|(index, line)| {
            let from = if index == 0 { 0 } else { common };
            line.get(from..).unwrap_or("").trim_end()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The lines with those joined again that would break a string literal.
fn joined(text: &str) -> String {
    let mut scanner = Scanner::new(false);
    let mut joined = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        let mut line = line;
        if index > 0 {
            if matches!(scanner.place, Place::Text { .. }) {
                line = line.trim_start();
                scanner.read(" ");
                joined.push(' ');
            } else {
                scanner.read("\n");
                joined.push('\n');
            }
        }
        scanner.read(line);
        joined.push_str(line);
    }
    if matches!(scanner.place, Place::Text { .. }) {
        // A quote was left open somewhere, so nothing is known about the breaks.
        return text.to_owned();
    }
    joined
}

#[cfg(test)]
mod tests;
