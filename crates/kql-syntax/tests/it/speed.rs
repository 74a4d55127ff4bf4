//! Large texts cost time in proportion to their length; a quadratic parser would not come back.

use kql_syntax::parse;

const MEGABYTE: usize = 1 << 20;

pub(crate) fn repeated(before: &str, part: &str, after: &str) -> String {
    format!("{before}{}{after}", part.repeat(MEGABYTE / part.len()))
}

#[test]
fn a_megabyte_of_anything_is_read() {
    let texts = [
        repeated("T | where a in (", "'value', ", "'last')"),
        repeated("T", " | where a == 'x' and b > 5", ""),
        repeated("T | where a", " or a", ""),
        repeated("print dynamic([", "{\"a\": [1, 2.5]}, ", "null])"),
        repeated("datatable(a: long)[", "1, ", "2]"),
        repeated("", "let a = (b: long) { b + 1 };\n", "print a(1)"),
        repeated("T", " // a comment\n", "| take 5"),
        repeated("print ", "'a' ", ""),
        repeated("print '", "x", "'"),
        repeated("T | project ", "['a b'] = c, ", "d"),
        repeated("T | extend ", "x = (a, b), ", "y = 1").replace("(a, b)", "f(a, b)"),
    ];
    for text in texts {
        let parse = parse(&text);
        assert!(
            parse.diagnostics.is_empty(),
            "{}… {:?}",
            &text[..40],
            parse.diagnostics.first()
        );
    }
}

#[test]
fn a_megabyte_of_nonsense_is_refused() {
    for part in [
        "(",
        "[",
        "{",
        ")",
        "'",
        "\"\n",
        "| ",
        ";",
        "a b ",
        "((a,",
        "let ",
        "x in (",
        "``",
        "1.",
        "\u{a0}é",
        "h@",
        "in~ ",
        "| where (",
        "#\n",
        "=",
        "{ let a = (",
    ] {
        let parse = parse(&repeated("T ", part, ""));
        assert!(!parse.diagnostics.is_empty(), "{part}");
        assert!(parse.diagnostics.len() < 2_000_000);
    }
}
