//! What stands around the rows of a 200, whoever invented it: hunting and lists hear the same.

use defender_core::ErrorKind;
use defender_drivers::{CollectionRequest, Driver, M365D, MDE_REST, Query, SECURITY_GRAPH};
use defender_http::Answer;
use defender_table::{Completeness, Table, WarningKind};

use crate::support::{bench, collections};

const ROWS: &str = r#""Schema":[{"Name":"A","Type":"Int64"}],"Results":[{"A":1},{"A":2}]"#;
const NO_ROWS: &str = r#""Schema":[{"Name":"A","Type":"Int64"}],"Results":[]"#;
const LIST: &str = r#""@odata.context":"c","value":[{"id":"1"},{"id":"2"}]"#;
const EMPTY_LIST: &str = r#""@odata.context":"c","value":[]"#;

async fn hunted(answer: Answer) -> Table {
    let bench = bench(M365D, [answer]);
    let answer = bench.driver.query(&Query::new("T")).await.unwrap();
    Table::collect(answer).await.unwrap()
}

async fn listed(answer: Answer) -> Table {
    let bench = collections(SECURITY_GRAPH, [answer]);
    let request = CollectionRequest::new("security/alerts_v2");
    Table::collect(bench.driver.list(&request).await.unwrap())
        .await
        .unwrap()
}

/// What hunting and a list make of the same member or header, with rows and without.
async fn all(with: impl Fn(&str) -> Answer) -> [Table; 4] {
    [
        hunted(with(ROWS)).await,
        hunted(with(NO_ROWS)).await,
        listed(with(LIST)).await,
        listed(with(EMPTY_LIST)).await,
    ]
}

fn reason(table: &Table) -> Option<&str> {
    match &table.summary().completeness {
        Completeness::Incomplete { reason } => Some(reason),
        Completeness::Complete => None,
    }
}

fn unknown(table: &Table) -> Option<&str> {
    let mut warnings = table.summary().warnings.iter();
    let found = warnings.find(|warning| warning.kind == WarningKind::Schema)?;
    Some(&found.message)
}

/// Members that no page documents, as gateways and other services write them.
const HEARD: &[&str] = &[
    r#""status":"Running""#,
    r#""status":"Failed""#,
    r#""State":"InProgress""#,
    r#""success":false"#,
    r#""isError":true"#,
    r#""errorMessage":"the query was stopped""#,
    r#""warnings":["the result exceeded the limit of 30000 rows"]"#,
    r#""message":"try again later""#,
    r#""cursor":"abc""#,
    r#""pageToken":"abc""#,
    r#""totalPages":5"#,
    r#""LastEvaluatedKey":{"id":"2"}"#,
    r#""done":false"#,
    r#""numRows":5"#,
    r#""pagination":{"totalPages":5}"#,
    r#""meta":{"state":"queued"}"#,
    r#""note":"partial result""#,
];

#[tokio::test]
async fn what_can_mean_an_error_a_state_more_or_a_count_makes_the_result_incomplete() {
    for member in HEARD {
        let tables = all(|rows| Answer::json(200, format!("{{{member},{rows}}}"))).await;
        let name = member.split('"').nth(1).unwrap();
        for table in &tables {
            let reason = reason(table).unwrap_or("complete");
            let is_counted = reason.contains("counted 5 rows");
            assert!(reason.contains(name) || is_counted, "{member}: {reason}");
        }
        // Behind the rows it says the same.
        let tables = all(|rows| Answer::json(200, format!("{{{rows},{member}}}"))).await;
        for table in &tables {
            assert!(reason(table).is_some(), "{member}");
        }
    }
    for (name, value) in [
        ("content-range", "items 0-1/5"),
        ("content-range", "items 0-1/*"),
        ("x-total-count", "5"),
        ("x-total-pages", "5"),
        ("x-next-cursor", "abc"),
        ("x-partial-result", "true"),
    ] {
        let with = |rows: &str| Answer::json(200, format!("{{{rows}}}")).header(name, value);
        for table in &all(with).await {
            assert!(reason(table).is_some(), "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn what_says_nothing_or_that_all_is_well_leaves_the_result_complete() {
    for member in [
        r#""status":"Succeeded""#,
        r#""success":true"#,
        r#""errorMessage":null"#,
        r#""warnings":[]"#,
        r#""cursor":"""#,
        r#""done":true"#,
        r#""isError":false"#,
        r#""totalPages":1"#,
        r#""@odata.deltaLink":"x""#,
        r#""@microsoft.graph.tips":"Use $select to choose only the properties your app needs""#,
    ] {
        let tables = all(|rows| Answer::json(200, format!("{{{member},{rows}}}"))).await;
        for table in &tables {
            assert_eq!((reason(table), unknown(table)), (None, None), "{member}");
        }
    }
}

#[tokio::test]
async fn a_member_that_nobody_knows_is_a_warning() {
    let tables = all(|rows| Answer::json(200, format!("{{\"elapsed\":7,{rows}}}"))).await;
    for table in &tables {
        assert_eq!(reason(table), None);
        let told = "beside its rows the response has what is not known: elapsed is 7";
        assert_eq!(unknown(table), Some(told));
    }
}

#[tokio::test]
async fn what_is_told_of_a_member_is_bounded_and_without_the_token() {
    let long = "é".repeat(10_000);
    for name in ["errorText", "cursor", "elapsed"] {
        let member = format!(r#""{name}":"canary-1 {long}""#);
        let tables = all(|rows| Answer::json(200, format!("{{{member},{rows}}}"))).await;
        for table in &tables {
            let told = reason(table).or(unknown(table)).unwrap();
            assert!(
                told.contains("REDACTED") && !told.contains("canary"),
                "{told}"
            );
            assert!(told.chars().count() < 500, "{told}");
        }
    }
}

#[tokio::test]
async fn a_row_with_an_error_of_its_own_makes_the_result_incomplete() {
    for member in [
        r#""error":{"code":"x"}"#,
        r#""errorMessage":"x""#,
        r#""cursor":"x""#,
    ] {
        let body = format!(
            r#"{{"Schema":[{{"Name":"A","Type":"Int64"}}],"Results":[{{"A":1,{member}}},{{"A":2}}]}}"#
        );
        let table = hunted(Answer::json(200, body)).await;
        let reason = reason(&table).unwrap_or("complete");
        assert!(reason.contains("a row has "), "{member}: {reason}");
    }
    let body = r#"{"Schema":[{"Name":"A","Type":"Int64"}],"Results":[{"A":1,"B":1,"error":null}]}"#;
    assert_eq!(reason(&hunted(Answer::json(200, body)).await), None);
}

#[tokio::test]
async fn a_made_up_row_is_an_error_in_every_list() {
    for (description, path) in [
        (SECURITY_GRAPH, "security/alerts_v2"),
        (SECURITY_GRAPH, "security/incidents"),
        (MDE_REST, "alerts"),
        (MDE_REST, "machines"),
    ] {
        for row in [
            r#"{"id":null}"#,
            r#"{"id":"","status":"new"}"#,
            r#"{"status":"new","version":"1"}"#,
            r#"{"id":7}"#,
            r#"{"id":"2","evidence":[{}]}"#,
            r#"{"foo":"2"}"#,
        ] {
            let body = format!(r#"{{"value":[{{"id":"1"}},{row}]}}"#);
            let bench = collections(description, [Answer::json(200, body)]);
            let request = CollectionRequest::new(path);
            let error = bench.driver.list(&request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{path}: {row}");
            assert!(error.to_string().contains("row 2 of the answer"), "{error}");
        }
    }
}
