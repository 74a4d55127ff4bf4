//! The provider before it is connected.

use std::collections::BTreeMap;
use std::sync::Arc;

use defender_cloud::Endpoint;
use defender_core::{Clock, DataEnvironment, Result, SecretResolver, Transport};
use defender_drivers::Driver;
use defender_http::{HttpOptions, Notice, RetryPolicy, Silent, SystemClock};

use crate::secrets::OpenVaults;
use crate::{ConnectedProvider, Connection, connect};

/// A provider of one data environment that is not connected yet.
///
/// It cannot run a query; [`connect`](Self::connect) returns what can.
#[derive(Clone, Debug)]
pub struct QueryProvider {
    environment: DataEnvironment,
    options: Options,
    vaults: OpenVaults,
}

/// What a provider takes from outside.
#[derive(Clone, Debug)]
pub struct Options {
    /// How connections are made, unless [`transport`](Self::transport) is given.
    pub http: HttpOptions,
    /// What sends requests; `None` makes one from [`http`](Self::http).
    pub transport: Option<Arc<dyn Transport>>,
    /// What is repeated, and how often.
    pub retry: RetryPolicy,
    /// Is told of every wait.
    pub notice: Arc<dyn Notice>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fetches secrets that settings keep elsewhere; `None` looks into
    /// [`environment`](Self::environment) and, with feature `key-vault`, into the vaults that
    /// settings name, as the application of `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and
    /// `AZURE_CLIENT_SECRET` there.
    pub secrets: Option<Arc<dyn SecretResolver>>,
    /// The environment variables that settings may refer to.
    pub environment: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http: HttpOptions::default(),
            transport: None,
            retry: RetryPolicy::default(),
            notice: Arc::new(Silent),
            clock: Arc::new(SystemClock),
            secrets: None,
            environment: BTreeMap::new(),
        }
    }
}

impl QueryProvider {
    /// A provider of `environment`.
    pub fn new(environment: DataEnvironment) -> Self {
        Self::with_options(environment, Options::default())
    }

    /// A provider of `environment` that takes `options` from outside.
    pub fn with_options(environment: DataEnvironment, options: Options) -> Self {
        Self {
            environment,
            options,
            vaults: OpenVaults::default(),
        }
    }

    /// A provider that asks a driver of your own; it is connected already.
    pub fn with_driver(driver: Arc<dyn Driver>) -> ConnectedProvider {
        ConnectedProvider::from_driver(driver)
    }

    /// The environment that will be asked.
    pub fn environment(&self) -> DataEnvironment {
        self.environment
    }

    /// Where queries of `connection` would go; nothing is sent and no secret is fetched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when the settings or the cloud
    /// are wrong.
    pub fn endpoint(&self, connection: &Connection) -> Result<Endpoint> {
        connect::endpoint_of(self.environment, &self.options, connection)
    }

    /// Signs in and returns the provider that can run queries.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Config`](defender_core::ErrorKind::Config): a setting is missing or wrong;
    ///   all missing ones are named at once.
    /// - [`ErrorKind::Credential`](defender_core::ErrorKind::Credential): the sign-in was refused.
    /// - [`ErrorKind::Usage`](defender_core::ErrorKind::Usage): this build lacks what it takes.
    pub async fn connect(&self, connection: Connection) -> Result<ConnectedProvider> {
        connect::connect(self.environment, &self.options, &self.vaults, connection).await
    }
}

/// Every data environment, with its other names.
///
/// ```
/// let environments = defender_query::list_data_environments();
/// assert!(environments.contains(&("MDE", &["MDATP"][..])));
/// ```
pub fn list_data_environments() -> Vec<(&'static str, &'static [&'static str])> {
    DataEnvironment::ALL
        .into_iter()
        .map(|environment| (environment.name(), environment.aliases()))
        .collect()
}
