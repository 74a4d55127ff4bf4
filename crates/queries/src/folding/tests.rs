//! Scalars of every style, read through YAML and again from the file.

use crate::node::Document;

/// What becomes of the scalar `q` in `yaml`.
fn read(yaml: &str) -> String {
    let document = Document::parse(yaml).unwrap();
    document.lines(document.root.get("q").unwrap()).unwrap()
}

const EXPECTED: &str = "T // every row\n| where a == 'b'\n  and c\n| take 5";

#[test]
fn single_quoted_lines_stay_lines() {
    let yaml =
        "q: '\n    T // every row\n    | where a == ''b''\n      and c\n    | take 5'\nr: 1\n";
    assert_eq!(read(yaml).trim(), EXPECTED);
}

#[test]
fn double_quoted_lines_stay_lines() {
    let yaml = "q: \"\n    T // every row\n    | where a == 'b'\n      and c\n    | take 5\"\n";
    assert_eq!(read(yaml).trim(), EXPECTED);
    assert_eq!(
        read("q: \"T // \\\"x\\\"\n  | where a == \\\"\\\\d\\\"\"\n"),
        "T // \"x\"\n| where a == \"\\d\""
    );
}

#[test]
fn a_double_quoted_break_that_is_escaped_joins() {
    assert_eq!(
        read("q: \"T | whe\\\n  re a // c\n  | take 5\"\n"),
        "T | where a // c\n| take 5"
    );
}

#[test]
fn folded_blocks_keep_their_lines() {
    for header in [">", ">-", ">+", ">2", "> # a comment"] {
        let yaml = format!(
            "q: {header}\n  T // every row\n  | where a == 'b'\n    and c\n  | take 5\n\nr: 1\n"
        );
        assert_eq!(read(&yaml).trim(), EXPECTED, "{header}");
    }
}

#[test]
fn a_folded_block_that_begins_with_a_quote_is_no_quoted_scalar() {
    assert_eq!(
        read("q: >-\n  'a' // b\n  | 'c'\n").trim(),
        "'a' // b\n| 'c'"
    );
}

#[test]
fn literal_blocks_are_what_yaml_says() {
    assert_eq!(
        read("q: |\n  T // every row\n\n    | take 5\n"),
        "T // every row\n\n  | take 5\n"
    );
}

#[test]
fn plain_lines_stay_lines() {
    assert_eq!(
        read("q: T\n  | where a\n\n  | take 5\n"),
        "T\n| where a\n\n| take 5"
    );
}

#[test]
fn a_break_within_a_string_literal_stays_folded() {
    assert_eq!(
        read("q: 'T | where a == \"one\n   two\" // c\n   | take 5'\n"),
        "T | where a == \"one two\" // c\n| take 5"
    );
}

#[test]
fn an_apostrophe_in_a_comment_opens_no_literal() {
    assert_eq!(
        read("q: \"T // don't\n  | take 5\"\n"),
        "T // don't\n| take 5"
    );
}

#[test]
fn an_alias_is_read_where_its_anchor_stands() {
    assert_eq!(
        read("a: &x 'T // c\n  | take 5'\nq: *x\n"),
        "T // c\n| take 5"
    );
    assert_eq!(
        read("é: ü\na: &x >-\n  T // é\n  | take 5\nq: *x\n"),
        "T // é\n| take 5"
    );
}

#[test]
fn windows_line_ends_are_line_ends() {
    assert_eq!(read("q: 'T // c\r\n  | take 5'\r\n"), "T // c\n| take 5");
}

#[test]
fn one_line_is_left_alone() {
    assert_eq!(read("q: 'T // it''s'\n"), "T // it's");
    assert_eq!(read("q: 0042\n"), "0042");
}

#[test]
fn tabs_may_indent_a_quoted_text() {
    assert_eq!(read("q: 'T // c\n\t| take\t5'\n"), "T // c\n| take\t5");
}
