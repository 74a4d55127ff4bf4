//! What to emulate: tenants and their applications, data, faults, time.

mod certificate;
mod tenant;
mod vault;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::SecretString;

use crate::faults::Faults;
use crate::hunting::HuntingBackend;
use crate::log::RecordedRequest;
use crate::sign_in::SignIn;

pub use certificate::VaultCertificate;
pub use tenant::Tenant;
pub use vault::{Vault, VaultAccess, VaultSecret};

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
