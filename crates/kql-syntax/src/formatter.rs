//! Lays a query out in the Kusto style, comments and all.
//!
//! The tree says how the text hangs together, the tokens what it is made of: every token is
//! taken over from the text in its order, so that nothing that was written can get lost. What
//! the layout decides is only what stands between two tokens.
//! `pieces` pairs tokens with the comments before them, `layout` walks the tree and puts places
//! for line breaks between the tokens, `lines` decides which of those places break.

mod expressions;
mod layout;
mod lines;
mod operators;
mod pieces;
mod rare_operators;
mod statements;

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::parser::parse;
use crate::queries::queries;

/// How wide and how deep [`format()`] lays a query out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FormatOptions {
    /// Longest line in characters, where the text has a place to break; 100 by default.
    ///
    /// Comments do not count: they are never broken, and code is not broken because of them.
    pub width: usize,
    /// Blanks for one level of indentation; 4 by default.
    pub indent: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self {
            width: 100,
            indent: 4,
        }
    }
}

/// Lays out a whole query text.
///
/// Each statement and each piped operator begins a line; what does not fit into the width is
/// broken at commas, before `and`, `or`, `by`, `on` and the like, and inside of parentheses.
/// A sub-query of one operator may stay in its line as an operand, as in `toscalar(T | count)`.
/// Comparisons get their usual spelling (`!=` for `<>`); names, literals, the choice between
/// `take` and `limit` and the like stay as they were written.
///
/// Of several queries, parted by empty lines ([`queries`]), each is laid out by itself.
///
/// Comments stay at what they were written next to: at the end of its line, or in lines of
/// their own before it. At most one blank line stays between statements.
/// The result has the same tree, formatting it again changes nothing, its lines end in `\n`.
///
/// ```
/// use kql_syntax::{FormatOptions, format};
///
/// let text = "let since=ago(1d);T|where a<>1 and Timestamp>since // why\n|project a,b";
/// assert_eq!(
///     format(text, &FormatOptions::default()).unwrap(),
///     "let since = ago(1d);\nT\n| where a != 1 and Timestamp > since // why\n| project a, b\n"
/// );
/// ```
///
/// # Errors
///
/// What [`parse`] complains about: text that has no complete tree cannot be laid out.
pub fn format(text: &str, options: &FormatOptions) -> Result<String, Vec<Diagnostic>> {
    let parse = parse(text);
    if parse.diagnostics.is_empty() {
        let items = layout::Layout::of(text, &parse.tree);
        return Ok(lines::write(&items, options));
    }
    let queries = queries(text);
    if queries.len() < 2 {
        return Err(parse.diagnostics);
    }
    let wrong: Vec<Diagnostic> = queries
        .iter()
        .flat_map(|query| found(text, query))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // A query has the remarks before it; what stands behind the last one is its own.
    let mut formatted = Vec::new();
    let mut start = 0;
    for (at, query) in queries.iter().enumerate() {
        let end = queries
            .get(at + 1)
            .map_or(text.len(), |next| remarks_of(text, query.end, next.start));
        formatted.push(format(&text[start..end], options)?);
        start = end;
    }
    Ok(formatted.join("\n"))
}

/// What is wrong with one of the queries of a text.
fn found(text: &str, query: &Range<usize>) -> impl Iterator<Item = Diagnostic> {
    let start = query.start;
    let diagnostics = parse(&text[query.clone()]).diagnostics.into_iter();
    diagnostics.map(move |found| Diagnostic {
        span: found.span.after(start),
        ..found
    })
}

/// Where the remarks begin that stand before the query at `start`, `end` being the end of the one
/// before: behind the last line of that.
fn remarks_of(text: &str, end: usize, start: usize) -> usize {
    text[end..start]
        .find('\n')
        .map_or(start, |line| end + line + 1)
}

#[cfg(test)]
mod tests;
