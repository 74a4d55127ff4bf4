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

use crate::diagnostic::Diagnostic;
use crate::parser::parse;

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
    if !parse.diagnostics.is_empty() {
        return Err(parse.diagnostics);
    }
    let items = layout::Layout::of(text, &parse.tree);
    Ok(lines::write(&items, options))
}

#[cfg(test)]
mod tests;
