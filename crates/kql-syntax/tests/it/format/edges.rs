//! What the layout depends on, and what it does at the edges.

use kql_syntax::{FormatOptions, MAX_DEPTH, TokenKind, format, parse, tokenize};

use crate::depth::{NESTS, in_small_thread, nested};
use crate::speed::repeated;

use super::snapshots::QUERIES;
use super::{formatted, formatted_to, holds};

/// `text` with other blanks where it has some.
fn respaced(text: &str, blanks: &str) -> String {
    let mut result = String::new();
    let mut end = 0;
    for token in tokenize(text).0 {
        let range = token.span.range();
        if range.start > end {
            result.push_str(blanks);
        }
        result.push_str(&text[range.clone()]);
        end = range.end;
    }
    result
}

#[test]
fn blanks_do_not_matter() {
    let mut compared = 0;
    for (name, query) in QUERIES {
        // A dynamic literal, a comment and a directive keep the lines they have.
        if ["dynamic", "//", "#"]
            .iter()
            .any(|part| query.contains(part))
        {
            continue;
        }
        let expected = formatted(&respaced(query, " "));
        for blanks in ["\n", "\t \r\n  ", "  "] {
            assert_eq!(formatted(&respaced(query, blanks)), expected, "{name}");
        }
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn lines_are_as_long_as_they_may_be() {
    for (name, query) in QUERIES {
        for line in formatted(query).lines().filter(|line| !line.contains("//")) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
            assert!(!line.ends_with(char::is_whitespace), "{name}: {line:?}");
        }
    }
    let text = "T\n| project aaaa, bbbb, cccc\n";
    assert_eq!(formatted_to(text, 26), text);
    assert_eq!(
        formatted_to(text, 25),
        "T\n| project\n    aaaa,\n    bbbb,\n    cccc\n"
    );
}

#[test]
fn rows_of_tables_stay_whole() {
    let cell = "'a cell of some thirty characters'";
    let row = [cell; 6].join(", ");
    let text = format!("datatable(a: string, b: string, c: string) [\n    {row},\n    {row}\n]\n");
    let result = formatted(&text);
    assert_eq!(result.lines().count(), 6, "{result}");
    assert!(
        result.contains(&format!("    {cell}, {cell}, {cell},\n")),
        "{result}"
    );
}

#[test]
fn characters_count_not_bytes() {
    let text = "T\n| where a == 'ééééé' and b == 'ééééé'\n";
    assert_eq!(formatted_to(text, 37), text);
    assert_eq!(formatted_to(text, 36), text.replace(" and", "\n    and"));
}

#[test]
fn indentation_is_a_choice() {
    let options = FormatOptions {
        width: 100,
        indent: 2,
    };
    assert_eq!(
        format("let a=T|where x;a|join(b|take 5)on c", &options),
        Ok("let a =\n  T\n  | where x;\na\n| join (\n  b\n  | take 5\n) on c\n".to_owned())
    );
}

#[test]
fn options_out_of_reason_do_no_harm() {
    for (width, indent) in [(0, 0), (0, usize::MAX), (usize::MAX, usize::MAX)] {
        let options = FormatOptions { width, indent };
        for (_, query) in QUERIES {
            let result = format(query, &options).unwrap();
            assert_eq!(format(&result, &options).unwrap(), result);
        }
    }
}

#[test]
fn blank_lines_stay_between_statements_only() {
    assert_eq!(
        formatted("\n\nlet a = 1;\n\n\n\nlet b =\n\n2;\nT\n\n| take a\n\n| take b;\n\n\n"),
        "let a = 1;\n\nlet b = 2;\nT\n| take a\n| take b;\n"
    );
    assert_eq!(
        formatted("// a\n\n\n// b\nT\n\n\n// c\n\n// d"),
        "// a\n\n// b\nT\n\n// c\n\n// d\n"
    );
}

#[test]
fn comments_stay_beside_what_they_are_about() {
    for (text, expected) in [
        // At commas and bars they go to the line of what they are about.
        (
            "T|project a // a\n,b // b\n",
            "T\n| project\n    a, // a\n    b // b\n",
        ),
        ("T // t\n;U", "T; // t\nU\n"),
        ("T|// w\nwhere a", "T // w\n| where a\n"),
        ("T\n|// w\nwhere a", "T\n// w\n| where a\n"),
        // A comment after an operand does not break the operand.
        (
            "T|where f(a,b) and c // x",
            "T\n| where f(a, b) and c // x\n",
        ),
        // No place to break: the line goes on indented.
        ("T|where a // x\n== 1", "T\n| where a // x\n    == 1\n"),
        (
            "T|where a\n// x\n== 1",
            "T\n| where a\n    // x\n    == 1\n",
        ),
        // Before brackets they stay inside.
        (
            "T|where a in (1\n// x\n)",
            "T\n| where a in (\n    1\n    // x\n)\n",
        ),
        (
            "let f=(){\n// x\nT\n// y\n};f()",
            "let f = () {\n    // x\n    T\n    // y\n};\nf()\n",
        ),
        ("let f=(){};f()", "let f = () {};\nf()\n"),
        ("let f=(){// x\n};f()", "let f = () { // x\n};\nf()\n"),
        // Two that would share a line.
        (
            "T|project a// 1\n,// 2\nb",
            "T\n| project\n    a, // 1\n    // 2\n    b\n",
        ),
    ] {
        assert_eq!(formatted(text), expected);
        holds(text);
    }
}

#[test]
fn spellings_become_the_usual_ones_and_choices_stay() {
    assert_eq!(
        formatted(
            "T|where a<>1 and b notcontains 'x' and c containscs 'y'|limit 5|order by a|filter b"
        ),
        "T\n| where a != 1 and b !contains 'x' and c contains_cs 'y'\n| limit 5\n| order by a\n| filter b\n"
    );
    // The old form has another limit: it is another operator.
    assert_eq!(formatted("T|mvexpand a"), "T\n| mvexpand a\n");
    // Commas that separate nothing.
    assert_eq!(
        formatted("datatable(,a:long,)[1,]|join hint.a=b,kind=inner U on x"),
        "datatable(a: long) [1]\n| join hint.a=b kind=inner U on x\n"
    );
    // Without the blank it would be a literal.
    holds("print bool (a), guid (b)");
    assert_eq!(formatted("print bool (a)"), "print bool (a)\n");
}

/// Moved together the two would be one verbatim string with a quote in it.
#[test]
fn names_of_several_strings_stay_apart() {
    let text = "T\n| extend [@'a' 'b'] = @'a' 'b'\n";
    assert_eq!(formatted(text), text);
    holds(text);
}

#[test]
fn values_keep_their_line_ends() {
    holds("print ```a\r\nb```, c\r\n");
    let result = formatted("print a = ```x\r\ny```,\r\nb = dynamic([\r\n```\r\n```,\r1])\r\n");
    assert_eq!(
        result,
        "print a = ```x\r\ny```, b = dynamic([\n```\r\n```,\n1])\n"
    );
}

#[test]
fn the_deepest_queries_are_laid_out() {
    in_small_thread(|| {
        for (before, open, inner, close, after) in NESTS {
            let deepest = (1..=MAX_DEPTH)
                .map(|count| format!("{before}{}{after}", nested(open, inner, close, count)))
                .take_while(|text| parse(text).diagnostics.is_empty())
                .last()
                .unwrap();
            holds(&deepest);
        }
    });
}

#[test]
fn long_chains_are_laid_out() {
    in_small_thread(|| {
        for (before, link) in [
            ("T | where a", " or a"),
            ("print a", " + a"),
            ("print a", ".a"),
            ("print a", "[0]"),
            ("T", "|take 5"),
            ("print 'a'", " 'b'"),
            ("T", " // c\n"),
        ] {
            let text = format!("{before}{}", link.repeat(10_000));
            let result = formatted(&text);
            assert_eq!(tokens(&result), tokens(&text), "{before}{link}");
        }
    });
}

fn tokens(text: &str) -> Vec<&str> {
    tokenize(text)
        .0
        .iter()
        .filter(|token| token.kind != TokenKind::End)
        .map(|token| token.span.slice(text).trim_end())
        .collect()
}

/// Anything quadratic would not come back.
#[test]
fn a_megabyte_of_anything_is_laid_out() {
    for text in [
        repeated("T | where a in (", "'value', ", "'last')"),
        repeated("T", " | where a == 'x' and b > 5", ""),
        repeated("T | where a", " or a", ""),
        repeated("print dynamic([", "{\"a\": [1, 2.5]}, ", "null])"),
        repeated("print dynamic([", "1,\r\n", "null])"),
        repeated("datatable(a: long)[", "1, ", "2]"),
        repeated("", "let a = (b: long) { b + 1 };\n", "print a(1)"),
        repeated("T", " // a comment\n", "| take 5"),
        repeated("T", "\n// a comment\n| take 5", "\n"),
        repeated("T | project ", "a // a\n, ", "d"),
        repeated("print ", "'a' ", ""),
        repeated("print '", "x", "'"),
        repeated("print ```", "x\n", "```"),
        repeated("T | extend ", "x = f(a, g(b)), ", "y = 1"),
    ] {
        let result = formatted(&text);
        assert!(result.len() >= text.len() / 3, "{}", &text[..40]);
        assert!(result.len() < text.len() * 12, "{}", &text[..40]);
    }
}
