//! Texts as people write them who come from SQL, Splunk, OData or another language: each complaint
//! says how KQL has it.

use kql_syntax::parse;

/// A text a line, and below it, behind blanks, the hint of each complaint.
const TEXTS: &str = include_str!("elsewhere.txt");

/// With `UPDATE_ELSEWHERE` in the environment the hints are written down as they are.
#[expect(
    clippy::disallowed_methods,
    reason = "whether to write is its caller's"
)]
#[test]
fn every_complaint_has_the_form_of_kql() {
    let mut found = String::new();
    for text in TEXTS.lines().filter(|line| !line.starts_with(' ')) {
        found.push_str(text);
        found.push('\n');
        let diagnostics = parse(&text.replace("\\n", "\n")).diagnostics;
        assert!(!diagnostics.is_empty(), "{text} is KQL");
        for diagnostic in diagnostics {
            let hint = diagnostic.hint.as_deref();
            let hint = hint.unwrap_or_else(|| panic!("{text}: {diagnostic} without a hint"));
            found.push_str("    ");
            found.push_str(hint);
            found.push('\n');
        }
    }
    if std::env::var_os("UPDATE_ELSEWHERE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/elsewhere.txt");
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, TEXTS);
}

#[test]
fn hints_of_operators_are_kql() {
    // Each is a piece of a query that can be read, up to a comma that begins prose.
    for text in [
        "T | summarize count() by Column | render columnchart",
        "T | summarize arg_max(Timestamp, *) by Column",
        "T | serialize | where row_number() > 10",
        "T | extend Name = extract(\"a\", 1, Column)",
        "T | summarize count() by bin(Timestamp, 1h) | render timechart",
        "T | top 10 by Timestamp asc",
        "T | summarize min(Timestamp), max(Timestamp) by Column",
        "T | project-rename New = Old",
        "T | where not(x matches regex \"a\")",
        "T | where x !between (1 .. 2)",
        "T | extend a = tostring(x), b = pow(a, b), c = strcat(a, b), d = binary_xor(a, b)",
        "T | where isnotnull(x) or isnotempty(x)",
    ] {
        assert_eq!(parse(text).diagnostics, [], "{text}");
    }
}
