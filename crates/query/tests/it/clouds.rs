//! Tenants of several clouds at once, each with its secret in a vault of its own cloud.

use std::sync::Arc;

use defender_emulator::{
    Application, Cloud, Column, ColumnType, Data, Emulator, Options as Emulated, Script, Tenant,
    Value, Vault, VaultSecret,
};
use defender_query::{
    Connection, DataEnvironment, ErrorKind, ExposeSecret as _, HttpOptions, Options, ProxySettings,
    QueryProvider, RetryPolicy, Settings,
};
use futures::future::join_all;

use crate::service::{CLIENT, SECRET, TENANT};

const GOVERNMENT: &str = "55555555-5555-5555-5555-555555555555";

fn tenant(id: &str, cloud: Cloud) -> Tenant {
    Tenant {
        id: id.to_owned(),
        name: "Contoso".to_owned(),
        domain: None,
        cloud,
        users: Vec::new(),
        applications: vec![Application::new(CLIENT, SECRET)],
        vaults: vec![Vault {
            readers: vec![CLIENT.to_owned()],
            secrets: vec![VaultSecret::new("hunting", SECRET)],
            ..Vault::new("contoso")
        }],
    }
}

fn settings(tenant: &str, authority: &str, cloud: &str) -> Settings {
    Settings::parse(&format!(
        "KeyVault: {{VaultName: contoso, TenantId: {tenant}, Authority: {authority}}}\n\
         DataProviders:\n  MicrosoftDefender:\n    Args: {{TenantId: {tenant}, ClientId: {CLIENT}, \
         ClientSecret: {{KeyVault: hunting}}, Cloud: {cloud}}}\n"
    ))
    .unwrap()
}

#[tokio::test]
async fn two_clouds_are_hunted_in_side_by_side_and_never_mixed() {
    let script = Script::new().answer(
        "print x",
        vec![Column::new("x", ColumnType::Long)],
        vec![vec![Value::Long(1)]],
    );
    let running = Emulator::start(Emulated {
        tenants: vec![
            tenant(TENANT, Cloud::Global),
            tenant(GOVERNMENT, Cloud::UsGovernment),
        ],
        data: Data::Backend(Arc::new(script)),
        ..Emulated::default()
    })
    .await
    .unwrap();
    let options = Options {
        http: HttpOptions {
            ca_file: Some(running.folder().join("ca.pem")),
            proxy: Some(ProxySettings {
                url: running.proxy_url().unwrap(),
                ..ProxySettings::default()
            }),
            ..HttpOptions::default()
        },
        retry: RetryPolicy::never(),
        environment: [("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Options::default()
    };
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options.clone());
    let tenants = [
        settings(TENANT, "global", "global"),
        settings(GOVERNMENT, "usgov", "gcc-high"),
    ];
    let connected = join_all(tenants.iter().map(async |settings| {
        let connection = Connection::from_settings(settings, None);
        provider.connect(connection).await.unwrap()
    }))
    .await;
    for _ in 0..2 {
        let answers = join_all(connected.iter().map(|one| one.exec_query("print x"))).await;
        for table in answers {
            assert_eq!(table.unwrap().row_count(), 1);
        }
    }
    let mut asked: Vec<String> = running
        .requests()
        .into_iter()
        .map(|request| format!("{} {}{}", request.method, request.host, request.path))
        .collect();
    asked.sort();
    asked.dedup();
    insta::assert_snapshot!(asked.join("\n"));

    // One cloud's token is nothing in the other.
    for (from, to) in [(0, "gcc-high"), (1, "global")] {
        let token = connected[from].token().await.unwrap();
        let mut options = options.clone();
        let token = token.secret.expose_secret().to_owned();
        options.environment.insert("GIVEN".to_owned(), token);
        let settings = Settings::parse(&format!(
            "DataProviders:\n  MicrosoftDefender:\n    Args: {{AccessToken: {{EnvironmentVar: \
             GIVEN}}, Cloud: {to}}}\n"
        ))
        .unwrap();
        let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options);
        let connected = provider
            .connect(Connection::from_settings(&settings, None))
            .await;
        let error = match connected {
            Ok(connected) => connected.exec_query("print x").await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Credential, "{to}: {error:?}");
    }
}
