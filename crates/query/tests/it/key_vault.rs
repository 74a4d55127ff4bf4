//! Settings that keep the application's secret in a Key Vault, at the vault's true name.

use std::collections::BTreeMap;
use std::sync::Arc;

use defender_emulator::{
    Application, Cloud, Column, ColumnType, Data, Emulator, Options as Emulated, Running, Script,
    Tenant, Value, Vault, VaultSecret,
};
use defender_query::{
    Connection, ConnectionArgs, ConnectionKey, DataEnvironment, Error, HttpOptions, Options,
    ProxySettings, QueryProvider, RetryPolicy, SecretRef, SecretResolver, SecretString, Settings,
};

use crate::service::{CLIENT, SECRET, TENANT};

/// The application that reads vaults, and hunts nowhere.
const READER: &str = "44444444-4444-4444-4444-bbbbbbbbbbbb";
const READER_SECRET: &str = "made-up-canary-reader";

const SETTINGS: &str = "
KeyVault:
  TenantId: 44444444-4444-4444-4444-444444444444
  VaultName: contoso
DataProviders:
  MicrosoftDefender:
    Args: &args
      TenantId: 44444444-4444-4444-4444-444444444444
      ClientId: 44444444-4444-4444-4444-aaaaaaaaaaaa
      ClientSecret: {KeyVault: }
  MicrosoftDefender-Named:
    Args:
      <<: *args
      ClientSecret: {KeyVault: hunting_secret}
  MicrosoftDefender-Other:
    Args:
      <<: *args
      ClientSecret: {KeyVault: fabrikam/hunting-secret}
  MicrosoftDefender-Address:
    Args:
      <<: *args
      ClientId: {KeyVault: hunting-client}
      ClientSecret: {KeyVault: 'https://fabrikam.vault.azure.net/secrets/hunting-secret/0a'}
  MicrosoftDefender-Missing:
    Args:
      <<: *args
      ClientSecret: {KeyVault: no-such-secret}
  MicrosoftDefender-Forbidden:
    Args:
      <<: *args
      ClientSecret: {KeyVault: private/hunting-secret}
  MicrosoftDefender-Elsewhere:
    Args:
      <<: *args
      ClientSecret: {KeyVault: contoso.vault.usgovcloudapi.net/hunting-secret}
  MicrosoftDefender-Plain:
    Args:
      <<: *args
      ClientSecret: made-up-canary-secret
";

async fn start(cloud: Cloud) -> Running {
    let vault = |name: &str, secrets| Vault {
        readers: vec![READER.to_owned()],
        secrets,
        ..Vault::new(name)
    };
    let named = || VaultSecret::new("hunting-secret", SECRET);
    let vaults = vec![
        vault(
            "contoso",
            vec![
                VaultSecret::new("DataProviders-MicrosoftDefender-Args-ClientSecret", SECRET),
                VaultSecret::new("hunting-client", CLIENT),
                named(),
            ],
        ),
        vault(
            "fabrikam",
            vec![
                VaultSecret {
                    version: "0a".to_owned(),
                    ..named()
                },
                named(),
            ],
        ),
        Vault {
            readers: Vec::new(),
            ..vault("private", vec![named()])
        },
    ];
    let reader = Application {
        roles: BTreeMap::new(),
        ..Application::new(READER, READER_SECRET)
    };
    let script = Script::new().answer(
        "print x",
        vec![Column::new("x", ColumnType::Long)],
        vec![vec![Value::Long(1)]],
    );
    Emulator::start(Emulated {
        tenants: vec![Tenant {
            id: TENANT.to_owned(),
            name: "Contoso".to_owned(),
            domain: None,
            cloud,
            users: Vec::new(),
            applications: vec![Application::new(CLIENT, SECRET), reader],
            vaults,
        }],
        data: Data::Backend(Arc::new(script)),
        ..Emulated::default()
    })
    .await
    .unwrap()
}

fn options(running: &Running) -> Options {
    Options {
        http: HttpOptions {
            ca_file: Some(running.folder().join("ca.pem")),
            proxy: Some(ProxySettings {
                url: running.proxy_url().unwrap(),
                ..ProxySettings::default()
            }),
            ..HttpOptions::default()
        },
        retry: RetryPolicy::never(),
        environment: [
            ("AZURE_CLIENT_ID", READER),
            ("AZURE_CLIENT_SECRET", READER_SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..Options::default()
    }
}

fn provider(running: &Running) -> QueryProvider {
    QueryProvider::with_options(DataEnvironment::M365dGraph, options(running))
}

fn connection(settings: &str, instance: Option<&str>) -> Connection {
    Connection::from_settings(&Settings::parse(settings).unwrap(), instance)
}

/// What was asked, without the proxy's own part.
fn asked(running: &Running) -> Vec<String> {
    let requests = running.requests();
    let log = serde_json::to_string(&requests).unwrap();
    assert!(!log.contains("canary"), "{log}");
    requests
        .into_iter()
        .map(|request| format!("{} {}{}", request.method, request.host, request.path))
        .collect()
}

async fn hunt(running: &Running, settings: &str, instance: Option<&str>) -> Vec<String> {
    let connected = provider(running)
        .connect(connection(settings, instance))
        .await
        .unwrap_or_else(|error| panic!("{instance:?}: {error:?}"));
    let table = connected.exec_query("print x").await.unwrap();
    assert_eq!(table.row_count(), 1);
    asked(running)
}

fn told(error: &Error) -> String {
    assert!(!format!("{error:?}{error}").contains("canary"), "{error:?}");
    let mut causes = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        causes = format!("{causes}\nbecause {source}");
        cause = source.source();
    }
    format!(
        "{:?} {}: {error}{causes}\nhint: {}",
        error.kind(),
        error.code().unwrap_or("-"),
        error.hint().unwrap_or("-")
    )
}

async fn refused(running: &Running, settings: &str, instance: Option<&str>) -> String {
    let provider = provider(running);
    let connected = provider.connect(connection(settings, instance)).await;
    told(&connected.unwrap_err())
}

#[tokio::test]
async fn without_a_name_the_secret_is_called_after_its_setting() {
    let running = start(Cloud::Global).await;
    insta::assert_snapshot!(hunt(&running, SETTINGS, None).await.join("\n"));
}

#[tokio::test]
async fn a_name_is_a_secret_of_the_default_vault() {
    let running = start(Cloud::Global).await;
    let asked = hunt(&running, SETTINGS, Some("Named")).await;
    assert_eq!(
        asked[1],
        "GET contoso.vault.azure.net/secrets/hunting-secret"
    );
}

#[tokio::test]
async fn another_vault_may_be_named() {
    let running = start(Cloud::Global).await;
    let asked = hunt(&running, SETTINGS, Some("Other")).await;
    assert_eq!(
        asked[1],
        "GET fabrikam.vault.azure.net/secrets/hunting-secret"
    );
}

#[tokio::test]
async fn two_vaults_share_one_sign_in_and_connecting_again_fetches_nothing() {
    let running = start(Cloud::Global).await;
    let provider = provider(&running);
    for _ in 0..2 {
        provider
            .connect(connection(SETTINGS, Some("Address")))
            .await
            .unwrap();
    }
    insta::assert_snapshot!(asked(&running).join("\n"));
}

#[tokio::test]
async fn a_connection_without_references_opens_no_vault_and_misses_no_variable() {
    let running = start(Cloud::Global).await;
    let mut options = options(&running);
    options.environment.clear();
    QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(connection(SETTINGS, Some("Plain")))
        .await
        .unwrap();
    assert_eq!(asked(&running).len(), 1);
}

#[tokio::test]
async fn the_cloud_of_the_vaults_is_the_sections_azures_or_the_connections() {
    let running = start(Cloud::UsGovernment).await;
    for settings in [
        SETTINGS.replace(
            "VaultName: contoso",
            "VaultName: contoso\n  Authority: usgov",
        ),
        format!("Azure:\n  cloud: usgov{SETTINGS}"),
        SETTINGS.to_owned(),
    ] {
        let settings = settings.replace("{KeyVault: }", "{KeyVault: }\n      Cloud: gcc-high");
        let before = asked(&running).len();
        let asked = hunt(&running, &settings, None).await;
        assert_eq!(
            asked[before..before + 2],
            [
                format!("POST login.microsoftonline.us/{TENANT}/oauth2/v2.0/token"),
                "GET contoso.vault.usgovcloudapi.net/secrets/\
                 DataProviders-MicrosoftDefender-Args-ClientSecret"
                    .to_owned(),
            ]
        );
    }
}

#[tokio::test]
async fn the_variables_sign_in_host_counts_unless_it_is_another_clouds() {
    let running = start(Cloud::UsGovernment).await;
    let government = SETTINGS.replace("{KeyVault: }", "{KeyVault: }\n      Cloud: gcc-high");
    let settings = Settings::parse(&government).unwrap();
    for (host, vaults_login) in [
        ("login.microsoftonline.com", "login.microsoftonline.us"),
        ("https://login.usgovcloudapi.net", "login.usgovcloudapi.net"),
    ] {
        let mut options = options(&running);
        let host = ("AZURE_AUTHORITY_HOST".to_owned(), host.to_owned());
        options.environment.extend([host]);
        let call = ConnectionArgs::default()
            .with(ConnectionKey::Authority, "https://login.microsoftonline.us")
            .unwrap();
        let before = asked(&running).len();
        QueryProvider::with_options(DataEnvironment::M365dGraph, options)
            .connect(Connection::from_settings(&settings, None).with(call))
            .await
            .unwrap_or_else(|error| panic!("{vaults_login}: {error:?}"));
        let first = asked(&running)[before].clone();
        assert_eq!(
            first,
            format!("POST {vaults_login}/{TENANT}/oauth2/v2.0/token")
        );
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_is_told_with_setting_vault_and_secret() {
    let running = start(Cloud::Global).await;
    let mut lines = Vec::new();
    for instance in ["Missing", "Forbidden", "Elsewhere"] {
        let settings = format!("Azure:\n  auth_methods: [env]{SETTINGS}");
        lines.push(refused(&running, &settings, Some(instance)).await);
    }
    let nameless = SETTINGS.replace("  VaultName: contoso\n", "");
    lines.push(refused(&running, &nameless, None).await);
    let wrong = SETTINGS.replace(
        "VaultName: contoso",
        "VaultName: contoso\n  Authority: nowhere",
    );
    lines.push(refused(&running, &wrong, None).await);
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[tokio::test]
async fn what_the_sign_in_lacks_is_told_all_at_once() {
    let running = start(Cloud::Global).await;
    let mut lines = Vec::new();
    let tenantless = SETTINGS.replacen("  TenantId: 44444444-4444-4444-4444-444444444444\n", "", 1);
    for (settings, kept) in [(SETTINGS, 1), (&tenantless, 0)] {
        let mut options = options(&running);
        options.environment = options.environment.into_iter().take(kept).collect();
        let settings = format!("Azure:\n  auth_methods: [env, clientsecret, device]\n{settings}");
        let error = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
            .connect(connection(&settings, None))
            .await
            .unwrap_err();
        lines.push(told(&error));
    }
    insta::assert_snapshot!(lines.join("\n\n"));
    assert!(running.requests().is_empty());
}

#[tokio::test]
async fn a_refused_sign_in_names_the_vault_and_its_own_application() {
    const UNKNOWN: &str = "44444444-4444-4444-4444-cccccccccccc";
    let running = start(Cloud::Global).await;
    let tenantless = SETTINGS.replacen("  TenantId: 44444444-4444-4444-4444-444444444444\n", "", 1);
    for (settings, tenant) in [
        (SETTINGS, "KeyVault.TenantId"),
        (
            tenantless.as_str(),
            "the setting DataProviders.MicrosoftDefender.Args.TenantId",
        ),
    ] {
        let mut options = options(&running);
        let client = "AZURE_CLIENT_ID".to_owned();
        options.environment.insert(client, UNKNOWN.to_owned());
        let settings = format!("Azure:\n  auth_methods: [env]{settings}");
        let error = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
            .connect(connection(&settings, None))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("AADSTS700016"));
        assert_eq!(
            error.to_string(),
            "cannot sign in to the Key Vault contoso.vault.azure.net for \
             DataProviders.MicrosoftDefender.Args.ClientSecret"
        );
        assert_eq!(
            error.hint().unwrap(),
            format!(
                "check AZURE_CLIENT_ID ({UNKNOWN}), {tenant} and KeyVault.Authority or Azure.cloud: \
                 the application must be registered in, or consented to by, this tenant; consent is \
                 given at https://login.microsoftonline.com/{TENANT}/adminconsent?client_id={UNKNOWN}"
            )
        );
    }
}

#[tokio::test]
async fn the_tenant_may_come_from_azure_or_the_environment() {
    let running = start(Cloud::Global).await;
    let section = "  TenantId: 44444444-4444-4444-4444-444444444444\n";
    let tenantless = SETTINGS.replacen(section, "", 1);
    hunt(
        &running,
        &format!("Azure:\n  tenant_id: {TENANT}{tenantless}"),
        None,
    )
    .await;
    let mut options = options(&running);
    options
        .environment
        .insert("AZURE_TENANT_ID".to_owned(), TENANT.to_owned());
    QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(connection(&tenantless, None))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_proxy_password_in_a_vault_is_fetched_around_that_proxy() {
    let running = start(Cloud::Global).await;
    let proxied = format!(
        "msticpy:\n  Proxies:\n    https:\n      Url: http://proxy.invalid:1\n      \
         UserName: me\n      Password: {{KeyVault: hunting-secret}}{SETTINGS}"
    );
    let mut options = options(&running);
    // The option beats the file, so the file's proxy goes unused and its password unfetched.
    QueryProvider::with_options(DataEnvironment::M365dGraph, options.clone())
        .connect(connection(&proxied, None))
        .await
        .unwrap();
    assert!(!asked(&running).concat().contains("hunting-secret"));
    // Without one the vault is asked directly: a name that the test's address does not have.
    options.http.proxy = None;
    options.http.connect_timeout = std::time::Duration::from_millis(200);
    let error = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(Connection::from_settings(
            &Settings::parse(&proxied.replace("contoso", "http://127.0.0.1:9")).unwrap(),
            Some("Plain"),
        ))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1") && text.contains("hunting-secret"),
        "{text}"
    );
    assert!(!text.contains("proxy.invalid"), "{text}");
}

/// Answers every reference with one value.
#[derive(Debug)]
struct Fixed;

#[async_trait::async_trait]
impl SecretResolver for Fixed {
    async fn resolve(&self, _: &SecretRef) -> defender_query::Result<SecretString> {
        Ok(SECRET.to_owned().into())
    }
}

#[tokio::test]
async fn a_callers_resolver_takes_the_place_of_key_vault() {
    let running = start(Cloud::Global).await;
    let mut options = options(&running);
    options.environment.clear();
    options.secrets = Some(Arc::new(Fixed));
    QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(connection(SETTINGS, None))
        .await
        .unwrap();
    assert_eq!(asked(&running).len(), 1);
}
