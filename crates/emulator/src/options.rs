//! What to emulate: tenants and their applications, data, faults, time.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;

use crate::faults::Faults;
use crate::hosts::Cloud;
use crate::hunting::HuntingBackend;
use crate::log::RecordedRequest;
use crate::registration::{Application, ManagedIdentity, User};
use crate::sign_in::SignIn;
use crate::vault::{Vault, VaultSecret};

/// Tells the emulator the time: token lifetimes, quotas and time ranges follow it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Is told of every request when it has been answered, or given up by its client.
pub type Observer = Arc<dyn Fn(&RecordedRequest) + Send + Sync>;

/// How an emulator is set up.
///
/// The default has two made-up tenants of the global cloud ([`Tenant::demo`],
/// [`Tenant::second`]) and one of the US government's ([`Tenant::government`]), HTTPS and proxy
/// on ports that the system chooses, and the sample data.
#[derive(Clone)]
pub struct Options {
    /// The directories and what is registered in them; the first is the default one.
    pub tenants: Vec<Tenant>,
    /// Where plain HTTP is served; loopback only, port 0 for any.
    pub listen: SocketAddr,
    /// Where HTTPS is served, if at all.
    pub https: Option<SocketAddr>,
    /// Where the forward proxy is, if there is to be one.
    pub proxy: Option<SocketAddr>,
    /// What the proxy asks its clients for, if anything.
    pub proxy_credentials: Option<ProxyCredentials>,
    /// The time; the machine's unless a test says otherwise. Certificates always follow the machine's.
    pub clock: Clock,
    /// What there is to hunt in.
    pub data: Data,
    /// How far back a query sees; the services keep 30 days. `None` sees everything.
    pub retention: Option<Duration>,
    /// What goes wrong, and when.
    pub faults: Faults,
    /// Calls allowed per tenant and application; `None` counts nothing.
    pub quotas: Option<Quotas>,
    /// The services' caps.
    pub limits: Limits,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    /// How people behave at the sign-in pages, and how long what they get is good.
    pub sign_in: SignIn,
    /// The endpoint for managed identities that [`Running::environment`](crate::Running::environment)
    /// names, if it is to name one; all of them are served in any case.
    pub identity_endpoint: Option<IdentityEndpoint>,
    /// Whether answers are compressed for clients that accept it.
    pub gzip: bool,
    /// Start of the sequence that request and trace identifiers are drawn from, and of the sample data.
    pub seed: u64,
    /// Is told of every request, for a log on the console.
    pub observer: Option<Observer>,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            tenants: vec![Tenant::demo(), Tenant::second(), Tenant::government()],
            listen: any,
            https: Some(any),
            proxy: Some(any),
            proxy_credentials: None,
            clock: Arc::new(machine_time),
            data: Data::default(),
            retention: Some(Duration::from_hours(30 * 24)),
            faults: Faults::default(),
            quotas: None,
            limits: Limits::default(),
            token_lifetime: Duration::from_secs(3599),
            sign_in: SignIn::default(),
            identity_endpoint: Some(IdentityEndpoint::Imds),
            gzip: true,
            seed: 1,
            observer: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("tenants", &self.tenants)
            .field("listen", &self.listen)
            .field("https", &self.https)
            .field("proxy", &self.proxy)
            .field("data", &self.data)
            .field("retention", &self.retention)
            .field("faults", &self.faults)
            .field("quotas", &self.quotas)
            .field("limits", &self.limits)
            .field("token_lifetime", &self.token_lifetime)
            .field("sign_in", &self.sign_in)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// The machine's clock: what the emulator goes by when nobody gives it another.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the default clock comes from"
)]
pub(crate) fn machine_time() -> SystemTime {
    SystemTime::now()
}

/// One directory of Entra ID.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The directory's identifier.
    pub id: String,
    /// What the directory is called; also the instance's name in the settings of
    /// [`Running::settings_yaml`](crate::Running::settings_yaml).
    pub name: String,
    /// Another way to name the directory in a path.
    pub domain: Option<String>,
    /// The cloud the directory lives in; other clouds' authorities do not know it.
    pub cloud: Cloud,
    /// What may sign in.
    pub applications: Vec<Application>,
    /// Who may sign in; the first is who does when nobody is named.
    pub users: Vec<User>,
    /// The key vaults that trust the directory.
    pub vaults: Vec<Vault>,
}

impl Tenant {
    /// The default tenant, `11111111-1111-1111-1111-111111111111`, with one application that may
    /// hunt, a machine's identity that may too, two users (`analyst@demo.example` and
    /// `admin@demo.example`) and a vault, `demo-vault`, that holds its secret under the name that MSTICPy gives it.
    pub fn demo() -> Self {
        Self::made_up('1', "Demo", "demo.example", Cloud::Global)
    }

    /// Another tenant of the global cloud, `22222222-2222-2222-2222-222222222222`.
    pub fn second() -> Self {
        Self::made_up('2', "Second", "second.example", Cloud::Global)
    }

    /// A tenant of the US government's cloud, `33333333-3333-3333-3333-333333333333`.
    pub fn government() -> Self {
        Self::made_up('3', "Government", "government.example", Cloud::UsGovernment)
    }

    fn made_up(digit: char, name: &str, domain: &str, cloud: Cloud) -> Self {
        let repeated = |count| String::from(digit).repeat(count);
        let head = format!(
            "{}-{}-{}-{}",
            repeated(8),
            repeated(4),
            repeated(4),
            repeated(4)
        );
        let client_id = format!("{head}-aaaaaaaaaaaa");
        let machine = format!("{head}-bbbbbbbbbbbb");
        let name_in_lower_case = name.to_lowercase();
        let secret = format!("{name_in_lower_case}-secret-made-up");
        Self {
            id: format!("{head}-{}", repeated(12)),
            name: name.to_owned(),
            domain: Some(domain.to_owned()),
            cloud,
            vaults: vec![Vault {
                readers: vec![
                    client_id.clone(),
                    machine.clone(),
                    format!("analyst@{domain}"),
                ],
                writers: vec![client_id.clone()],
                listers: vec![client_id.clone()],
                secrets: vec![VaultSecret::new(
                    "DataProviders-MicrosoftDefender-Args-ClientSecret",
                    secret.clone(),
                )],
                ..Vault::new(format!("{name_in_lower_case}-vault"))
            }],
            applications: vec![
                Application::new(client_id, secret),
                Application {
                    name: "hunting-machine".to_owned(),
                    ..Application::machine(machine, ManagedIdentity::System)
                },
            ],
            users: User::pair(domain),
        }
    }
}

/// The endpoint that a machine's identity is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityEndpoint {
    /// The instance metadata service of a virtual machine.
    Imds,
    /// The endpoint of App Service.
    AppService,
}

/// What the proxy's clients have to present (`Proxy-Authorization: Basic`).
#[derive(Debug, Clone)]
pub struct ProxyCredentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
}

/// What there is to hunt in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Data {
    /// Made-up events of a made-up company, made from the seed, another set for each tenant.
    #[cfg(feature = "hunting")]
    Sample,
    /// Files and folders of NDJSON, CSV, Parquet or Arrow; a table is a folder or file named after
    /// it, unless the place says its name.
    #[cfg(feature = "hunting")]
    Places(Vec<kql_engine::Place>),
    /// Tables by name, the same for every tenant.
    #[cfg(feature = "hunting")]
    Batches(std::collections::BTreeMap<String, Vec<arrow::record_batch::RecordBatch>>),
    /// Whatever answers: a [`Script`](crate::Script), or something of the caller's own.
    Backend(Arc<dyn HuntingBackend>),
}

impl Default for Data {
    #[cfg(feature = "hunting")]
    fn default() -> Self {
        Self::Sample
    }

    #[cfg(not(feature = "hunting"))]
    fn default() -> Self {
        Self::Backend(Arc::new(crate::hunting::Script::new()))
    }
}

/// How many hunting calls a tenant's application may make; further ones are answered with 429.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api>
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Calls within any minute.
    pub per_minute: usize,
    /// Calls within any hour.
    pub per_hour: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            per_minute: 45,
            per_hour: 1500,
        }
    }
}

/// The services' caps.
///
/// Source: <https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api>
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows in an answer; what goes beyond is left out without a word.
    pub rows: usize,
    /// Bytes of an answer; more is a 400.
    pub answer_bytes: usize,
    /// Bytes of a request; more is a 413 with an HTML page.
    pub request_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 100_000,
            answer_bytes: 50 * 1024 * 1024,
            request_bytes: 1024 * 1024,
        }
    }
}
