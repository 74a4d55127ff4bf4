//! Lexer, parser, syntax tree and printer for the Kusto Query Language.
//!
//! [`parse`] turns text into a [`tree::Query`] and diagnostics, [`print()`] turns the tree back
//! into text, [`format()`] lays a text out with its comments, [`Query::nodes`](tree::Query::nodes) walks it, [`tokenize`] gives the tokens with
//! the comments that the tree leaves out, and [`Lines`] says where an offset is. [`ticks`] has the calendar
//! and the texts of datetimes and timespans.
//!
//! Text of any nesting is safe: past [`MAX_DEPTH`] levels there is a diagnostic and no tree.

mod diagnostic;
mod formatter;
mod keywords;
mod lexer;
mod literals;
mod nearest;
mod parser;
mod position;
mod printer;
mod queries;
mod span;
pub mod ticks;
pub mod tree;
mod walk;

pub use diagnostic::Diagnostic;
pub use formatter::{FormatOptions, format};
pub use lexer::{Token, TokenKind, tokenize};
pub use literals::{guid, leading_guid, quote};
pub use nearest::nearest;
pub use parser::{MAX_DEPTH, Parse, parse};
pub use position::{Lines, Position};
pub use printer::print;
pub use queries::queries;
pub use span::Span;
pub use walk::Node;
