//! Values in every place, and what would break out of it.

use std::time::SystemTime;

use kql_syntax::{TokenKind, tokenize};

use super::*;
use crate::template::Template;

fn rendered(template: &str, parameter: &Parameter, value: impl Into<Value>) -> Result<String> {
    in_language(template, parameter, value, Language::Kql)
}

fn in_language(
    template: &str,
    parameter: &Parameter,
    value: impl Into<Value>,
    language: Language,
) -> Result<String> {
    let template = Template::parse(template, language, |_| parameter.format.as_deref()).unwrap();
    let value = Typed::read(&value.into(), parameter.ty, SystemTime::UNIX_EPOCH)?;
    let mut text = String::new();
    for piece in &template.pieces {
        match piece {
            crate::template::Piece::Text(piece) => text.push_str(piece),
            crate::template::Piece::Hole(hole) => {
                text.push_str(&write(&value, parameter, hole, language)?);
            }
        }
    }
    Ok(text)
}

fn of(ty: Type) -> Parameter {
    Parameter {
        name: "x".to_owned(),
        ty,
        ..Parameter::default()
    }
}

fn like(name: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        ..Parameter::default()
    }
}

#[test]
fn text_is_escaped_for_the_literal_it_stands_in() {
    let value = "it's \"C:\\temp\"\n| take 5";
    for (template, expected) in [
        ("a == '{x}'", r#"a == 'it\'s "C:\\temp"\n| take 5'"#),
        ("a == \"{x}\"", r#"a == "it's \"C:\\temp\"\n| take 5""#),
        ("a == {x}", r#"a == "it's \"C:\\temp\"\n| take 5""#),
        ("a == h'{x}'", r#"a == h'it\'s "C:\\temp"\n| take 5'"#),
        (
            "T // {x}\n| count",
            "T // it's \"C:\\temp\" | take 5\n| count",
        ),
        ("a == ```{x}```", "a == ```it's \"C:\\temp\"\n| take 5```"),
    ] {
        assert_eq!(
            rendered(template, &of(Type::Str), value).unwrap(),
            expected,
            "{template}"
        );
    }
    assert_eq!(
        rendered("a == @'{x}'", &of(Type::Str), "it's C:\\").unwrap(),
        "a == @'it''s C:\\'"
    );
    assert_eq!(
        rendered("a == @\"{x}\"", &of(Type::Str), "a\"b").unwrap(),
        "a == @\"a\"\"b\""
    );
    assert!(rendered("a == @'{x}'", &of(Type::Str), value).is_err());
    for fenced in ["a```b", "`a", "a`"] {
        assert!(
            rendered("a == ```{x}```", &of(Type::Str), fenced).is_err(),
            "{fenced}"
        );
    }
}

/// Whatever text is given, the query keeps the tokens that it has for a harmless one.
#[test]
fn no_text_breaks_out_of_its_place() {
    let alphabet: Vec<char> = "'\"\\`~@|;/*(){}[]$<>!=,.\n\r\t\u{0}\u{85}\u{2028} ahn0é😀"
        .chars()
        .collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let templates = [
        "T | where a == '{x}' and b",
        "T | where a == \"{x}\" and b",
        "T | where a == @'{x}' and b",
        "T | where a == @\"{x}\" and b",
        "T | where a == h\"{x}\" and b",
        "T | where a == ```{x}``` and b",
        "T | where a == ~~~{x}~~~ and b",
        "T | where a == {x} and b",
        "T | where a has '{x}{x}' and b",
        "T | where a == 'pre{x}post' // {x}\n| where b",
        "T | where a == datetime({x}) and b",
    ];
    let kinds = |text: &str| -> Vec<TokenKind> {
        let (tokens, complaints) = tokenize(text);
        assert!(complaints.is_empty(), "{text:?}: {complaints:?}");
        tokens.iter().map(|token| token.kind).collect()
    };
    let mut written = 0;
    for template in templates {
        let harmless = rendered(template, &of(Type::Str), "2024").unwrap();
        for _ in 0..3000 {
            let length = next() % 9;
            let value: String = (0..length)
                .map(|_| alphabet[next() % alphabet.len()])
                .collect();
            let Ok(text) = rendered(template, &of(Type::Str), value.as_str()) else {
                continue;
            };
            written += 1;
            assert_eq!(
                kinds(&text),
                kinds(&harmless),
                "{value:?} in {template}: {text:?}"
            );
        }
    }
    assert!(written > 20_000, "only {written}");
}

#[test]
fn a_template_that_joins_a_literal_with_a_value_is_refused() {
    for template in [
        "a == @{x}",
        "a == 'b'{x}",
        "a == {x}'b'",
        "a == 'C:\\{x}'",
        "a == 'b\n{x}'",
    ] {
        assert!(
            Template::parse(template, Language::Kql, |_| None).is_err(),
            "{template}"
        );
    }
}

#[test]
fn moments_are_literals_unless_they_stand_in_one() {
    let start = of(Type::Datetime);
    for (template, expected) in [
        ("t > datetime({x})", "t > datetime(2024-01-02T00:00:00Z)"),
        ("t > {x}", "t > datetime(2024-01-02T00:00:00Z)"),
        (
            "t > todatetime('{x}')",
            "t > todatetime('2024-01-02T00:00:00Z')",
        ),
        (
            "t > datetime('{x}')",
            "t > datetime('2024-01-02T00:00:00Z')",
        ),
    ] {
        assert_eq!(rendered(template, &start, "2024-01-02").unwrap(), expected);
    }
    let formatted = Parameter {
        format: Some("{:%Y/%m}".to_owned()),
        ..start
    };
    assert_eq!(
        rendered("t == {x}", &formatted, "2024-01-02").unwrap(),
        "t == \"2024/01\""
    );
    assert_eq!(
        rendered("t == '{x}'", &formatted, "2024-01-02").unwrap(),
        "t == '2024/01'"
    );
}

#[test]
fn text_within_a_typed_literal_is_plain() {
    assert_eq!(
        rendered("t > datetime({x})", &of(Type::Str), "2024-01-02 08:00").unwrap(),
        "t > datetime(2024-01-02T08:00:00Z)"
    );
    assert_eq!(
        rendered("t > time({x})", &of(Type::Str), "1.02:03:04").unwrap(),
        "t > time(1.02:03:04)"
    );
    for wrong in ["1) or (1", "now()", "'", "1\n"] {
        assert!(
            rendered("t > datetime({x})", &of(Type::Str), wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn numbers_and_truth_values_are_checked() {
    assert_eq!(
        rendered("a == {x}", &of(Type::Int), " 42 ").unwrap(),
        "a == 42"
    );
    assert_eq!(rendered("a == {x}", &of(Type::Int), 2.0).unwrap(), "a == 2");
    assert_eq!(
        rendered("a == {x}", &of(Type::Float), 2).unwrap(),
        "a == 2.0"
    );
    assert_eq!(
        rendered("a == {x}", &of(Type::Bool), "True").unwrap(),
        "a == true"
    );
    for (ty, value) in [
        (Type::Int, Value::from("1 or true")),
        (Type::Int, 1.5.into()),
        (Type::Int, true.into()),
        (Type::Int, 1e300.into()),
        (Type::Float, f64::NAN.into()),
        (Type::Float, "inf".into()),
        (Type::Bool, "yes".into()),
        (Type::Bool, 1.into()),
        (Type::Str, ["a"].into()),
    ] {
        assert!(
            rendered("a == {x}", &of(ty), value.clone()).is_err(),
            "{value:?}"
        );
    }
}

#[test]
fn lists_are_quoted_item_by_item() {
    let list = of(Type::List);
    for (value, expected) in [
        (Value::from(["a", "it's"]), r"'a', 'it\'s'"),
        ("a, b ,c".into(), "'a', 'b', 'c'"),
        ("'a,b', \"c d\", e'f".into(), r"'a,b', 'c d', 'e\'f'"),
        ("".into(), ""),
        ([true].into(), "true"),
        ([1.5].into(), "1.5"),
        (
            Value::List(vec![SystemTime::UNIX_EPOCH.into()]),
            "datetime(1970-01-01T00:00:00Z)",
        ),
    ] {
        assert_eq!(
            rendered("a in ({x})", &list, value).unwrap(),
            format!("a in ({expected})")
        );
    }
    let columns = Parameter {
        kind: Some(Kind::Identifier),
        ..list.clone()
    };
    assert_eq!(
        rendered("project {x}", &columns, "a, b c").unwrap(),
        "project a, ['b c']"
    );
    assert!(rendered("project {x}", &columns, ["a", "b = 1"]).is_err());
    assert!(rendered("a in ({x})", &list, Value::List(vec![Value::List(vec![])])).is_err());
    assert!(rendered("a in ({x})", &list, [f64::NAN]).is_err());
}

#[test]
fn an_identifier_is_one_name_and_nothing_else() {
    for (value, expected) in [
        ("DeviceInfo", "DeviceInfo"),
        (" DeviceInfo ", "DeviceInfo"),
        ("my-table", "['my-table']"),
        ("['my table']", "['my table']"),
        ("union", "['union']"),
    ] {
        assert_eq!(
            rendered("{table} | count", &like("table"), value).unwrap(),
            format!("{expected} | count")
        );
    }
    for wrong in [
        "X | where 1==1",
        "",
        "a'b",
        "a;b",
        "a\nb",
        "database('x').T",
        "a//",
        "x*",
        "['a'b']",
        &"a".repeat(2000),
    ] {
        assert!(
            rendered("{table} | count", &like("table"), wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_fragment_only_adds_steps() {
    let items = like("add_query_items");
    let template = "(T\n| where a == 'b' {add_query_items} | count)";
    let steps = |value: &str| rendered(template, &items, value);
    assert_eq!(
        steps("| take 3").unwrap(),
        "(T\n| where a == 'b' | take 3 | count)"
    );
    assert_eq!(steps("  ").unwrap(), "(T\n| where a == 'b'  | count)");
    assert_eq!(
        steps("| take 3 // three").unwrap(),
        "(T\n| where a == 'b' | take 3 // three\n | count)"
    );
    for wrong in [
        "take 3",
        "or true",
        "| take 3; U",
        "| take 3;",
        "| take 3) | (U",
        "; U",
        "| where (",
        "|",
        "| where a == 'x",
        "// only a comment",
        "| take 3 | ",
        "| where a == @'x",
    ] {
        assert!(steps(wrong).is_err(), "{wrong}");
    }
    let error = steps("take 3").unwrap_err();
    assert_eq!(
        error.to_string(),
        "it takes pipeline steps, such as '| take 10': the first '|' is missing"
    );
}

#[test]
fn a_step_after_its_bar_needs_no_other() {
    assert_eq!(
        rendered("T | {x}", &of(Type::Str), "take 3").unwrap(),
        "T | take 3"
    );
    assert!(rendered("T | {x}", &of(Type::Str), "| take 3").is_err());
}

#[test]
fn an_expression_is_one_and_is_kept_together() {
    let condition = |value: &str| rendered("T | where {x} and b", &of(Type::Str), value);
    assert_eq!(condition("true").unwrap(), "T | where true and b");
    assert_eq!(
        condition("isnotempty(a)").unwrap(),
        "T | where isnotempty(a) and b"
    );
    assert_eq!(
        condition("a == 1 or c").unwrap(),
        "T | where (a == 1 or c) and b"
    );
    for wrong in [
        "",
        "a) or (b",
        "a | take 5",
        "a; b",
        "a // c",
        "a, b",
        "'",
        "T | count",
    ] {
        assert!(condition(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_default_that_is_a_literal_makes_a_literal() {
    let lookback = Parameter {
        default: Some("7d".into()),
        ..of(Type::Str)
    };
    assert_eq!(
        rendered("t > now() - {x}", &lookback, "-2h").unwrap(),
        "t > now() - -2h"
    );
    assert_eq!(
        rendered("t > ago({x})", &of(Type::Str), "2h").unwrap(),
        "t > ago(2h)"
    );
    for wrong in ["2h or true", "x", "'a'", "1 2", "now()"] {
        assert!(
            rendered("t > ago({x})", &lookback, wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn addresses_have_their_own_rules() {
    let write = |template: &str, parameter: &Parameter, value: &str| {
        in_language(template, parameter, value, Language::Odata)
    };
    let text = of(Type::Str);
    assert_eq!(
        write("/a?$filter=b eq '{x}'", &text, "it's 5% & more").unwrap(),
        "/a?$filter=b eq 'it''s 5%25 %26 more'"
    );
    assert_eq!(write("/a/{x}", &text, "1-2").unwrap(), "/a/1-2");
    assert!(write("/a/{x}", &text, "1?$filter=b").is_err());
    assert_eq!(
        write(
            "/a?$filter=b ge {x}",
            &of(Type::Datetime),
            "2024-01-01T10:00+02:00"
        )
        .unwrap(),
        "/a?$filter=b ge 2024-01-01T08:00:00Z"
    );
    let items = like("add_query_items");
    assert_eq!(
        write("/a?$filter=b {add_query_items}", &items, "and c eq 'd'").unwrap(),
        "/a?$filter=b and c eq 'd'"
    );
    assert!(write("/a?$filter=b {add_query_items}", &items, "&$top=5").is_err());
}

#[test]
fn an_operator_is_one_comparison() {
    let compare = |value: &str| rendered("T | where a {x} 'b'", &of(Type::Str), value);
    for operator in ["has", "=~", "==", "!contains", "startswith_cs"] {
        assert_eq!(
            compare(operator).unwrap(),
            format!("T | where a {operator} 'b'")
        );
    }
    for wrong in [
        "",
        "or",
        "== 'c' or a ==",
        "has //",
        "| take 5",
        "between",
        "+",
    ] {
        assert!(compare(wrong).is_err(), "{wrong}");
    }
}
