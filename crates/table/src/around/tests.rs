//! What responses say of their rows, in any spelling.

use super::*;

#[test]
fn errors_and_continuations_in_any_spelling() {
    for name in [
        "error",
        "ERROR",
        "Errors",
        "@odata.error",
        "odata.error",
        "@error",
    ] {
        assert!(is_error(name), "{name}");
    }
    for name in [
        "@odata.nextLink",
        "odata.nextLink",
        "@nextLink",
        "nextLink",
        "NEXTLINK",
        "next_link",
        "@odata_nextLink",
        "results@odata.nextLink",
        "$skiptoken",
        "continuationToken",
    ] {
        assert!(is_continuation(name), "{name}");
    }
    for name in [
        "value",
        "@odata.context",
        "@odata.deltaLink",
        "errorCode",
        "terror",
    ] {
        assert!(!is_error(name) && !is_continuation(name), "{name}");
    }
}

/// What a response with this member says of its two rows.
fn around(name: &str, value: &str) -> Around {
    let mut around = Around::default();
    around.member(name, value.as_bytes());
    around
}

#[test]
fn statistics_count_rows_whatever_they_are_called() {
    for (name, value, count) in [
        ("statistics", r#"{"rowCount":7}"#, Some(7)),
        ("Stats", r#"{"total_rows":"7","rows":{"total":"9","scanned":"100"}}"#, Some(7)),
        ("querySummary", r#"{"rowCount":7}"#, None),
        ("summary", r#"{"resultCount":7,"count":9,"total":10}"#, Some(7)),
        ("Stats", r#"{"dataset_statistics":[{"table_row_count":7,"table_size":3}]}"#, None),
        ("meta", r#"{"rowCount":7}"#, Some(7)),
    ] {
        assert_eq!(around(name, value).count, count, "{name} {value}");
    }
}

#[test]
fn whatever_says_that_rows_are_missing_is_heard() {
    for (name, value) in [
        ("isPartial", "true"),
        ("Partial", "1"),
        ("partialResults", r#"{"count":1}"#),
        ("truncated", "true"),
        ("is_truncated", "\"yes\""),
        ("resultsTruncated", "3"),
        ("incomplete", "true"),
        ("isComplete", "false"),
        ("@odata.complete", "\"false\""),
        ("limitReached", "true"),
        ("status", "\"PartialSuccess\""),
        ("warnings", r#"["the results are truncated"]"#),
        ("paging", r#"{"truncated":true}"#),
        ("Stats", r#"{"a":[{"isPartial":true}]}"#),
        ("@odata.count", "-1"),
        ("count", "2.5"),
        ("odata.count", "99999999999999999999999"),
        ("totalCount", "\"many\""),
        ("@count", "true"),
        ("meta", r#"{"total":-1}"#),
    ] {
        let around = around(name, value);
        assert!(around.lacking().is_some(), "{name}: {value}");
    }
    for (name, value) in [
        ("hasMore", "true"),
        ("has_more_rows", "1"),
        ("@odata.hasNext", "true"),
        ("hasNextPage", "\"true\""),
        ("more", "true"),
        ("moreResultsAvailable", "true"),
        ("lastPage", "false"),
        ("pageInfo", r#"{"hasNextPage":true}"#),
        ("paging", r#"{"cursors":{"next":"x"}}"#),
    ] {
        let around = around(name, value);
        assert!(around.more().is_some(), "{name}: {value}");
    }
    for (name, value) in [
        ("next", "\"x\""),
        ("nextPage", "2"),
        ("next_url", "\"x\""),
        ("links", r#"{"self":"y","next":"x"}"#),
        ("_links", r#"{"next":{"href":"x"}}"#),
        ("links", r#"[{"rel":"self"},{"rel":"next","href":"x"}]"#),
    ] {
        let around = around(name, value);
        assert!(matches!(around.next, Next::Unclear(_)), "{name}: {value}");
    }
}

#[test]
fn what_services_say_of_whole_results_is_no_reason() {
    for (name, value) in [
        (
            "@odata.context",
            "\"https://graph.microsoft.com/v1.0/$metadata#x\"",
        ),
        ("@odata.deltaLink", "\"x\""),
        (
            "@microsoft.graph.tips",
            "\"Use $select to choose only the properties\"",
        ),
        ("@odata.count", "2"),
        ("isPartial", "false"),
        ("hasMore", "\"false\""),
        ("truncated", "null"),
        ("isComplete", "true"),
        ("links", r#"{"self":"x","next":null}"#),
        ("status", "\"ok\""),
        (
            "Stats",
            r#"{"ExecutionTime":4.6,"resource_usage":{"cache":{"memory":{"hits":773461,
            "misses":4481,"total":777942}},"cpu":{"total cpu":"00:00:19"}},
            "dataset_statistics":[{"table_row_count":2,"table_size":102}]}"#,
        ),
    ] {
        let around = around(name, value);
        assert_eq!((around.lacking(), around.more()), (None, None), "{name}");
        assert_eq!(around.next, Next::End, "{name}");
    }
}

#[test]
fn counts_in_any_spelling() {
    for (name, value, count) in [
        ("@odata.count", "10", Some(10)),
        ("@odata.count", "\"10\"", Some(10)),
        ("@odata.count", "10.0", Some(10)),
        ("odata.count", "1e1", Some(10)),
        ("$count", "null", None),
        ("total_rows", "10", Some(10)),
        ("recordsTotal", "10", Some(10)),
        ("paging", r#"{"total":10}"#, Some(10)),
        ("value@odata.count", "10", Some(10)),
        ("account", "10", None),
        ("Stats", r#"{"total":10,"count":10}"#, None),
    ] {
        let around = around(name, value);
        assert_eq!((around.count, around.lacking()), (count, None), "{name}");
    }
    let mut both = around("@odata.count", "2");
    both.member("totalCount", b"10");
    assert_eq!(both.count, Some(10));
}

#[test]
fn null_and_an_empty_list_report_nothing() {
    for (value, reports) in [
        ("null", false),
        ("[]", false),
        ("[ \n]", false),
        ("{}", true),
        ("\"\"", true),
        ("false", true),
        ("[null]", true),
    ] {
        assert_eq!(super::reports(value.as_bytes()), reports, "{value}");
    }
}
