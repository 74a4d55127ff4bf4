//! Every way to sign in, in every environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use defender_emulator::{
    Application, Certificate, Column, ColumnType, Data, DeviceScript, Emulator, IdentityEndpoint,
    ManagedIdentity, Options as Emulated, Running, Script, SignIn, Tenant, User, Value, Vault,
    VaultCertificate, VaultSecret,
};
use defender_query::{
    Browser, BrowserOptions, BrowserPrompt, Connection, ConnectionArgs, ConnectionKey,
    DataEnvironment, DeviceCodePrompt, Error, ErrorKind, ExposeSecret as _, Method, Options,
    QueryProvider, RetryPolicy, Settings, SignInPrompt,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::outside::{self, SignedInCli};
use crate::service::{CLIENT, SECRET, TENANT};

const MACHINE: &str = "44444444-4444-4444-4444-cccccccccccc";
const USER: &str = "ana@contoso.example";
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures");
const CERTIFICATE: &str = include_str!("fixtures/certificate.pem");
const KEY: &str = include_str!("fixtures/key.pem");
pub(crate) const PASSWORD: &str = "made-up-password";

async fn start() -> Running {
    start_as(None).await
}

/// An emulator whose browser signs in as `account`, whoever was hinted.
async fn start_as(account: Option<&str>) -> Running {
    let mut application = Application::new(CLIENT, SECRET);
    application.certificates = vec![Certificate::parse(CERTIFICATE.as_bytes()).unwrap()];
    application.federated = vec![outside::trusted()];
    let mut machine = Application::machine(MACHINE, ManagedIdentity::System);
    machine.roles.clone_from(&application.roles);
    let script = Script::new().answer(
        "print x",
        vec![Column::new("x", ColumnType::Long)],
        vec![vec![Value::Long(1)]],
    );
    let both = format!("{CERTIFICATE}{KEY}");
    let open = [CERTIFICATE.as_bytes(), &outside::open_key()].concat();
    Emulator::start(Emulated {
        tenants: vec![Tenant {
            id: TENANT.to_owned(),
            name: "Contoso".to_owned(),
            domain: None,
            cloud: defender_emulator::Cloud::Global,
            vaults: vec![Vault {
                readers: vec![CLIENT.to_owned()],
                secrets: vec![
                    VaultSecret::new("hunting", both),
                    VaultSecret::new("key-password", PASSWORD),
                ],
                certificates: vec![VaultCertificate::new("packed", &open).unwrap()],
                ..Vault::new("contoso")
            }],
            applications: vec![application, machine],
            users: vec![
                User::new(USER, "Ana"),
                User::new("ben@contoso.example", "Ben"),
            ],
        }],
        data: Data::Backend(Arc::new(script)),
        identity_endpoint: Some(IdentityEndpoint::Imds),
        sign_in: SignIn {
            account: account.map(str::to_owned),
            device: DeviceScript {
                pending: 0,
                interval: Duration::ZERO,
                ..DeviceScript::default()
            },
            ..SignIn::default()
        },
        ..Emulated::default()
    })
    .await
    .unwrap()
}

/// A person at this machine who does what they are asked to.
#[derive(Debug, Default)]
struct Person {
    told: Mutex<Vec<String>>,
}

impl SignInPrompt for Person {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        self.told
            .lock()
            .unwrap()
            .push(format!("code of {} letters", prompt.user_code.len()));
    }

    fn browser(&self, prompt: &BrowserPrompt<'_>) {
        self.told
            .lock()
            .unwrap()
            .push(format!("browser {}", prompt.opened));
    }

    fn warning(&self, warning: &str) {
        self.told.lock().unwrap().push(warning.to_owned());
    }
}

/// Follows every redirect, as a browser does with a user who is signed in.
#[derive(Debug)]
struct Surfing;

impl Browser for Surfing {
    fn open(&self, address: &Url) -> Result<(), Error> {
        let mut address = address.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                let page = load(&address).await;
                let next = page.split("\r\n").find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("location")
                        .then(|| value.to_owned())
                });
                match next {
                    Some(next) => address = address.join(&next).unwrap(),
                    None => return,
                }
            }
        });
        Ok(())
    }
}

async fn load(address: &Url) -> String {
    let (host, port) = (address.host_str().unwrap(), address.port().unwrap());
    let target = &address[url::Position::BeforePath..];
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

fn options(running: &Running, person: &Arc<Person>) -> Options {
    let variables = [
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", CLIENT.to_owned()),
        ("AZURE_CLIENT_SECRET", SECRET.to_owned()),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", running.http_url()),
        ("APP_SECRET", SECRET.to_owned()),
    ];
    Options {
        retry: RetryPolicy::never(),
        environment: variables
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        input: true,
        prompt: Arc::clone(person) as Arc<dyn SignInPrompt>,
        browser: BrowserOptions {
            browser: Arc::new(Surfing),
            ..BrowserOptions::default()
        },
        ..Options::default()
    }
}

/// The ways to sign in, as the Args of a section.
fn ways(assertion: &Path) -> Vec<(&'static str, String, Method)> {
    let identity = format!("TenantId: {TENANT}, ClientId: {CLIENT}");
    vec![
        (
            "secret",
            format!("{identity}, ClientSecret: {SECRET}"),
            Method::ClientSecret,
        ),
        (
            "variable",
            format!("{identity}, ClientSecret: {{EnvironmentVar: APP_SECRET}}"),
            Method::ClientSecret,
        ),
        (
            "certificate",
            format!(
                "{identity}, Certificate: '{FIXTURES}/certificate.pem', PrivateKey: \
                 '{FIXTURES}/key.pem', PrivateKeySecret: {PASSWORD}"
            ),
            Method::Certificate,
        ),
        (
            "older signature",
            format!(
                "{identity}, Certificate: '{FIXTURES}/certificate.pem', PrivateKey: \
                 '{FIXTURES}/key.pem', PrivateKeySecret: {PASSWORD}, AssertionAlgorithm: RS256"
            ),
            Method::Certificate,
        ),
        (
            "browser",
            format!("{identity}, UserName: {USER}, TokenCache: false"),
            Method::Delegated,
        ),
        (
            "device",
            format!("{identity}, UserName: {USER}, AuthType: device, TokenCache: false"),
            Method::Delegated,
        ),
        (
            "environment",
            "AuthType: env".to_owned(),
            Method::Environment,
        ),
        (
            "machine",
            "AuthType: msi".to_owned(),
            Method::ManagedIdentity,
        ),
        (
            "assertion",
            format!("{identity}, AssertionFile: '{}'", assertion.display()),
            Method::WorkloadIdentity,
        ),
        (
            "token",
            "AccessToken: {EnvironmentVar: GIVEN}".to_owned(),
            Method::ExistingToken,
        ),
        ("cli", "AuthType: cli".to_owned(), Method::AzureCli),
    ]
}

fn settings(running: &Running, args: &str) -> Settings {
    let url = running.http_url();
    let args = format!("{{{args}, Authority: '{url}', ApiRoot: '{url}'}}");
    Settings::parse(&format!(
        "DataProviders:\n  MicrosoftDefender:\n    Args: {args}\n  MicrosoftGraph:\n    Args: {args}\n"
    ))
    .unwrap()
}

/// A token of the application's for `environment`, as another program may have it.
async fn given(running: &Running, environment: DataEnvironment) -> String {
    let options = options(running, &Arc::default());
    let args = format!("TenantId: {TENANT}, ClientId: {CLIENT}, ClientSecret: {SECRET}");
    let connection = Connection::from_settings(&settings(running, &args), None);
    let provider = QueryProvider::with_options(environment, options);
    let identity = provider.identity(connection).await.unwrap();
    let token = identity.token().await.unwrap();
    token.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn every_environment_takes_every_credential_alike() {
    let running = start().await;
    let folder = tempfile::tempdir().unwrap();
    let assertion = folder.path().join("assertion");
    for environment in [
        DataEnvironment::M365dGraph,
        DataEnvironment::Mde,
        DataEnvironment::M365d,
        DataEnvironment::SecurityGraph,
    ] {
        let given = given(&running, environment).await;
        for (name, args, method) in ways(&assertion) {
            std::fs::write(&assertion, outside::assertion()).unwrap();
            let person = Arc::new(Person::default());
            let mut options = options(&running, &person);
            options.commands = Arc::new(SignedInCli(given.clone()));
            options
                .environment
                .insert("GIVEN".to_owned(), given.clone());
            let provider = QueryProvider::with_options(environment, options);
            let settings = settings(&running, &args);
            let connection = || Connection::from_settings(&settings, None);
            let identity = provider.identity(connection()).await;
            let identity =
                identity.unwrap_or_else(|error| panic!("{environment} {name}: {error:?}"));
            assert_eq!(identity.method(), Some(method), "{environment} {name}");
            let token = identity.token().await;
            token.unwrap_or_else(|error| panic!("{environment} {name}: {error:?}"));
            if environment == DataEnvironment::SecurityGraph {
                continue;
            }
            let connected = provider.connect(connection()).await;
            let connected =
                connected.unwrap_or_else(|error| panic!("{environment} {name}: {error:?}"));
            let table = connected.exec_query("print x").await;
            let table = table.unwrap_or_else(|error| panic!("{environment} {name}: {error:?}"));
            assert_eq!(table.row_count(), 1, "{environment} {name}");
            let told = person.told.lock().unwrap();
            let asked = told
                .iter()
                .filter(|line| line.starts_with("browser") || line.starts_with("code"));
            let expected = usize::from(method == Method::Delegated);
            // The second connection finds the sign-in of the first.
            assert_eq!(asked.count(), expected, "{environment} {name}: {told:?}");
        }
    }
}

#[tokio::test]
async fn another_account_than_the_settings_name_is_an_error_that_says_so() {
    let running = start_as(Some(USER)).await;
    let person = Arc::new(Person::default());
    let provider =
        QueryProvider::with_options(DataEnvironment::M365dGraph, options(&running, &person));
    let args = format!(
        "TenantId: {TENANT}, ClientId: {CLIENT}, UserName: ben@contoso.example, TokenCache: false"
    );
    let error = provider
        .connect(Connection::from_settings(&settings(&running, &args), None))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential, "{error:?}");
    assert!(error.to_string().contains("ben@contoso.example"), "{error}");
}

#[tokio::test]
async fn a_section_with_user_and_secret_signs_the_user_in_and_says_so_once() {
    let running = start().await;
    let person = Arc::new(Person::default());
    let provider =
        QueryProvider::with_options(DataEnvironment::M365dGraph, options(&running, &person));
    let both = format!(
        "TenantId: {TENANT}, ClientId: {CLIENT}, UserName: {USER}, ClientSecret: {SECRET}, \
         TokenCache: false"
    );
    let both = settings(&running, &both);
    let identity = provider
        .identity(Connection::from_settings(&both, None))
        .await
        .unwrap();
    assert_eq!(identity.method(), Some(Method::Delegated));
    let told = person.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("the user signs in and the secret is unused"),
        "{told:?}"
    );
    let call = ConnectionArgs::default()
        .with(ConnectionKey::DelegatedAuth, false)
        .unwrap();
    let connection = Connection::from_settings(&both, None).with(call);
    let identity = provider.identity(connection).await.unwrap();
    assert_eq!(identity.method(), Some(Method::ClientSecret));
    assert_eq!(person.told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_and_its_key_may_be_in_a_vault() {
    let password = "PrivateKeySecret: {KeyVault: key-password}";
    let asked = hunt_with_vault(&format!("Certificate: {{KeyVault: hunting}}, {password}")).await;
    assert_eq!(asked.get("/secrets/hunting"), Some(&1));
    assert_eq!(asked.get("/secrets/key-password"), Some(&1));
}

#[tokio::test]
async fn a_vaults_own_certificate_comes_with_its_key() {
    let asked = hunt_with_vault("Certificate: {KeyVault: packed}").await;
    assert_eq!(asked.get("/secrets/packed"), Some(&1), "{asked:?}");
}

/// Hunts with a certificate from the vault, and says how often which path was asked for.
async fn hunt_with_vault(args: &str) -> BTreeMap<String, usize> {
    let running = start().await;
    let person = Arc::new(Person::default());
    let mut options = options(&running, &person);
    options.http.ca_file = Some(running.folder().join("ca.pem"));
    options.http.proxy = Some(defender_query::ProxySettings {
        url: running.proxy_url().unwrap(),
        ..defender_query::ProxySettings::default()
    });
    let settings = Settings::parse(&format!(
        "KeyVault: {{VaultName: contoso}}\nAzure: {{auth_methods: [env]}}\nDataProviders:\n  \
         MicrosoftDefender:\n    Args: {{TenantId: {TENANT}, ClientId: {CLIENT}, {args}}}\n"
    ))
    .unwrap();
    let connected = QueryProvider::with_options(DataEnvironment::M365dGraph, options)
        .connect(Connection::from_settings(&settings, None))
        .await
        .unwrap();
    assert_eq!(
        connected.exec_query("print x").await.unwrap().row_count(),
        1
    );
    let mut paths = BTreeMap::new();
    for request in running.requests() {
        *paths.entry(request.path).or_default() += 1;
    }
    paths
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_may_be() {
    let running = start().await;
    let person = Arc::new(Person::default());
    let mut options = options(&running, &person);
    options.input = false;
    let args = format!("TenantId: {TENANT}, ClientId: {CLIENT}, UserName: {USER}");
    let provider = QueryProvider::with_options(DataEnvironment::M365dGraph, options);
    let connection = Connection::from_settings(&settings(&running, &args), None);
    assert!(provider.needs_person(&connection));
    let error = provider.connect(connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(
        error.hint().unwrap().contains("defender login"),
        "{error:?}"
    );
    assert!(person.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn consent_is_given_in_the_tenants_cloud() {
    let provider = QueryProvider::new(DataEnvironment::M365dGraph);
    let url = |text: &str, redirect: Option<&str>| {
        let connection = Connection::from_string(text).unwrap();
        let redirect = redirect.map(|text| Url::parse(text).unwrap());
        provider
            .consent_url(
                &connection,
                redirect.as_ref(),
                redirect.is_some().then_some("a b"),
            )
            .map(|url| url.to_string())
    };
    assert_eq!(
        url(&format!("tenant_id=contoso.com;client_id={CLIENT}"), None).unwrap(),
        format!("https://login.microsoftonline.com/contoso.com/adminconsent?client_id={CLIENT}")
    );
    assert_eq!(
        url(
            &format!("client_id={CLIENT};cloud=gcc-high"),
            Some("https://contoso.com/done")
        )
        .unwrap(),
        format!(
            "https://login.microsoftonline.us/organizations/adminconsent?client_id={CLIENT}&\
             redirect_uri=https%3A%2F%2Fcontoso.com%2Fdone&state=a+b"
        )
    );
    assert!(url("tenant_id=contoso.com", None).is_err());
    assert!(url(&format!("tenant_id=a/b;client_id={CLIENT}"), None).is_err());
    assert!(url("tenant_id=contoso.com;client_id=c", None).is_err());
}
