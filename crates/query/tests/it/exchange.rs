//! The whole exchange of each environment: sign-in, query, rows.

use defender_emulator::{Cloud, Running};
use defender_query::{
    Connection, ConnectionArgs, ConnectionKey, DataEnvironment, Error, ErrorKind, HttpOptions,
    Options, Query, QueryProvider, Timespan,
};

use crate::service::{self, CLIENT, SECRET, TENANT};

fn args(running: &Running) -> ConnectionArgs {
    ConnectionArgs::default()
        .with(ConnectionKey::TenantId, TENANT)
        .unwrap()
        .with(ConnectionKey::ClientId, CLIENT)
        .unwrap()
        .with(
            ConnectionKey::ClientSecret,
            defender_query::SecretRef::Inline(SECRET.to_owned().into()),
        )
        .unwrap()
        .with(ConnectionKey::Authority, running.http_url())
        .unwrap()
        .with(ConnectionKey::ApiRoot, running.http_url())
        .unwrap()
}

async fn exchange(environment: DataEnvironment) -> (String, String) {
    let running = service::start(Cloud::Global).await;
    let provider = QueryProvider::new(environment)
        .connect(Connection::from_args(args(&running)))
        .await
        .unwrap();
    let table = provider.exec_query("print x").await.unwrap();
    let text = table.to_text(
        defender_table::Format::Ndjson,
        &defender_table::WriterOptions::default(),
    );
    assert!(table.is_complete());
    assert_eq!(table.provenance().tenant.as_deref(), Some(TENANT));
    (
        serde_json::to_string_pretty(&service::asked(&running)).unwrap(),
        text.unwrap(),
    )
}

#[tokio::test]
async fn graph() {
    let (asked, rows) = exchange(DataEnvironment::M365dGraph).await;
    insta::assert_snapshot!("graph", asked);
    insta::assert_snapshot!(rows, @r#"{"Timestamp":"2022-09-28T22:13:20.0000001Z","Name":"cmd.exe","Count":9007199254740993,"Elevated":true}"#);
}

#[tokio::test]
async fn mde() {
    let (asked, rows) = exchange(DataEnvironment::Mde).await;
    insta::assert_snapshot!("mde", asked);
    insta::assert_snapshot!(rows, @r#"{"Timestamp":"2022-09-28T22:13:20.0000001Z","Name":"cmd.exe","Count":9007199254740993,"Elevated":true}"#);
}

#[tokio::test]
async fn m365d() {
    let (asked, rows) = exchange(DataEnvironment::M365d).await;
    insta::assert_snapshot!("m365d", asked);
    insta::assert_snapshot!(rows, @r#"{"Timestamp":"2022-09-28T22:13:20.0000001Z","Name":"cmd.exe","Count":9007199254740993,"Elevated":true}"#);
}

#[tokio::test]
async fn a_time_range_becomes_the_timespan_of_graph() {
    let running = service::start(Cloud::Global).await;
    let provider = QueryProvider::new(DataEnvironment::M365dGraph)
        .connect(Connection::from_args(args(&running)))
        .await
        .unwrap();
    let timespan = Timespan::new(638_000_000_000_000_000, 638_000_864_000_000_000).unwrap();
    provider
        .query(&Query::new("print x").with_timespan(timespan))
        .await
        .unwrap();
    let asked = service::asked(&running);
    let body = serde_json::to_value(&asked.last().unwrap().body).unwrap();
    assert_eq!(body["json"]["Timespan"], timespan.to_string());
}

#[tokio::test]
async fn a_second_query_uses_the_first_ones_token() {
    let running = service::start(Cloud::Global).await;
    let provider = QueryProvider::new(DataEnvironment::M365dGraph)
        .connect(Connection::from_args(args(&running)))
        .await
        .unwrap();
    provider.exec_query("print x").await.unwrap();
    provider.exec_query("print x").await.unwrap();
    let paths: Vec<String> = running
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths.iter().filter(|path| path.ends_with("/token")).count(),
        1,
        "{paths:?}"
    );
    assert_eq!(paths.len(), 3);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_with_microsofts_words() {
    let running = service::start(Cloud::Global).await;
    let another = defender_query::SecretString::from("another-canary");
    let args = args(&running)
        .with(ConnectionKey::ClientSecret, another)
        .unwrap();
    let error = QueryProvider::new(DataEnvironment::M365dGraph)
        .connect(Connection::from_args(args))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(error.code(), Some("AADSTS7000215"));
    assert!(!format!("{error:?} {error}").contains("another-canary"));
}

/// Every cloud in which hunting exists, at Microsoft's own host names, through the proxy.
#[tokio::test]
async fn every_cloud_through_the_proxy_at_its_true_names() {
    let (global, government) = (
        service::start(Cloud::Global).await,
        service::start(Cloud::UsGovernment).await,
    );
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for row in defender_cloud::table() {
        let environment = row.environment;
        if row.endpoint.is_none() || environment == DataEnvironment::SecurityGraph {
            continue;
        }
        let running = match row.cloud {
            defender_query::Cloud::GccHigh | defender_query::Cloud::Dod => &government,
            _ => &global,
        };
        let before = running.requests().len();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, running.ca_pem()).unwrap();
        let options = Options {
            http: HttpOptions {
                ca_file: Some(ca_file),
                proxy: Some(defender_query::ProxySettings {
                    url: running.proxy_url().unwrap(),
                    ..defender_query::ProxySettings::default()
                }),
                ..HttpOptions::default()
            },
            ..Options::default()
        };
        let mut args = args(running);
        args.clear(ConnectionKey::Authority);
        args.clear(ConnectionKey::ApiRoot);
        let args = args.with(ConnectionKey::Cloud, row.cloud.name()).unwrap();
        let provider = QueryProvider::with_options(environment, options)
            .connect(Connection::from_args(args))
            .await
            .unwrap_or_else(|error| panic!("{} {environment}: {error:?}", row.cloud));
        let table = provider.exec_query("print x").await.unwrap();
        assert_eq!(table.row_count(), 1, "{} {environment}", row.cloud);
        let hosts: Vec<String> = running
            .requests()
            .into_iter()
            .skip(before)
            .filter(|request| request.method == "POST")
            .map(|request| request.host)
            .collect();
        seen.push(format!("{} {environment}: {}", row.cloud, hosts.join(" ")));
    }
    insta::assert_snapshot!("hosts", seen.join("\n"));
}

#[tokio::test]
async fn hunting_in_china_is_an_error_and_never_another_cloud() {
    let args = ConnectionArgs::default()
        .with(ConnectionKey::TenantId, TENANT)
        .unwrap()
        .with(ConnectionKey::ClientId, CLIENT)
        .unwrap()
        .with(
            ConnectionKey::ClientSecret,
            defender_query::SecretRef::Inline(SECRET.to_owned().into()),
        )
        .unwrap()
        .with(ConnectionKey::Cloud, "cn")
        .unwrap();
    let error: Error = QueryProvider::new(DataEnvironment::M365dGraph)
        .connect(Connection::from_args(args))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
