//! Several queries in one text, parted by empty lines as in every Kusto editor.

use kql_syntax::Lines;

/// What to do about a text that holds several queries; `None` where it is one.
pub(super) fn advice(text: &str) -> Option<String> {
    let queries = kql_syntax::queries(text);
    // What stands behind a whole query and an empty line is another one, sound or not.
    let first = text.get(queries.first()?.clone())?;
    if queries.len() < 2 || !kql_syntax::parse(first).diagnostics.is_empty() {
        return None;
    }
    let index = Lines::new(text);
    let line = |query: &std::ops::Range<usize>| {
        let start = u32::try_from(query.start).ok()?;
        Some(index.position(start).line.to_string())
    };
    let lines: Vec<String> = queries.iter().filter_map(line).collect();
    let (last, first) = lines.split_last()?;
    Some(format!(
        "the text holds {} queries, parted by empty lines: they begin at lines {} and {last}; run \
         them one at a time, or put a ';' after a let that belongs to the next",
        lines.len(),
        first.join(", "),
    ))
}
