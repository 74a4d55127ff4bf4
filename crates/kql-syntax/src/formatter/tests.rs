//! How much work a layout is, counted.

use super::layout::Layout;
use super::{FormatOptions, format};

/// How many items `before`, `count` times `part` and `after` make.
fn items(before: &str, part: &str, after: &str, count: usize) -> usize {
    let text = format!("{before}{}{after}", part.repeat(count));
    let parse = crate::parse(&text);
    assert!(parse.diagnostics.is_empty(), "{text}");
    Layout::of(&text, &parse.tree).len()
}

/// Writing passes each item once; so what counts is that items grow as the text does.
#[test]
fn work_grows_with_the_text() {
    for (before, part, after) in [
        ("T | where a in (", "'value', ", "'last')"),
        ("T", " | where a == 'x' and b > 5", ""),
        ("T | where a", " or a", ""),
        ("print dynamic([", "{\"a\": [1, 2.5]}, ", "null])"),
        ("datatable(a: long)[", "1, ", "2]"),
        ("", "let a = (b: long) { b + 1 };\n", "print a(1)"),
        ("T", " // a comment\n", "| take 5"),
        ("T | project ", "a // a\n, ", "d"),
        ("print ", "'a' ", ""),
        ("T | extend ", "x = f(a, g(b)), ", "y = 1"),
        ("print case(", "a == b, c, ", "d)"),
        ("T | parse a with ", "* 'b' c: long ", "*"),
        ("print a", "[b]", ""),
    ] {
        let count = |count| items(before, part, after, count);
        assert_eq!(
            count(400) - count(200),
            2 * (count(200) - count(100)),
            "{before}{part}"
        );
    }
    for depth in 1..20 {
        let nested = |depth| items(&"f(a, ".repeat(depth), "1", &")".repeat(depth), 1);
        assert_eq!(
            nested(depth + 1) - nested(depth),
            nested(2) - nested(1),
            "{depth}"
        );
    }
}

#[test]
fn queries_parted_by_empty_lines_are_laid_out_each() {
    let text = "// first\nA|count // all\n\n\n// second\nB|where x==1\n\n// the end";
    let formatted = format(text, &FormatOptions::default()).unwrap();
    assert_eq!(
        formatted,
        "// first\nA\n| count // all\n\n// second\nB\n| where x == 1\n\n// the end\n"
    );
    assert_eq!(
        format(&formatted, &FormatOptions::default()).unwrap(),
        formatted
    );
    let wrong = format("A|count\n\nB|where", &FormatOptions::default()).unwrap_err();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].span.start, 16);
}
