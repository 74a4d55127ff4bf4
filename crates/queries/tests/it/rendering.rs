//! Query texts of the fixtures.

use defender_core::ErrorKind;
use defender_queries::{Origin, Parameters, Rendered, Value};

use crate::{now, own};

fn render(name: &str, parameters: &[(&str, Value)]) -> defender_core::Result<Rendered> {
    let parameters: Parameters = parameters
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    own().0.render(name, None, &parameters, now())
}

fn refused(name: &str, parameters: &[(&str, Value)]) -> String {
    let error = render(name, parameters).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    format!("{error} [{}]", error.hint().unwrap_or("-"))
}

#[test]
fn comments_and_macros_survive_folding() {
    let rendered = render(
        "Logons.on_host",
        &[
            ("start", "2026-11-01".into()),
            ("end", "2026-11-02T08:00Z".into()),
            ("hostname", "srv\"01".into()),
        ],
    )
    .unwrap();
    insta::assert_snapshot!(rendered.text, @r#"
    DeviceLogonEvents // every logon
    | where Timestamp between (datetime(2026-11-01T00:00:00Z) .. datetime(2026-11-02T08:00:00Z)) // both ends
    | where DeviceName =~ "srv\"01"
    | take 100
    "#);
    assert!(kql_syntax::parse(&rendered.text).diagnostics.is_empty());
    assert_eq!(rendered.used["host_name"].origin, Origin::Call);
    assert_eq!(rendered.used["limit"].origin, Origin::File);
    assert!(rendered.defaults_filled.is_empty());
}

#[test]
fn the_default_range_is_used_and_said() {
    let rendered = render(
        "Logons.list",
        &[("accounts", "alice, bob".into()), ("step", "30m".into())],
    )
    .unwrap();
    insta::assert_snapshot!(rendered.text, @"
    DeviceLogonEvents
    | where AccountName in~ ('alice', 'bob')
    | summarize Logons = count() by bin(Timestamp, 30m), DeviceName
    | extend Day = format_datetime(datetime(2026-11-19T23:21:55Z), '{yyyy}'), Flag = false
    ");
    insta::assert_json_snapshot!(rendered.defaults_filled, @r#"
    {
      "start": "2026-11-19T23:21:55Z"
    }
    "#);
    assert_eq!(rendered.used["start"].origin, Origin::TimeRange);
    assert_eq!(rendered.used["by"].origin, Origin::Query);
}

#[test]
fn addresses_stay_one_line() {
    let rendered = render("by_user", &[("user", "o'neil".into())]).unwrap();
    assert_eq!(
        rendered.text,
        "/security/alerts_v2?$filter=createdDateTime ge 2026-11-13T23:21:55Z and userName eq 'o''neil'"
    );
}

#[test]
fn refusals_say_what_and_what_next() {
    let host = ("host_name", Value::from("a"));
    for (parameters, expected) in [
        (
            vec![],
            "the query 'Logons.on_host' needs host_name [its parameters are add_query_items, end, host_name, limit, start, table, time_column]",
        ),
        (
            vec![("hostnam", "a".into())],
            "the query 'Logons.on_host' has no parameter 'hostnam' [did you mean 'host_name'?]",
        ),
        (
            vec![host.clone(), ("computer", "b".into())],
            "'computer' and 'host_name' are the same parameter of 'Logons.on_host' and have different values [-]",
        ),
        (
            vec![host.clone(), ("limit", "many".into())],
            "parameter 'limit' of 'Logons.on_host': it takes a whole number of 64 bits, not 'many' [-]",
        ),
        (
            vec![host.clone(), ("start", "yesterday".into())],
            "parameter 'start' of 'Logons.on_host': 'yesterday' is not a time [a time is 2026-11-20T08:00Z, 2026-11-20, now, or an offset such as -7d or -12h]",
        ),
        (
            vec![host.clone(), ("table", "X | where true".into())],
            "parameter 'table' of 'Logons.on_host': it takes one name of a table or column, and nothing else [conditions and steps go into a parameter such as add_query_items]",
        ),
    ] {
        assert_eq!(refused("Logons.on_host", &parameters), expected);
    }
    assert!(render("Logons.on_host", &[host, ("computer", "a".into())]).is_ok());
}

#[test]
fn a_query_of_another_service_is_not_rendered() {
    assert_eq!(
        refused("elsewhere", &[]),
        "the query 'Splunk.elsewhere' is for Splunk, which cannot be asked here [-]"
    );
}

#[test]
fn a_declared_parameter_may_be_unused_but_not_wrong() {
    let accounts = ("accounts", Value::from("a"));
    assert!(render("Logons.list", &[accounts.clone(), ("limit", 5.into())]).is_ok());
    assert!(render("Logons.list", &[accounts, ("limit", "x".into())]).is_err());
}
