//! Addresses, pages and columns, without a service.

use defender_core::Error;
use defender_table::arrow::datatypes::Schema;
use defender_table::{ColumnType, ticks};
use serde_json::json;

use super::page::Page;
use super::*;
use crate::{MDE_REST, SECURITY_GRAPH, Timespan};

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
    assert_eq!(following(&url, verbatim).unwrap().as_str(), verbatim);
    assert_eq!(
        following(&url, "?$skip=50").unwrap().as_str(),
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
        "https://[",
    ] {
        let error: Error = following(&url, next).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{next}");
    }
}

#[test]
fn a_page_is_a_collection_an_array_or_one_row() {
    let rows = |text: &str| Page::parse(text.as_bytes()).unwrap().rows.len();
    assert_eq!(rows(r#"{"value":[{"id":"1"},{"id":"2"}]}"#), 2);
    assert_eq!(rows(r#"[{"id":"1"}]"#), 1);
    assert_eq!(rows(r#"{"id":"1","value":"x"}"#), 1);
    assert_eq!(rows("7"), 1);
    let page = Page::parse(
        b"\xef\xbb\xbf{\"@odata.context\":\"c\",\"@odata.count\":9,\"@odata.nextLink\":\"n\",\
          \"value\":[{\"@odata.type\":\"t\",\"id\":\"1\",\"tags@odata.type\":\"t\"}]}",
    )
    .unwrap();
    assert_eq!((page.count, page.next.as_deref()), (Some(9), Some("n")));
    assert_eq!(json!(page.rows), json!([{"id": "1"}]));
    let error = Page::parse(b"<html>").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
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
    let page = Page::parse(page.to_string().as_bytes()).unwrap();
    let wanted = columns::Wanted::default();
    let (schema, batches, warnings) =
        columns::batches(&page.rows, None, &wanted, DatetimeMode::Timestamp).unwrap();
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
        columns::batches(rows, known, wanted, DatetimeMode::Timestamp)
            .map(|(schema, ..)| types(&schema))
    };
    let wanted = columns::Wanted::default();
    let empty = all(&[], &wanted).unwrap();
    assert_eq!(empty.len(), known.unwrap().columns.len());
    assert_eq!(empty[0], "id:string");
    let page = Page::parse(br#"{"value":[{"priorityScore":7,"id":"1"}]}"#).unwrap();
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
