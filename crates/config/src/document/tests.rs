//! Scalars as written, merge keys, duplicates, bounds, and errors that show no value.

use config::{Value, ValueKind};

use super::*;

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| match &value.kind {
        ValueKind::Table(table) => &table[*name],
        _ => panic!("{name} is below no section"),
    })
}

fn text(source: &str) -> String {
    let root = parse("test", source).unwrap();
    match &at(&root, &["key"]).kind {
        ValueKind::String(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn scalars_stay_as_they_are_written() {
    for written in [
        "0042",
        "1e5",
        "0x1F",
        "0o17",
        "1_000",
        "no",
        "Yes",
        "true",
        "3.140",
        "1e999",
        ".inf",
        ".nan",
        "-7",
        "+7",
        "123456789012345678901234567890",
        "2026-11-21",
        "12:30:00",
        "a b",
    ] {
        assert_eq!(text(&format!("key: {written}")), written);
        assert_eq!(text(&format!("key: {written}   # a comment")), written);
        assert_eq!(text(&format!("{{key: {written}}}")), written);
        assert_eq!(text(&format!("key: '{written}'")), written);
        assert_eq!(text(&format!("key: \"{written}\"")), written);
        assert_eq!(text(&format!("\u{feff}key: {written}")), written);
        assert_eq!(text(&format!("# größer\r\nkey: {written}\r\n")), written);
    }
    assert_eq!(text("x: &a 0042\nkey: *a"), "0042");
    assert_eq!(text("key: !!str 0042"), "0042");
    assert_eq!(text("key: !!int 42"), "42");
    assert_eq!(text("key: |-\n  0042"), "0042");
}

#[test]
fn nothing_is_nothing() {
    for written in ["", "~", "null", "Null"] {
        let root = parse("test", &format!("key: {written}")).unwrap();
        assert_eq!(at(&root, &["key"]).kind, ValueKind::Nil, "{written:?}");
    }
    assert_eq!(text("key: ''"), "");
    for empty in ["", "\n# only a comment\n", "---\n", "{}"] {
        let root = parse("test", empty).unwrap();
        assert_eq!(root.kind, ValueKind::Table(config::Map::new()));
    }
}

#[test]
fn merge_keys_are_resolved_and_keep_their_scalars() {
    let root = parse(
        "test",
        "base: &base\n  id: 0042\n  cloud: us\nother:\n  <<: *base\n  cloud: eu\n",
    )
    .unwrap();
    let other = at(&root, &["other"]);
    let text = |name| at(other, &[name]).clone().into_string().unwrap();
    assert_eq!(
        (text("id").as_str(), text("cloud").as_str()),
        ("0042", "eu")
    );
    assert!(!matches!(&other.kind, ValueKind::Table(table) if table.contains_key("<<")));
}

#[test]
fn dotted_names_are_single_names() {
    let root = parse(
        "test",
        "DataProviders:\n  MicrosoftDefender-contoso.com:\n    Args: {Cloud: us}\n",
    )
    .unwrap();
    let cloud = at(
        &root,
        &[
            "DataProviders",
            "MicrosoftDefender-contoso.com",
            "Args",
            "Cloud",
        ],
    );
    assert_eq!(cloud.kind, ValueKind::String("us".into()));
}

#[test]
fn values_know_the_lines_of_their_keys() {
    let root = parse("test", "a:\n  b:\n    - x\n  c: >\n    folded\n").unwrap();
    assert_eq!(at(&root, &["a"]).origin(), Some("1"));
    assert_eq!(at(&root, &["a", "b"]).origin(), Some("2"));
    assert_eq!(at(&root, &["a", "c"]).origin(), Some("4"));
}

#[test]
fn errors_have_a_position_and_show_no_value() {
    let cases = [
        (
            "a:\n  id: canary1\n  id: canary2\n",
            "test cannot be read: a key is given twice at line 3, column 3",
        ),
        (
            "a: 1\nsecret: *canary\n",
            "test cannot be read: a value begins with '*' and refers to nothing at line 2, column 9",
        ),
        (
            "a: 1\nsecret: !canary x\n",
            "test cannot be read: a value begins with '!' at line 2, column 17",
        ),
        (
            "secret: canary: x\n",
            "test cannot be read: it is not sound YAML at line 1, column 15",
        ),
        (
            "a:\n\tb: canary\n",
            "test cannot be read: it is not sound YAML at line 2",
        ),
        (
            "a:\n  b: c\n\td: canary\n",
            "test cannot be read: it is not sound YAML at line 3",
        ),
        (
            "a:\n  b: c\n  e:\n  \t  d: canary\n",
            "test cannot be read: it is not sound YAML at line 4",
        ),
        (
            "a:\n  b: \"canary\n  c: d\n",
            "test cannot be read: it is not sound YAML at line 2",
        ),
    ];
    for (source, expected) in cases {
        let error = parse("test", source).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint().is_some());
    }
    for source in [
        "secret: \"canary\n",
        "secret: 'canary\n",
        "secret: %canary\n",
        "secret: @canary\n",
        "secret: `canary\n",
        "secret: {canary\n",
        "secret: [canary\n",
        "secret: \"\\q canary\"\n",
        "secret: !canary\n",
        "<<: canary\n",
        "? canary\n: {\n",
        "- canary\n",
        "canary\n",
        "a: &canary\n  b: *canary\n",
        "a: 1\n---\nb: canary\n",
        "canary: 1\ncanary: 2\n",
        "secret: !!int canary\n",
        "secret: !!binary canary!\n",
    ] {
        let error = parse("test", source).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("canary"), "{source:?}: {shown}");
    }
}

#[test]
fn bombs_are_refused() {
    let laugh = |level: usize| {
        let before = level
            .checked_sub(1)
            .map_or("x".to_owned(), |before| format!("*a{before}"));
        format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "))
    };
    let laughs = (0..12).map(laugh).collect::<Vec<_>>().concat();
    let deep = format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let nested = |level: usize| " ".repeat(level) + "a:\n";
    let block = (0..5_000).map(nested).collect::<Vec<_>>().concat();
    let many = "- x\n".repeat(200_000);
    for bomb in [laughs, deep, block, format!("a:\n{many}")] {
        let error = parse("test", &bomb).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    let error = parse("test", &"#".repeat(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(error.to_string(), "test is larger than 4194304 bytes");
}
