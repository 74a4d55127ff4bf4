//! Addresses, pages and columns, without a service.

use defender_core::Error;
use defender_table::arrow::array::RecordBatch;
use defender_table::arrow::datatypes::{Schema, SchemaRef};
use defender_table::{ColumnType, ticks};
use serde_json::json;

use super::page::Page;
use super::*;
use crate::{Limits, MDE_REST, SECURITY_GRAPH, Timespan};

fn graph(request: &CollectionRequest) -> Result<String> {
    let base = "https://graph.microsoft.com/v1.0".parse().unwrap();
    let url = request.url(&SECURITY_GRAPH, &base)?;
    let url = url.as_str();
    Ok(url
        .strip_prefix("https://graph.microsoft.com")
        .unwrap()
        .to_owned())
}

fn graph_path(path: &str) -> Result<String> {
    graph(&CollectionRequest::new(path))
}

#[test]
fn a_path_is_below_the_version_however_it_is_written() {
    for path in [
        "security/alerts_v2",
        "/security/alerts_v2/",
        " /v1.0/security/alerts_v2",
        "https://graph.microsoft.com/v1.0/security/alerts_v2",
        "https://graph.microsoft.com:443/v1.0/security/alerts_v2#part",
    ] {
        assert_eq!(
            graph_path(path).unwrap(),
            "/v1.0/security/alerts_v2",
            "{path}"
        );
    }
    assert_eq!(graph_path("beta/security/x").unwrap(), "/beta/security/x");
    // A name that only begins like a version is none.
    assert_eq!(graph_path("beta_users").unwrap(), "/v1.0/beta_users");
    let base = "https://api.example/api".parse().unwrap();
    let url = |path: &str| CollectionRequest::new(path).url(&MDE_REST, &base).unwrap();
    assert_eq!(url("api/machines/1").path(), "/api/machines/1");
    assert_eq!(url("v1.0/machines").path(), "/api/v1.0/machines");
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    for path in [
        "",
        "/",
        "?$top=1",
        "../users",
        "security/../../users",
        "security/%2E%2e/users",
        "security//alerts_v2",
    ] {
        let error = graph_path(path).unwrap_err();
        assert_eq!(error.to_string(), format!("'{path}' is no path"));
    }
    for path in [
        "https://elsewhere.example/v1.0/security/alerts_v2",
        "http://graph.microsoft.com/v1.0/security/alerts_v2",
        "https://graph.microsoft.com:444/v1.0/security/alerts_v2",
        "https://graph.microsoft.com@elsewhere.example/",
    ] {
        let error = graph_path(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{path}");
        assert_eq!(
            error.to_string(),
            "the path leads to another host than the environment's"
        );
    }
}

#[test]
fn options_are_escaped_once_and_stay_readable() {
    for (path, expected) in [
        (
            "security/alerts_v2?$filter=severity eq 'high'&$top=5",
            "?$filter=severity%20eq%20%27high%27&$top=5",
        ),
        (
            "security/alerts_v2?$filter=severity+eq+'high'",
            "?$filter=severity%20eq%20%27high%27",
        ),
        (
            "security/alerts_v2?$filter=severity%20eq%20%27high%27",
            "?$filter=severity%20eq%20%27high%27",
        ),
        // The plus of an offset is no space.
        (
            "security/alerts_v2?$filter=createdDateTime ge 2026-11-20T08:00:00+01:00",
            "?$filter=createdDateTime%20ge%202026-11-20T08:00:00%2B01:00",
        ),
        (
            "security/alerts_v2?$filter=assignedTo eq 'a%26b%2Bc é'",
            "?$filter=assignedTo%20eq%20%27a%26b%2Bc%20%C3%A9%27",
        ),
    ] {
        let url = graph_path(path).unwrap();
        assert_eq!(url, format!("/v1.0/security/alerts_v2{expected}"));
    }
}

#[test]
fn what_is_given_beside_the_path_joins_it() {
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    let request = CollectionRequest {
        filter: Some("severity eq 'high' or severity eq 'low'".to_owned()),
        expand: Some("alerts".to_owned()),
        order_by: Some("createdDateTime desc".to_owned()),
        skip: Some(3),
        top: Some(10),
        count: true,
        max_rows: Some(4),
        timespan: Some(Timespan::new(start, start + ticks::PER_DAY).unwrap()),
        ..CollectionRequest::new("security/incidents?$filter=status eq 'active'")
    };
    let url = graph(&request).unwrap();
    let url = url::Url::parse(&format!("https://x{url}")).unwrap();
    let options: Vec<String> = url
        .query_pairs()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    assert_eq!(
        options,
        [
            "$filter ((status eq 'active') and (severity eq 'high' or severity eq 'low')) and \
             (createdDateTime ge 2026-11-20T00:00:00Z and createdDateTime le 2026-11-21T00:00:00Z)",
            "$expand alerts",
            "$orderby createdDateTime desc",
            "$top 10",
            "$skip 3",
            "$count true",
        ]
    );

    let request = CollectionRequest {
        top: Some(1),
        ..CollectionRequest::new("security/incidents?$TOP=2")
    };
    let error = graph(&request).unwrap_err();
    assert_eq!(error.to_string(), "$top is in the path and given beside it");

    let request = CollectionRequest {
        timespan: Some(Timespan::new(start, start + 1).unwrap()),
        ..CollectionRequest::new("security/secureScores")
    };
    let error = graph(&request).unwrap_err();
    assert_eq!(
        error.to_string(),
        "security/secureScores takes no range of time beside its path"
    );
}

#[test]
fn a_range_without_an_end_has_one_bound() {
    let start = ticks::parse_datetime("2026-11-20T00:00:00Z").unwrap();
    for (range, filter) in [
        (
            (start, ticks::MAX),
            "?$filter=createdDateTime%20ge%202026-11-20T00:00:00Z",
        ),
        (
            (ticks::MIN, start),
            "?$filter=createdDateTime%20le%202026-11-20T00:00:00Z",
        ),
        ((ticks::MIN, ticks::MAX), ""),
    ] {
        let request = CollectionRequest {
            timespan: Some(Timespan::new(range.0, range.1).unwrap()),
            ..CollectionRequest::new("security/alerts_v2")
        };
        let expected = format!("/v1.0/security/alerts_v2{filter}");
        assert_eq!(graph(&request).unwrap(), expected);
    }
}

#[test]
fn few_rows_are_asked_for_as_few() {
    let asked = |path: &str, max_rows| {
        let request = CollectionRequest {
            max_rows: Some(max_rows),
            ..CollectionRequest::new(path)
        };
        let url = graph(&request).unwrap();
        url.split_once('?').map(|(_, query)| query.to_owned())
    };
    assert_eq!(asked("security/incidents", 3).as_deref(), Some("$top=4"));
    assert_eq!(asked("security/incidents", 50), None);
    assert_eq!(asked("security/secureScores", 3), None);
    assert_eq!(asked("security/incidents/7", 3), None);
    assert_eq!(
        asked("security/incidents?$top=2", 3).as_deref(),
        Some("$top=2")
    );
}

#[test]
fn the_next_page_is_at_the_same_host_or_nowhere() {
    let url: Url = "https://graph.microsoft.com/v1.0/security/incidents"
        .parse()
        .unwrap();
    let verbatim = "https://graph.microsoft.com/v1.0/security/incidents?$skiptoken=a%2fb%20c";
    assert_eq!(
        following(&url, verbatim, &Redaction::default())
            .unwrap()
            .as_str(),
        verbatim
    );
    assert_eq!(
        following(&url, "?$skip=50", &Redaction::default())
            .unwrap()
            .as_str(),
        "https://graph.microsoft.com/v1.0/security/incidents?$skip=50"
    );
    for next in [
        "https://elsewhere.example/v1.0/security/incidents",
        "//elsewhere.example/x",
        "http://graph.microsoft.com/v1.0/security/incidents",
        "https://graph.microsoft.com:8443/v1.0/security/incidents",
        "https://graph.microsoft.com.elsewhere.example/",
        "https://user:password@graph.microsoft.com/v1.0/security/incidents",
        "data:text/plain,x",
        "javascript:1",
        "https://[",
    ] {
        let error: Error = following(&url, next, &Redaction::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{next}");
        assert!(!error.to_string().contains("null"), "{next}: {error}");
    }
}

fn parse(text: &str, shape: Shape) -> Result<Page> {
    block_on(Page::parse(text.as_bytes(), shape))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(future)
}

fn batches(
    rows: &[Row],
    known: Option<&Collection>,
    wanted: &columns::Wanted<'_>,
) -> Result<(SchemaRef, Vec<RecordBatch>, Vec<Warning>)> {
    let limits = Limits::default();
    block_on(columns::batches(
        rows,
        known,
        wanted,
        DatetimeMode::Timestamp,
        &limits,
    ))
}

const ALERTS: &Collection = &SECURITY_GRAPH.collections[0];

#[test]
fn a_page_is_a_list_or_where_nobody_knows_an_array_or_one_row() {
    let rows = |text: &str, shape| parse(text, shape).unwrap().rows;
    let listed = r#"{"value":[{"id":"1"},{"id":"2"}]}"#;
    for shape in [Shape::List(ALERTS), Shape::Row(ALERTS), Shape::Any] {
        assert_eq!(rows(listed, shape).len(), 2);
    }
    let one = r#"{"@odata.context":"c","id":"1","value":"x"}"#;
    for shape in [Shape::Row(ALERTS), Shape::Any] {
        assert_eq!(json!(rows(one, shape)), json!([{"id": "1", "value": "x"}]));
    }
    for (text, expected) in [
        (r#"[{"id":"1"}]"#, json!([{"id": "1"}])),
        (r#"{"value":"x"}"#, json!([{"value": "x"}])),
        (
            r#"{"value":[1,null]}"#,
            json!([{"value": 1}, {"value": null}]),
        ),
        (
            r#"{"id":1,"errors":["x"]}"#,
            json!([{"id": 1, "errors": ["x"]}]),
        ),
    ] {
        let page = parse(text, Shape::Any).unwrap();
        assert_eq!(json!(page.rows), expected);
        assert_eq!(page.around.failure, None);
    }
    assert_eq!(json!(rows("7 ", Shape::Count)), json!([{"value": 7}]));
    let page = parse(
        "\u{feff}{\"@odata.context\":\"c\",\"@odata.count\":9,\"@odata.nextLink\":\"n\",\
          \"value\":[{\"@odata.type\":\"t\",\"id\":\"1\",\"tags@odata.type\":\"t\"}]}",
        Shape::List(ALERTS),
    )
    .unwrap();
    assert_eq!(
        (page.around.count, page.around.next),
        (Some(9), Next::At("n".to_owned()))
    );
    assert_eq!(json!(page.rows), json!([{"id": "1"}]));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_no_list_is_an_error_that_says_what_it_is() {
    let list = Shape::List(ALERTS);
    for (shape, text, message) in [
        (
            list,
            "{}",
            "the answer is an object without a 'value' where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"value":null}"#,
            "the answer is an object whose 'value' is null where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"value":"abc"}"#,
            "the answer is an object whose 'value' is text where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"value":{}}"#,
            "the answer is an object whose 'value' is an object where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"Value":[]}"#,
            "the answer is an object without a 'value' where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"id":"1","title":"x"}"#,
            "the answer is an object without a 'value' where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"value":[1,2]}"#,
            "row 1 of the answer is a number and not an object",
        ),
        (
            list,
            r#"{"value":[{"id":"1"},null]}"#,
            "row 2 of the answer is null and not an object",
        ),
        (
            list,
            r#"{"value":[{}]}"#,
            "row 1 of the answer has no property of security/alerts_v2, but nothing at all",
        ),
        (
            list,
            r#"{"value":[{"error":{}}]}"#,
            "row 1 of the answer has no property of security/alerts_v2, but error",
        ),
        (
            list,
            "[]",
            "the answer is a bare list where an object with a list named 'value' was expected",
        ),
        (
            list,
            "7",
            "the answer is a number where an object with a list named 'value' was expected",
        ),
        (
            list,
            "\"x\"",
            "the answer is text where an object with a list named 'value' was expected",
        ),
        (
            list,
            "null",
            "the answer is null where an object with a list named 'value' was expected",
        ),
        (
            list,
            r#"{"value":[],"value":[]}"#,
            "the answer holds 'value' twice",
        ),
        (
            list,
            r#"{"value":[],"Value":[]}"#,
            "the answer holds 'Value' twice",
        ),
        (
            list,
            r#"{"value":[],"\u0076alue":[]}"#,
            "the answer holds 'value' twice",
        ),
        (
            list,
            r#"{"error":null,"Error":{},"value":[]}"#,
            "the answer holds 'Error' twice",
        ),
        (
            list,
            r#"{"@odata.nextLink":"a","@odata.nextLink":"b","value":[]}"#,
            "the answer holds '@odata.nextLink' twice",
        ),
        (
            list,
            r#"{"value":[]} {"value":[]}"#,
            "the answer is broken JSON: nothing was expected after its end",
        ),
        (
            list,
            r#"{"value":[],}"#,
            "the answer is broken JSON: a name in quotes was expected",
        ),
        (
            list,
            "<html><title>Sign in</title>",
            "the answer is not JSON: Sign in",
        ),
        (
            Shape::Row(ALERTS),
            "{}",
            "the answer is an object without a property",
        ),
        (
            Shape::Row(ALERTS),
            r#"{"x":1}"#,
            "row 1 of the answer has no property of security/alerts_v2, but x",
        ),
        (
            Shape::Row(ALERTS),
            "[]",
            "the answer is a bare list where an object with a list named 'value' was expected",
        ),
        (
            Shape::Any,
            "{}",
            "the answer is an object without a property",
        ),
        (
            Shape::Any,
            r#"{"@odata.context":"c"}"#,
            "the answer is an object without a property",
        ),
        (
            Shape::Any,
            r#"{"id":1,"id":2}"#,
            "the answer holds 'id' twice",
        ),
        (
            Shape::Any,
            "7",
            "the answer is a number where an object with a list named 'value' was expected",
        ),
        (
            Shape::Count,
            "-1",
            "the answer is a number where an object with a list named 'value' was expected",
        ),
    ] {
        let error = parse(text, shape).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{text}");
    }
    // Cut short anywhere it is a download that broke.
    let whole = r#" {"@odata.count":1,"value":[{"id":"é","tags":["x"]}],"@odata.nextLink":"n"}"#;
    for end in 0..whole.len() {
        let cut = &whole.as_bytes()[..end];
        let error = block_on(Page::parse(cut, list)).unwrap_err();
        assert!(error.is_transient(), "{end}: {error}");
    }
}

#[test]
fn errors_and_continuations_are_found_wherever_they_stand() {
    let list = Shape::List(ALERTS);
    let row = r#""value":[{"id":"1"}]"#;
    for name in [
        "error",
        "Error",
        "@odata.error",
        "odata.error",
        "ERRORS",
        "\\u0065rror",
    ] {
        for text in [
            format!(r#"{{"{name}":{{"code":"x"}},{row}}}"#),
            format!(r#"{{{row},"{name}":{{"code":"x"}}}}"#),
        ] {
            let page = parse(&text, list).unwrap();
            assert_eq!(
                page.around.failure.as_deref(),
                Some(&b"{\"code\":\"x\"}"[..]),
                "{text}"
            );
            assert_eq!(page.rows.len(), 1);
        }
        let page = parse(&format!(r#"{{{row},"{name}":null}}"#), list).unwrap();
        assert_eq!(page.around.failure, None);
    }
    for text in [
        r#"{"error":{"code":"x"}}"#,
        r#"{"error":"x","value":null}"#,
        r#"{"errors":[1]}"#,
    ] {
        let page = parse(text, list).unwrap();
        assert!(
            page.around.failure.is_some() && page.rows.is_empty(),
            "{text}"
        );
    }
    for (member, next) in [
        (
            r#""@odata.nextLink":7"#,
            Next::Unclear("@odata.nextLink is a number".to_owned()),
        ),
        (
            r#""@odata.nextLink":{}"#,
            Next::Unclear("@odata.nextLink is an object".to_owned()),
        ),
        (
            r#""@odata.nextLink":"""#,
            Next::Unclear("@odata.nextLink is empty".to_owned()),
        ),
        (r#""@odata.nextLink":null"#, Next::End),
        (r#""@odata.deltaLink":"x""#, Next::End),
        (
            r#""@odata.nextlink":"x""#,
            Next::Unclear("it has @odata.nextlink".to_owned()),
        ),
        (
            r#""@nextLink":"x""#,
            Next::Unclear("it has @nextLink".to_owned()),
        ),
        (
            r#""odata.nextLink":"x""#,
            Next::Unclear("it has odata.nextLink".to_owned()),
        ),
        (
            r#""nextLink":"x""#,
            Next::Unclear("it has nextLink".to_owned()),
        ),
    ] {
        for text in [format!("{{{row},{member}}}"), format!("{{{member},{row}}}")] {
            assert_eq!(parse(&text, list).unwrap().around.next, next, "{text}");
        }
    }
    for text in [
        r#"{"@nextLink":{},"@odata.nextLink":null,"value":[]}"#,
        r#"{"@nextLink":{},"@odata.nextLink":"x","value":[]}"#,
        r#"{"@odata.nextLink":"x","@nextLink":{},"value":[]}"#,
    ] {
        let next = Next::Unclear("@nextLink is an object".to_owned());
        assert_eq!(parse(text, list).unwrap().around.next, next, "{text}");
    }
    let nested = r#"{"value":[{"id":"1","alerts":[{"id":"2","evidence@odata.nextLink":"x"}]}]}"#;
    let page = parse(nested, list).unwrap();
    assert_eq!(page.shortened.as_deref(), Some("evidence@odata.nextLink"));
    let page = parse(r#"{"value":[{"id":"1","id":"2","\u0069d":"3"}]}"#, list).unwrap();
    assert_eq!((json!(page.rows), page.repeated), (json!([{"id": "3"}]), 2));
}

#[test]
fn a_value_that_cannot_be_read_is_named_with_its_row() {
    let text = r#"{"value": [{"id": "1"}, {"id": "2", "rbacGroupId": 1e400}]}"#;
    let error = parse(text, Shape::Any).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'rbacGroupId' in row 2 of the answer cannot be read: number out of range"
    );
}

#[test]
fn what_a_value_does_not_hold_is_counted() {
    for (value, repeated, rounded) in [
        (r#"{"a":1,"b":[{"a":2}]}"#, 0, 0),
        (r#"[{"a":1,"a":2},{"b":{"c":1,"\u0063":2}}]"#, 2, 0),
        ("18446744073709551615", 0, 1),
        ("[18446744073709551615,1.5]", 0, 0),
        ("[18446744073709551616,3.14159265358979323846]", 0, 2),
        ("9223372036854775807", 0, 0),
        ("0.1", 0, 0),
    ] {
        let text = format!(r#"{{"value":[{{"id":"1","more":{value}}}]}}"#);
        let page = parse(&text, Shape::List(ALERTS)).unwrap();
        assert_eq!(
            (page.repeated, page.rounded),
            (repeated, rounded),
            "{value}"
        );
    }
}

fn types(schema: &Schema) -> Vec<String> {
    schema
        .fields()
        .iter()
        .map(|field| format!("{}:{}", field.name(), ColumnType::of(field)))
        .collect()
}

#[test]
fn unknown_columns_have_the_type_that_holds_all_their_values() {
    let page = json!([
        {"a": 1, "b": true, "c": "2026-11-20T08:00:00Z", "d": "2026-11-20", "e": null, "f": [1], "g": 1, "h": 1},
        {"a": 2.5, "b": null, "c": "2026-11-20T08:00:00+01:00", "d": "2026-11-21", "e": null, "f": {}, "g": "x", "h": true, "i": "2026-11-20T08:00:00Z"},
        {"i": "soon"},
    ]);
    let page = parse(&page.to_string(), Shape::Any).unwrap();
    let wanted = columns::Wanted::default();
    let (schema, batches, warnings) = batches(&page.rows, None, &wanted).unwrap();
    assert_eq!(
        types(&schema),
        [
            "a:real",
            "b:bool",
            "c:datetime",
            "d:string",
            "e:string",
            "f:dynamic",
            "g:dynamic",
            "h:dynamic",
            "i:string"
        ]
    );
    assert_eq!(batches[0].num_rows(), 3);
    assert!(warnings.is_empty());
}

#[test]
fn a_known_collection_has_its_columns_without_rows_and_new_ones_at_the_end() {
    let known = SECURITY_GRAPH.collection("security/incidents");
    let all = |rows: &[Row], wanted: &columns::Wanted<'_>| {
        batches(rows, known, wanted).map(|(schema, ..)| types(&schema))
    };
    let wanted = columns::Wanted::default();
    let empty = all(&[], &wanted).unwrap();
    assert_eq!(empty.len(), known.unwrap().columns.len());
    assert_eq!(empty[0], "id:string");
    let page = parse(r#"{"value":[{"priorityScore":7,"id":"1"}]}"#, Shape::Any).unwrap();
    let more = all(&page.rows, &wanted).unwrap();
    assert_eq!(more.last().unwrap(), "priorityScore:long");
    assert_eq!(more[..more.len() - 1], empty);

    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let kept = names(&["SEVERITY", "priorityScore", "severity", "id"]);
    let wanted = columns::Wanted {
        kept: Some(&kept),
        ..columns::Wanted::default()
    };
    assert_eq!(
        all(&page.rows, &wanted).unwrap(),
        ["severity:string", "priorityScore:long", "id:string"]
    );
    // Nobody knows yet what it would have been.
    assert_eq!(all(&[], &wanted).unwrap()[1], "priorityScore:string");
    let kept = names(&["id", "sevrity"]);
    let mistaken = columns::Wanted {
        kept: Some(&kept),
        ..columns::Wanted::default()
    };
    let error = all(&page.rows, &mistaken).unwrap_err();
    assert_eq!(error.to_string(), "the rows have no column 'sevrity'");
    let selected = names(&["id", "severity"]);
    let selected = columns::Wanted {
        selected: Some(&selected),
        ..columns::Wanted::default()
    };
    assert_eq!(
        all(&[], &selected).unwrap(),
        ["id:string", "severity:string"]
    );
}

#[test]
fn every_collection_has_what_it_says_of_itself() {
    for description in [SECURITY_GRAPH, MDE_REST] {
        for known in description.collections {
            let has = |name: &&str| known.columns.iter().any(|(column, _)| column == name);
            for name in known.brief.iter().chain(known.filters) {
                assert!(has(name), "{} {name}", known.path);
            }
            assert!(has(&known.key) && has(&known.time));
            assert!(known.filters.contains(&known.time), "{}", known.path);
            assert_eq!(description.collection(known.path), Some(known));
            let row = format!("/{}/x", known.path.to_uppercase());
            assert_eq!(description.collection(&row), Some(known));
            assert_eq!(description.collection(&format!("{row}/y")), None);
            assert_eq!(description.collection(&format!("{}x", known.path)), None);
        }
    }
}
