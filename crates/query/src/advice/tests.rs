//! What is said about a query that a service refused.

use super::*;

fn refusal(text: &str) -> Error {
    Error::new(
        ErrorKind::Query,
        format!("the service refused the query: {text}"),
    )
    .with_status(400)
    .with_hint("as before")
}

#[test]
fn a_refusal_gets_the_name_that_was_meant() {
    for (query, said, hint) in [
        // Microsoft Graph's wording, M365D's, MDE's, and one without a name.
        (
            "AlertInfo | where severity == 'High'",
            "'where' operator: Failed to resolve column or scalar expression named 'severity'. Fix semantic errors in your query.",
            "did you mean 'Severity' instead of 'severity'?",
        ),
        (
            "AlertInfo | where severity == 'High'",
            "SEM0100: 'where' operator: Failed to resolve scalar expression named 'severity'",
            "did you mean 'Severity' instead of 'severity'?",
        ),
        // What is said already is not repeated.
        (
            "DeviceEvents | whre x == 1",
            "Query could not be parsed at 'whre' on line [1,16]: expected an operator, found `whre`; did you mean `where`?. Fix syntax errors in your query.",
            "as before",
        ),
        (
            "alertinfo | take 5",
            "'take' operator: Failed to resolve table or column expression named 'alertinfo'. Fix semantic errors in your query.",
            "did you mean 'AlertInfo' instead of 'alertinfo'?",
        ),
        (
            "DeviceEvents | extend n = tolowr(FileName)",
            "Unknown function: 'tolowr'. Fix semantic errors in your query.",
            "did you mean 'tolower' instead of 'tolowr'?",
        ),
        (
            "AlertInfo | where severity == 'High'",
            "Bad Request",
            "did you mean 'Severity' instead of 'severity'?",
        ),
        (
            "let a = AlertInfo; a | project Titel",
            "'project' operator: Failed to resolve column or scalar expression named 'Titel'",
            "did you mean 'Title' instead of 'Titel'?",
        ),
        (
            "DeviceEvents | where MachineId == 'a'",
            "'where' operator: Failed to resolve column or scalar expression named 'MachineId'",
            "the column 'MachineId' is called 'DeviceId' today: write DeviceId",
        ),
        (
            "AADSignInEventsBeta | count",
            "'count' operator: Failed to resolve table or column expression named 'AADSignInEventsBeta'",
            "the table 'AADSignInEventsBeta' is gone since 19 October 2026: read EntraIdSignInEvents",
        ),
        (
            "AlertInfo\n| where Severity ==",
            "Fix syntax errors in your query.",
            "line 2, column 20: expected an expression, found the end of the query",
        ),
        // Nothing that we know: the hint stays.
        (
            "AlertInfo | take 5",
            "Failed to resolve table or column expression named 'AlertInfo'",
            "as before",
        ),
        ("AlertInfo | take 5", "Bad Request", "as before"),
        (
            "AlertInfo | where Something == 1",
            "'where' operator: Failed to resolve column or scalar expression named 'Something'",
            "as before",
        ),
    ] {
        let error = advised(query, refusal(said));
        assert_eq!(error.hint(), Some(hint), "{query}: {said}");
    }
}

#[test]
fn a_mistake_of_types_is_shown_in_its_line() {
    for (query, said, place) in [
        (
            "DeviceInfo\n| where Timestamp > ago(7)",
            "'ago' needs a timespan here, and this is a long. Fix semantic errors in your query.",
            "line 2, column 25",
        ),
        (
            "DeviceInfo | where Timestamp > \"2026-01-01\"",
            "SEM0064: Cannot compare values of types datetime and string. Fix semantic errors in your query.",
            "line 1, column 20",
        ),
    ] {
        let error = advised(query, refusal(said));
        let hint = error.hint().unwrap_or_default();
        assert!(hint.starts_with(place) && hint.contains("\n    "), "{hint}");
        assert!(hint.ends_with('^'), "{hint}");
    }
}

#[test]
fn only_a_refused_query_is_advised_about() {
    let query = "AlertInfo | where severity == 'High'";
    for (kind, status) in [
        (ErrorKind::Permission, 403),
        (ErrorKind::Throttled, 429),
        (ErrorKind::Query, 413),
    ] {
        let error = Error::new(kind, "'severity'").with_status(status);
        assert_eq!(advised(query, error).hint(), None, "{status}");
    }
}

#[test]
fn queries_between_empty_lines_are_counted() {
    for (text, lines) in [
        ("AlertInfo | take 5\n\nAlertEvidence | take 5", "1 and 3"),
        (
            "AlertInfo\n| take 5\r\n \t\r\n// the next\nAlertEvidence\n",
            "1 and 5",
        ),
        ("AlertInfo | take 5\n\nAlertEvidence | wher x", "1 and 3"),
        ("\n\nprint 1\n\n\nprint 2\n\nprint 3", "3, 6 and 8"),
        ("let a = 1;\nprint a\n\nprint 'b\\n\\nc'", "1 and 4"),
    ] {
        let advice = several::advice(text).unwrap_or_default();
        assert!(
            advice.contains(&format!("they begin at lines {lines};")),
            "{text}: {advice}"
        );
    }
    for text in [
        "",
        "AlertInfo\n\n| take 5",
        "let a = 1;\n\nprint a",
        "AlertInfo | take 5;\n\nAlertEvidence | take 5",
        "AlertInfo\n| where Severity ==\n\n| take 5",
        "AlertInfo | take\n\nAlertEvidence | take 5",
        "AlertInfo | take 5\nAlertEvidence | take 5",
    ] {
        assert_eq!(several::advice(text), None, "{text}");
    }
}
