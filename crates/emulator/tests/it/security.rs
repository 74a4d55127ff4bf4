//! Alerts, incidents and machines: properties, options, pages, refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use defender_emulator::{
    Api, Column, ColumnType, Data, Emulator, Options, Running, Script, Tenant, Value,
};
use serde_json::{Value as Json, json};

use crate::client::{Answer, GRAPH, MDE, XDR, direct, options, token};

/// 2026-11-18T08:00:00Z in ticks, and a minute.
const BEGIN: i64 = 639_305_856_000_000_000;
const MINUTE: i64 = 600_000_000;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn texts(names: &[&str]) -> Vec<Column> {
    names
        .iter()
        .map(|name| Column::new(*name, ColumnType::String))
        .collect()
}

/// An alert: its number, severity, service and detector.
fn alert(number: i64, severity: &str, service: &str, detector: &str) -> Vec<Value> {
    vec![
        Value::DateTime(BEGIN + number * 100 * MINUTE),
        text(&format!("da{number}")),
        text(&format!("Alert {number}")),
        text("Execution"),
        text(severity),
        text(service),
        text(detector),
        text(r#"["PowerShell (T1059.001)","T1027"]"#),
    ]
}

/// What alert `number` is about.
fn evidence(number: i64, kind: &str, device: &str) -> Vec<Value> {
    vec![
        text(&format!("da{number}")),
        text(kind),
        text(device),
        text("srv01.contoso.example"),
        text("alice"),
        text("CONTOSO"),
        text("powershell -enc AAAA"),
        text("powershell.exe"),
    ]
}

/// Four alerts: two on one device, one mail, one of a service that Graph learnt of late.
fn story() -> Script {
    let mut alerts = texts(&[
        "Timestamp",
        "AlertId",
        "Title",
        "Category",
        "Severity",
        "ServiceSource",
        "DetectionSource",
        "AttackTechniques",
    ]);
    alerts[0] = Column::new("Timestamp", ColumnType::DateTime);
    let endpoint = "Microsoft Defender for Endpoint";
    let office = "Microsoft Defender for Office 365";
    let machines = vec![
        Column::new("Timestamp", ColumnType::DateTime),
        Column::new("FirstSeen", ColumnType::DateTime),
        Column::new("DeviceId", ColumnType::String),
        Column::new("DeviceName", ColumnType::String),
        Column::new("OSPlatform", ColumnType::String),
        Column::new("OSBuild", ColumnType::Long),
        Column::new("IsAzureADJoined", ColumnType::Bool),
        Column::new("RegistryDeviceTag", ColumnType::String),
    ];
    let machine = |number: i64, tag: &str| {
        vec![
            Value::DateTime(BEGIN + number * MINUTE),
            Value::DateTime(BEGIN),
            text(&format!("d{number}")),
            text(&format!("srv0{number}.contoso.example")),
            text("WindowsServer2022"),
            Value::Long(20_348),
            Value::Bool(number == 1),
            text(tag),
        ]
    };
    Script::new()
        .answer(
            "AlertInfo",
            alerts,
            vec![
                alert(2, "High", endpoint, "Antivirus"),
                alert(1, "Low", endpoint, "EDR"),
                alert(3, "Informational", office, office),
                alert(4, "Medium", "Microsoft Sentinel", "Microsoft Sentinel"),
            ],
        )
        .answer(
            "AlertEvidence",
            texts(&[
                "AlertId",
                "EntityType",
                "DeviceId",
                "DeviceName",
                "AccountName",
                "AccountDomain",
                "ProcessCommandLine",
                "FileName",
            ]),
            vec![
                evidence(1, "Machine", "d1"),
                evidence(1, "Process", "d1"),
                evidence(2, "Machine", "d1"),
                evidence(3, "MailMessage", ""),
            ],
        )
        .answer(LOGONS, logon_columns(), logons())
        .answer(
            format!("DeviceNetworkInfo | {AROUND_BEGIN} | project DeviceId, IPAddresses"),
            texts(&["DeviceId", "IPAddresses"]),
            vec![
                vec![
                    text("d1"),
                    text(r#"[{"IPAddress":"10.0.0.1","SubnetPrefix":24}]"#),
                ],
                vec![text("d2"), text(r#"[{"IPAddress":"10.0.0.11"}]"#)],
            ],
        )
        .answer(
            format!("DeviceNetworkEvents | {AROUND_BEGIN} | distinct DeviceId, LocalIP"),
            texts(&["DeviceId", "LocalIP"]),
            vec![vec![text("d2"), text("10.0.0.2")]],
        )
        .answer(
            "DeviceInfo | summarize FirstSeen = min(Timestamp), arg_max(Timestamp, *) by DeviceId",
            machines,
            vec![machine(1, ""), machine(2, "dmz")],
        )
}

/// A quarter of an hour before and after the beginning.
const AROUND_BEGIN: &str = "where Timestamp between (datetime(2026-11-18T07:45:00Z) .. \
                            datetime(2026-11-18T08:15:00Z))";

/// What the emulator asks its data for users.
const LOGONS: &str = "DeviceLogonEvents | where ActionType == 'LogonSuccess' \
                      | summarize FirstSeen = min(Timestamp), LastSeen = max(Timestamp), \
                      LogonTypes = make_set(LogonType), Logons = count() \
                      by DeviceId, AccountDomain, AccountName, AccountSid";

fn logon_columns() -> Vec<Column> {
    let mut columns = texts(&["DeviceId", "AccountDomain", "AccountName", "AccountSid"]);
    columns.extend([
        Column::new("FirstSeen", ColumnType::DateTime),
        Column::new("LastSeen", ColumnType::DateTime),
        Column::new("LogonTypes", ColumnType::Dynamic),
        Column::new("Logons", ColumnType::Long),
    ]);
    columns
}

fn logons() -> Vec<Vec<Value>> {
    let logon = |device: &str, name: &str, kinds: Json, count: i64| {
        vec![
            text(device),
            text("contoso"),
            text(name),
            text("S-1-5-21-1"),
            Value::DateTime(BEGIN),
            Value::DateTime(BEGIN + count * MINUTE),
            Value::Dynamic(kinds),
            Value::Long(count),
        ]
    };
    vec![
        logon("d1", "alice", json!(["Network"]), 3),
        logon("d2", "alice", json!(["Interactive", "Network"]), 9),
        logon("d1", "bob", json!(["Batch"]), 1),
    ]
}

async fn start() -> Running {
    start_with(vec![Tenant::demo()]).await
}

async fn start_with(tenants: Vec<Tenant>) -> Running {
    Emulator::start(Options {
        tenants,
        data: Data::Backend(Arc::new(story())),
        ..options()
    })
    .await
    .unwrap()
}

async fn get(running: &Running, path: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    // What may not stand in a request line as it is.
    let path = path.replace(' ', "%20").replace('\'', "%27");
    direct(running, "GET", &path, &all, "").await.unwrap()
}

/// With the names that came later.
const ALL_NAMES: [(&str, &str); 1] = [("prefer", "include-unknown-enum-members")];

/// The ids at `path`.
async fn ids(running: &Running, path: &str, token: &str) -> Vec<String> {
    let answer = get(running, path, token, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    ids_of(&answer.json())
}

fn ids_of(body: &Json) -> Vec<String> {
    let rows = body["value"].as_array().unwrap();
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_collection_has_its_properties() {
    let running = start().await;
    let graph = token(&running, GRAPH).await;
    let mde = token(&running, MDE).await;
    for (name, path, token) in [
        ("alert_of_graph", "/v1.0/security/alerts_v2/da1", &graph),
        (
            "incidents",
            "/beta/security/incidents?$expand=alerts&$filter=severity eq 'high'",
            &graph,
        ),
        (
            "alerts_of_mde",
            "/api/alerts?$expand=evidence&$filter=id eq 'da1'&$count=true",
            &mde,
        ),
        ("machine", "/api/machines/d1", &mde),
    ] {
        let answer = get(&running, path, token, &[]).await;
        insta::assert_json_snapshot!(name, answer.exchange(&running));
    }
}

#[tokio::test]
async fn filters_choose_rows_and_the_newest_come_first() {
    let running = start().await;
    let graph = token(&running, GRAPH).await;
    let mde = token(&running, MDE).await;
    for (path, token, expected) in [
        (
            "/v1.0/security/alerts_v2",
            &graph,
            &["da4", "da3", "da2", "da1"][..],
        ),
        (
            "/v1.0/security/alerts_v2?$orderby=createdDateTime",
            &graph,
            &["da1", "da2", "da3", "da4"],
        ),
        (
            "/v1.0/security/alerts_v2?$orderby=createdDateTime desc&$skip=3",
            &graph,
            &["da1"],
        ),
        (
            "/v1.0/security/alerts_v2?$filter=severity eq 'high' or severity eq 'low'",
            &graph,
            &["da2", "da1"],
        ),
        (
            "/v1.0/security/alerts_v2?$filter=serviceSource eq 'microsoftDefenderForOffice365'",
            &graph,
            &["da3"],
        ),
        // Of a service that a client has to ask for, filtered by its name all the same.
        (
            "/v1.0/security/alerts_v2?$filter=serviceSource eq 'microsoftSentinel'",
            &graph,
            &["da4"],
        ),
        // One device within three days is one incident.
        (
            "/v1.0/security/incidents",
            &graph,
            &["1003", "1002", "1001"],
        ),
        (
            "/v1.0/security/incidents?$filter=severity eq 'high'",
            &graph,
            &["1001"],
        ),
        // Only what the sensor saw.
        ("/api/alerts", &mde, &["da2", "da1"]),
        (
            "/api/alerts?$filter=incidentId eq 1001 and severity ne 'High'",
            &mde,
            &["da1"],
        ),
        (
            "/api/alerts?$filter=alertCreationTime+ge+2020-01-01T00:00:00Z&$top=1",
            &mde,
            &["da2"],
        ),
        (
            "/api/alerts?$filter=alertCreationTime gt 2100-01-01T00:00:00Z",
            &mde,
            &[],
        ),
        (
            "/api/machines?$filter=machineTags/any(tag: tag eq 'dmz')",
            &mde,
            &["d2"],
        ),
        (
            "/api/machines?$filter=startswith(computerDnsName,'srv01')",
            &mde,
            &["d1"],
        ),
    ] {
        assert_eq!(ids(&running, path, token).await, expected, "{path}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let filter = "$filter=severity ne 'medium'";
    let mut path = format!("/v1.0/security/alerts_v2?$top=2&$count=true&{filter}");
    let mut pages = Vec::new();
    loop {
        let body = get(&running, &path, &token, &[]).await.json();
        pages.push(json!([body["@odata.count"], ids_of(&body)]));
        let Some(next) = body["@odata.nextLink"].as_str() else {
            break;
        };
        path = next.strip_prefix(&running.http_url()).unwrap().to_owned();
    }
    assert_eq!(json!(pages), json!([[3, ["da3", "da2"]], [3, ["da1"]]]));

    // For Defender for Endpoint the end is where $top says.
    let mde = crate::client::token(&running, MDE).await;
    let body = get(&running, "/api/machines?$top=1", &mde, &[])
        .await
        .json();
    assert_eq!(ids_of(&body), ["d2"]);
    assert_eq!(body["@odata.nextLink"], Json::Null);
}

#[tokio::test]
async fn names_that_came_later_are_for_those_who_ask() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    let path = "/v1.0/security/alerts_v2/da4";
    let sources = |body: Json| {
        [
            body["serviceSource"].clone(),
            body["detectionSource"].clone(),
        ]
    };
    let old = get(&running, path, &token, &[]).await.json();
    assert_eq!(sources(old), ["unknownFutureValue", "unknownFutureValue"]);
    let new = get(&running, path, &token, &ALL_NAMES).await.json();
    assert_eq!(sources(new), ["microsoftSentinel", "microsoftSentinel"]);
    let path = "/v1.0/security/incidents/1003?$expand=alerts";
    let nested = get(&running, path, &token, &[]).await.json();
    assert_eq!(nested["alerts"][0]["serviceSource"], "unknownFutureValue");
}

#[tokio::test]
async fn what_the_service_refuses_is_refused() {
    let running = start().await;
    let graph = token(&running, GRAPH).await;
    let mde = token(&running, MDE).await;
    let xdr = token(&running, XDR).await;
    let mut refused = BTreeMap::new();
    for (case, path, token) in [
        (
            "unknown property",
            "/v1.0/security/alerts_v2?$filter=severty eq 'high'",
            &graph,
        ),
        (
            "not filterable",
            "/v1.0/security/alerts_v2?$filter=title eq 'x'",
            &graph,
        ),
        (
            "not filterable in mde",
            "/api/alerts?$filter=title eq 'x'",
            &mde,
        ),
        (
            "datetime in quotes",
            "/v1.0/security/alerts_v2?$filter=createdDateTime ge '2026-11-01T00:00:00Z'",
            &graph,
        ),
        (
            "unknown name",
            "/v1.0/security/alerts_v2?$filter=severity eq 'enormous'",
            &graph,
        ),
        (
            "bad filter",
            "/v1.0/security/incidents?$filter=severity is 'x'",
            &graph,
        ),
        (
            "double quotes",
            "/api/machines?$filter=riskScore eq %22High%22",
            &mde,
        ),
        (
            "top over the limit of incidents",
            "/v1.0/security/incidents?$top=51",
            &graph,
        ),
        (
            "top over the limit of alerts",
            "/v1.0/security/alerts_v2?$top=2001",
            &graph,
        ),
        ("top over the limit of mde", "/api/alerts?$top=10001", &mde),
        ("top that is none", "/api/alerts?$top=-1", &mde),
        (
            "option that is not supported",
            "/v1.0/security/alerts_v2?$select=id",
            &graph,
        ),
        (
            "order by something else",
            "/v1.0/security/alerts_v2?$orderby=title",
            &graph,
        ),
        (
            "expand that is not supported",
            "/v1.0/security/incidents?$expand=evidence",
            &graph,
        ),
        ("no such row", "/api/machines/d9", &mde),
        ("audience of mde at graph", "/v1.0/security/alerts_v2", &mde),
        ("audience of graph at mde", "/api/alerts", &graph),
        ("audience of xdr at mde", "/api/machines", &xdr),
        ("no token", "/v1.0/security/incidents", &String::new()),
    ] {
        let answer = get(&running, path, token, &[]).await;
        let error = &answer.json()["error"];
        let line = format!("{} {}: {}", answer.status, error["code"], error["message"]);
        refused.insert(case, line);
    }
    insta::assert_yaml_snapshot!(refused);
    for (path, token) in [("/v1.0/security/alerts_v2", &graph), ("/api/alerts", &mde)] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let answer = direct(&running, "POST", path, &headers, "{}")
            .await
            .unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
    }
}

#[tokio::test]
async fn each_collection_has_a_permission_of_its_own() {
    let mut tenant = Tenant::demo();
    tenant.applications[0].roles = BTreeMap::from([
        (
            Api::Graph,
            vec!["SecurityIncident.ReadWrite.All".to_owned()],
        ),
        (Api::Mde, vec!["Alert.Read.All".to_owned()]),
    ]);
    let running = start_with(vec![tenant]).await;
    let graph = token(&running, GRAPH).await;
    let mde = token(&running, MDE).await;
    let mut told = BTreeMap::new();
    for (path, token) in [
        ("/v1.0/security/alerts_v2", &graph),
        ("/v1.0/security/incidents", &graph),
        ("/api/alerts", &mde),
        ("/api/machines", &mde),
    ] {
        let answer = get(&running, path, token, &[]).await;
        let message = answer.json()["error"]["message"].clone();
        told.insert(path, json!([answer.status, message]));
    }
    insta::assert_yaml_snapshot!(told);
}

#[tokio::test]
async fn data_without_alerts_has_none() {
    // A script that knows none of the tables.
    let running = crate::client::start().await;
    let token = token(&running, GRAPH).await;
    for path in ["/v1.0/security/alerts_v2", "/v1.0/security/incidents"] {
        assert!(ids(&running, path, &token).await.is_empty());
    }
}

/// Source: <https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list>
#[tokio::test]
async fn what_belongs_to_an_alert_or_a_machine_is_found() {
    let running = start().await;
    let token = token(&running, MDE).await;
    for (path, expected) in [
        ("/api/v1.0/alerts", &["da2", "da1"][..]),
        ("/api/v1.0/machines", &["d2", "d1"]),
        ("/API/Machines", &["d2", "d1"]),
        ("/api/machines/d1/alerts", &["da2", "da1"]),
        (
            "/api/machines/srv01.contoso.example/alerts",
            &["da2", "da1"],
        ),
        (
            "/api/machines/d1/alerts?$filter=severity eq 'High'",
            &["da2"],
        ),
        ("/api/machines/d2/alerts", &[]),
        (
            "/api/machines/d1/logonusers",
            &["contoso\\alice", "contoso\\bob"],
        ),
        ("/api/v1.0/machines('d2')/logonusers", &["contoso\\alice"]),
        (
            "/api/machines/findbyip(ip='10.0.0.1',timestamp=2026-11-18T08:00:00Z)",
            &["d1"],
        ),
        (
            "/api/v1.0/Machines/FindByIp(ip='10.0.0.2',timestamp=2026-11-18T08:00:00Z)",
            &["d2"],
        ),
        ("/api/machines/findbytag?tag=dmz", &["d2"]),
        ("/api/machines/findbytag?tag=dm", &[]),
        (
            "/api/machines/findbytag?tag=dm&useStartsWithFilter=true",
            &["d2"],
        ),
    ] {
        assert_eq!(ids(&running, path, &token).await, expected, "{path}");
    }
    for (path, count) in [
        ("/api/machines/$count", "2"),
        ("/api/machines/$count?$filter=osPlatform eq 'Linux'", "0"),
        ("/api/alerts/$count", "2"),
        (
            "/api/machines/d1/alerts/$count?$filter=status ne 'Resolved'",
            "2",
        ),
    ] {
        let answer = get(&running, path, &token, &[]).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, count.to_owned()),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }
    for (path, id) in [
        ("/api/machines/SRV02.contoso.example", "d2"),
        ("/api/machines('d2')", "d2"),
        ("/api/alerts('da1')", "da1"),
        ("/api/alerts/da1/machine", "d1"),
        ("/api/alerts/da1/user", "CONTOSO\\alice"),
    ] {
        let answer = get(&running, path, &token, &[]).await;
        assert_eq!(answer.json()["id"], id, "{path}: {}", answer.text());
    }
    let answer = get(&running, "/api/alerts/da1/user", &token, &[]).await;
    insta::assert_json_snapshot!("user_of_an_alert", answer.exchange(&running)["body"]);
}

/// Source: <https://learn.microsoft.com/defender-endpoint/api/common-errors>
#[tokio::test]
async fn what_belongs_to_nothing_is_not_found() {
    let running = start().await;
    let token = token(&running, MDE).await;
    for path in [
        "/api/alerts/da1/files",
        "/api/alerts/da1/ips",
        "/api/alerts/da1/domains",
    ] {
        let answer = get(&running, path, &token, &[]).await;
        assert_eq!(
            answer.json()["value"],
            json!([]),
            "{path}: {}",
            answer.text()
        );
    }
    for path in [
        "/api/machines/d9/alerts",
        "/api/machines/d9/logonusers",
        "/api/alerts/da9/user",
        "/api/alerts/da3/machine",
        "/api/alerts/da2/user/x",
        "/api/alerts/da1/$count",
        "/api/alerts/da1/nothing",
    ] {
        assert_eq!(get(&running, path, &token, &[]).await.status, 404, "{path}");
    }
    for (path, code) in [
        ("/api/machines/findbytag", "MissingRequiredParameter"),
        (
            "/api/machines/findbyip(ip='10.0.0.1')",
            "MissingRequiredParameter",
        ),
        (
            "/api/machines/findbyip(ip='here',timestamp=2026-11-19T08:00:00Z)",
            "InvalidIpAddress",
        ),
        (
            "/api/machines/findbyip(ip='10.0.0.1',timestamp=2026-01-01T08:00:00Z)",
            "InvalidInput",
        ),
    ] {
        let answer = get(&running, path, &token, &[]).await;
        let error = answer.json()["error"]["code"].clone();
        assert_eq!((answer.status, error), (400, json!(code)), "{path}");
    }
}

/// Sources: <https://learn.microsoft.com/graph/api/security-alert-get>,
/// <https://learn.microsoft.com/graph/api/security-incident-get>
#[tokio::test]
async fn rows_of_graph_are_found_by_their_keys() {
    let running = start().await;
    let token = token(&running, GRAPH).await;
    for (path, id) in [
        ("/v1.0/security/incidents('1002')", "1002"),
        ("/v1.0//security/Incidents/1002/", "1002"),
        ("/beta/security/alerts_V2('da2')", "da2"),
    ] {
        let answer = get(&running, path, &token, &[]).await;
        assert_eq!(answer.json()["id"], id, "{path}: {}", answer.text());
    }
    let path = "/v1.0/security/incidents/1001/alerts";
    assert_eq!(ids(&running, path, &token).await, ["da2", "da1"]);
    let count = get(&running, "/v1.0/security/alerts_v2/$count", &token, &[]).await;
    assert_eq!(count.text(), "4");
    for path in [
        "/v1.0/security/incidents('9')",
        "/v1.0/security/incidents/9/alerts",
    ] {
        assert_eq!(get(&running, path, &token, &[]).await.status, 404, "{path}");
    }
}
