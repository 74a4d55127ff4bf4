//! What is found before a query runs.

use super::{bound, findings};

#[track_caller]
fn finds(query: &str, expected: &[&str]) {
    assert_eq!(findings(query), expected, "{query}");
}

#[test]
fn misspelled_names_get_a_suggestion() {
    finds(
        "Events | where FileNam == 'x'",
        &["Name [FileNam] no column named 'FileNam'; did you mean 'FileName'?"],
    );
    finds(
        "Events | project filename",
        &["Name [filename] no column named 'filename'; did you mean 'FileName'?"],
    );
    finds(
        "Event | take 1",
        &["Name [Event] no table named 'Event'; did you mean 'Events'?"],
    );
    finds(
        "print tolowr('X')",
        &["Name [tolowr] no function named 'tolowr'; did you mean 'tolower'?"],
    );
    finds(
        "Events | evaluate bag_unpak(AdditionalFields)",
        &["Name [bag_unpak] no plugin named 'bag_unpak'; did you mean 'bag_unpack'?"],
    );
    finds(
        "let limit1 = 5; print lmit1",
        &["Name [lmit1] nothing is named 'lmit1' here; did you mean 'limit1'?"],
    );
}

#[test]
fn words_of_other_languages_get_those_of_kql() {
    for (query, expected) in [
        (
            "Events | where FileName == null",
            "no column named 'null'; write isnull(x)",
        ),
        (
            "Events | where FileName != NULL",
            "no column named 'NULL'; write isnull(x)",
        ),
        (
            "Events | where Timestamp > ago(1dd)",
            "no column named '1dd'; the units of time",
        ),
        (
            "Events | where Timestamp > now - 7d",
            "no column named 'now'; the time is now()",
        ),
        (
            "Events | summarize count by FileName",
            "no column named 'count'; rows are counted",
        ),
        (
            "Events | summarize count(*) by FileName",
            "'count' does not take '*'; write count()",
        ),
        (
            "Events | where len(FileName) > 3",
            "no function named 'len'; did you mean 'strlen'?",
        ),
        (
            "print if(true, 1, 2)",
            "no function named 'if'; did you mean 'iff'?",
        ),
        (
            "Events | where exists (Events)",
            "no function named 'exists'; write x in",
        ),
        (
            "Events | where NOT(true)",
            "no function named 'NOT'; did you mean 'not'?",
        ),
        (
            "Events | join kind=innr (Events) on FileName",
            "did you mean 'inner'?",
        ),
        (
            "Events | join kind=left (Events) on FileName",
            "did you mean 'leftouter'?",
        ),
        (
            "Events | join kind=Inner (Events) on FileName",
            "did you mean 'inner'?",
        ),
        (
            "Events | join kind=cross (Events) on FileName",
            "; the kinds are inner, leftouter,",
        ),
        (
            "Events | lookup kind=rightouter (Events) on FileName",
            "; the kinds are inner, leftouter",
        ),
        (
            "Events | join inner (Events) on FileName",
            "the kind of a join is an option",
        ),
        (
            "Events | join (Events) on FileName == FileName",
            "write $left.a == $right.b",
        ),
        (
            "Events | join (Events) on Events.FileName == Other.FileName",
            "write $left.a ==",
        ),
        (
            "Events | where Timestamp > '2026-11-01'",
            "a time is written datetime(2026-11-01)",
        ),
        (
            "Events | where Timestamp > 2026-11-01",
            "a time is written datetime(2026-11-01)",
        ),
    ] {
        let found = findings(query);
        assert!(
            found.iter().any(|finding| finding.contains(expected)),
            "{query}: {found:?}"
        );
    }
}

#[test]
fn a_name_behind_dashes_is_told_how_comments_begin() {
    let text = "Events | where 1 == 1 -- comment";
    let found = bound(text).unwrap_err().remove(0);
    assert_eq!(
        found.seen_in(text).to_string(),
        "no column named 'comment'; comments begin with //, not with --"
    );
}

#[test]
fn timespans_that_are_none_get_one() {
    for (written, finding) in [
        (
            "1w",
            "Name [1w] nothing is named '1w' here; did you mean '7d'?",
        ),
        (
            "2weeks",
            "Name [2weeks] nothing is named '2weeks' here; did you mean '14d'?",
        ),
        (
            "1year",
            "Name [1year] nothing is named '1year' here; did you mean '365d'?",
        ),
        (
            "12H",
            "Name [12H] nothing is named '12H' here; did you mean '12h'?",
        ),
        (
            "9999999999w",
            "Name [9999999999w] nothing is named '9999999999w' here; the units of time are d, h, m, s, \
             ms, microsecond and tick, as in 7d or 1.5h",
        ),
        (
            "'1d'",
            "Type ['1d'] 'ago' needs a timespan here, and this is a string; a timespan is written without quotes: 1d",
        ),
        (
            "'x'",
            "Type ['x'] 'ago' needs a timespan here, and this is a string",
        ),
    ] {
        finds(&format!("print ago({written})"), &[finding]);
    }
}

#[test]
fn a_fuzzy_union_leaves_out_tables_alone() {
    for query in [
        "union isfuzzy=true Missing, Devices | where Platform == 'x'",
        "union isfuzzy=true (Missing | where a == 1), (union isfuzzy=true Gone), Devices",
    ] {
        assert!(bound(query).is_ok(), "{query}");
    }
    finds(
        "union isfuzzy=true (Events | where Nothing == 1), Devices",
        &["Name [Nothing] no column named 'Nothing'"],
    );
    finds(
        "union isfuzzy=true Missing, Gone",
        &["Name [union isfuzzy=true Missing, Gone] the union has no table"],
    );
}

#[test]
fn every_wrong_item_is_named() {
    finds(
        "Devices | project A = Nothing1, Platform, B = Nothing2",
        &[
            "Name [Nothing1] no column named 'Nothing1'",
            "Name [Nothing2] no column named 'Nothing2'",
        ],
    );
}

#[test]
fn types_that_do_not_meet_are_refused() {
    finds(
        "Events | where FileName == FileSize",
        &["Type [FileName == FileSize] '==' cannot compare string with long; convert one of them"],
    );
    finds(
        "Events | where FileSize has '5'",
        &["Type [FileSize] 'has' needs strings, and this is a long; use tostring()"],
    );
    finds(
        "Events | where FileSize",
        &["Type [FileSize] a condition is a bool, and this is a long"],
    );
    finds(
        "Events | project FileName + 1",
        &["Type [FileName + 1] the operator '+' does not apply to string and long"],
    );
    finds(
        "Events | project FileName.x",
        &["Type [FileName] only a dynamic has parts, and this is a string; use parse_json()"],
    );
    finds(
        "Events | sort by AdditionalFields",
        &["Type [AdditionalFields] a dynamic has no order; convert it with tostring() or tolong()"],
    );
    finds(
        "Events | summarize count() by AdditionalFields.x",
        &["Type [AdditionalFields.x] a dynamic cannot be a group key; convert it with tostring()"],
    );
    finds(
        "Events | mv-expand FileName",
        &[
            "Type [FileName] only a dynamic can be expanded, and this is a string; use parse_json() or split()",
        ],
    );
    finds(
        "Events | join (Devices | project DeviceId = 1) on DeviceId",
        &["Type [DeviceId] the join keys are string on the left and long on the right"],
    );
}

#[test]
fn arguments_are_counted() {
    finds(
        "print strlen('a', 'b')",
        &["Arity [strlen('a', 'b')] 'strlen' takes 1 argument, and 2 are given"],
    );
    finds(
        "print bin(1)",
        &["Arity [bin(1)] 'bin' takes 2 arguments, and 1 are given"],
    );
    finds(
        "let f = (x: long) { x }; print f()",
        &["Arity [f()] 'f' needs a value for 'x'"],
    );
}

#[test]
fn things_out_of_place_are_refused() {
    finds(
        "Events | extend n = count()",
        &["Meaning [count()] the aggregate 'count' cannot stand here; use it in 'summarize'"],
    );
    finds(
        "Events | summarize Pid + 1",
        &["Meaning [Pid] the column 'Pid' stands outside of an aggregate"],
    );
    finds(
        "Events | extend n = row_number()",
        &[
            "Meaning [row_number()] 'row_number' needs rows in order; put 'sort by' or 'serialize' before",
        ],
    );
    finds(
        "Devices | project a = 1, a = 2",
        &["Name [a] a column named 'a' is there already"],
    );
    finds(
        "Events | take Pid",
        &["Name [Pid] nothing is named 'Pid' here"],
    );
    finds(
        "1 + 1",
        &["Meaning [1 + 1] a query gives a table, and this is a value; put 'print' before it"],
    );
    finds(
        "Evnts",
        &["Name [Evnts] no table named 'Evnts'; did you mean 'Events'?"],
    );
    finds(
        "let n = 1; n",
        &["Meaning [n] a query gives a table, and this is a value; put 'print' before it"],
    );
    finds(
        "let f = (x: long) { f(x) }; print f(1)",
        &["Name [f] no function named 'f'"],
    );
}

#[test]
fn a_star_stands_only_where_it_may() {
    finds(
        "Events | summarize count(*)",
        &["Meaning [count(*)] 'count' does not take '*'; write count()"],
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    finds(
        "Events | evaluate autocluster()",
        &["Unsupported [autocluster()] the plugin 'autocluster' is not supported"],
    );
    finds(
        "Devices | fork (take 1) (count)",
        &["Unsupported [fork (take 1) (count)] the operator 'fork' is not supported"],
    );
    finds(
        "Events | invoke DeviceFromIP()",
        &[
            "Unsupported [DeviceFromIP()] 'DeviceFromIP', a function of the service, is not supported",
        ],
    );
}

#[test]
fn a_column_that_was_not_kept_names_the_operator() {
    finds(
        "Events | summarize count() by FileName | where DeviceId == 'x'",
        &[
            "Name [DeviceId] no column named 'DeviceId' any more: 'summarize' before this did not keep it",
        ],
    );
    finds(
        "Events | project FileName | extend Nothing2 = Nothing1",
        &["Name [Nothing1] no column named 'Nothing1'"],
    );
}

#[test]
fn a_name_is_declared_once() {
    finds(
        "let a = 1; let b = 2; let a = 3; print a + b",
        &["Name [a] 'a' is declared already"],
    );
    // What is declared in a body hides what is outside.
    assert!(super::bound("let a = 1; let f = () { let a = 2; a }; print f()").is_ok());
}

#[test]
fn columns_of_different_types_are_not_compared() {
    finds(
        "Events | where FileName == Pid",
        &["Type [FileName == Pid] '==' cannot compare string with int; convert one of them"],
    );
    finds(
        "Events | where FileName > 5",
        &["Type [FileName > 5] '>' cannot compare string with long; convert one of them"],
    );
}
