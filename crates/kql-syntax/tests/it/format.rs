//! Laying out keeps the tree and every comment, and laying out again changes nothing.

mod corpus;
mod edges;
mod snapshots;

use kql_syntax::{FormatOptions, TokenKind, format, parse, tokenize};

use crate::{accepted, shape};

/// Widths from hopeless to boundless.
const WIDTHS: [usize; 6] = [0, 20, 40, 80, 100, usize::MAX];

fn formatted(text: &str) -> String {
    formatted_to(text, 100)
}

fn formatted_to(text: &str, width: usize) -> String {
    let options = FormatOptions {
        width,
        ..FormatOptions::default()
    };
    format(text, &options).unwrap_or_else(|diagnostics| panic!("{text}\n{diagnostics:#?}"))
}

/// The comments of a text in their order, without the blanks at their ends.
fn comments(text: &str) -> Vec<&str> {
    tokenize(text)
        .0
        .iter()
        .filter(|token| token.kind == TokenKind::Comment)
        .map(|token| token.span.slice(text).trim_end())
        .collect()
}

/// The tree without places, and without the carriage returns in literals of several lines.
fn meaning(text: &str) -> String {
    shape(&accepted(text))
        .replace("\\r\\n", "\\n")
        .replace("\\r", "\\n")
}

/// Everything that must hold for any text without syntax errors, in any width.
fn holds(text: &str) {
    holds_in(text, &WIDTHS);
}

fn holds_in(text: &str, widths: &[usize]) {
    let (tree, comments_before) = (meaning(text), comments(text));
    for width in widths.iter().copied() {
        let result = formatted_to(text, width);
        assert_eq!(tree, meaning(&result), "{text}\nwas laid out as\n{result}");
        assert_eq!(
            comments_before,
            comments(&result),
            "{text}\nwas laid out as\n{result}"
        );
        assert_eq!(
            result,
            formatted_to(&result, width),
            "laying out again must change nothing: {width}\n{text}"
        );
        assert!(
            result.ends_with('\n') && !result.ends_with("\n\n"),
            "{result:?}"
        );
        assert!(!result.starts_with(['\n', ' ', '\u{feff}']), "{result:?}");
    }
}

#[test]
fn text_with_syntax_errors_is_refused() {
    for text in [
        "",
        "T | where",
        "T | take 5; ;",
        "let f = (x: long) { x",
        "T | wear a",
    ] {
        assert_eq!(
            format(text, &FormatOptions::default()),
            Err(parse(text).diagnostics),
            "{text}"
        );
    }
}
