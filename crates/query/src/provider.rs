//! The provider before it is connected.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use defender_cloud::Endpoint;
use defender_core::{
    Clock, DataEnvironment, Result, SecretResolver, Transport, WrittenName, expand_home,
};
use defender_credentials::{SignInPrompt, TokenStore};
use defender_drivers::{CollectionRequest, CollectionsDescription, Description, Driver, Query};
use defender_http::{HttpOptions, Notice, Pacer, RetryPolicy, Silent, SystemClock};

use crate::library::Shelf;
use crate::prompt::Silence;
use crate::shared::Shared;
use crate::{ConnectedProvider, Connection, Connections, Identity, connect};

/// A provider of one data environment that is not connected yet.
///
/// It cannot run a query; [`connect`](Self::connect) returns what can.
#[derive(Clone, Debug)]
pub struct QueryProvider {
    pub(crate) environment: DataEnvironment,
    pub(crate) options: Options,
    pub(crate) shared: Shared,
    pub(crate) shelf: Shelf,
}

/// What a provider takes from outside. `Debug` prints the names of the variables and no value.
#[derive(Clone)]
pub struct Options {
    /// How connections are made, unless [`transport`](Self::transport) is given.
    pub http: HttpOptions,
    /// What sends requests; `None` makes one from [`http`](Self::http).
    pub transport: Option<Arc<dyn Transport>>,
    /// What is repeated, and how often.
    pub retry: RetryPolicy,
    /// Is told of every wait.
    pub notice: Arc<dyn Notice>,
    /// Counts calls against the quotas of application, tenant and API; one for all connections
    /// of a provider, and of as many providers as share it. Services on this machine are not
    /// counted unless the pacer's options say how much they allow.
    pub pacer: Arc<Pacer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fetches secrets that settings keep elsewhere; `None` looks into
    /// [`environment`](Self::environment) and, with feature `key-vault`, into the vaults that
    /// settings name, signed in as `Azure.auth_methods` say.
    pub secrets: Option<Arc<dyn SecretResolver>>,
    /// Whether a person may be asked to sign in; without one, whoever is not signed in already is
    /// an error.
    pub input: bool,
    /// Tells a person what a sign-in needs of them, and what is doubtful about a connection.
    pub prompt: Arc<dyn SignInPrompt>,
    /// How a browser is used.
    #[cfg(feature = "browser")]
    pub browser: defender_credentials::BrowserOptions,
    /// What runs the Azure CLI.
    #[cfg(feature = "azure-cli")]
    pub commands: Arc<dyn defender_credentials::CommandRunner>,
    /// Where sign-ins are kept; `None` takes the file that the settings name, or else the
    /// platform's place as [`environment`](Self::environment) gives it, or else memory.
    pub token_store: Option<Arc<dyn TokenStore>>,
    /// The environment variables that settings may refer to.
    pub environment: BTreeMap<String, String>,
}

impl Options {
    /// The environment variable `name`; one that is blank is none.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = self.environment.get(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// `path` with `~` as the home folder; `None` where the environment does not name the folder.
    pub(crate) fn expanded(&self, path: &Path) -> Option<PathBuf> {
        let home = self
            .variable("HOME")
            .or_else(|| self.variable("USERPROFILE"));
        let home = home.map(PathBuf::from).filter(|home| home.is_absolute());
        expand_home(path, home.as_deref())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.environment.keys().map(WrittenName::of_variable);
        let names: Vec<String> = names.map(|name| name.quoted_or("(not shown)")).collect();
        f.debug_struct("Options")
            .field("http", &self.http)
            .field("retry", &self.retry)
            .field("secrets", &self.secrets)
            .field("input", &self.input)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http: HttpOptions::default(),
            transport: None,
            retry: RetryPolicy::default(),
            notice: Arc::new(Silent),
            pacer: Arc::default(),
            clock: Arc::new(SystemClock),
            secrets: None,
            input: false,
            prompt: Arc::new(Silence),
            #[cfg(feature = "browser")]
            browser: defender_credentials::BrowserOptions::default(),
            #[cfg(feature = "azure-cli")]
            commands: Arc::new(defender_credentials::SystemCommands),
            token_store: None,
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
            shelf: Shelf::new(Arc::clone(&options.clock)),
            options,
            shared: Shared::default(),
        }
    }

    /// A provider that asks a driver of your own; it is connected already.
    ///
    /// What it can do beside queries (all rows, lists, a token) the driver says itself, in
    /// [`Driver::capabilities`].
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

    /// Reads the certificate and the private key of `connection` as signing in would; nothing is
    /// sent, and what is in a Key Vault is not looked at.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when they cannot be read or do not
    /// belong together.
    #[cfg(feature = "certificate")]
    pub async fn check_certificate(&self, connection: &Connection) -> Result<()> {
        connect::check_certificate(self.environment, &self.options, connection).await
    }

    /// The text that would be sent for `query`: with a line for its range of time where the API
    /// takes none beside the text. Nothing is sent.
    ///
    /// ```
    /// use defender_query::{DataEnvironment, Query, QueryProvider, Timespan};
    ///
    /// let query = Query::new("AlertInfo | count").with_timespan(Timespan::new(0, 9_999_999)?);
    /// let text = QueryProvider::new(DataEnvironment::Mde).text_sent(&query)?;
    /// assert!(text.starts_with("AlertInfo\n| where Timestamp between"));
    /// # Ok::<(), defender_query::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](defender_core::ErrorKind::Usage) when there is no text, or no place
    /// for that line.
    pub fn text_sent(&self, query: &Query) -> Result<String> {
        match connect::description_of(self.environment) {
            Some(description) => description.text_sent(query),
            None => Ok(query.text.clone()),
        }
    }

    /// What sets the environment's hunting API apart from others; `None` where there is none.
    pub fn description(&self) -> Option<Description> {
        connect::description_of(self.environment)
    }

    /// Where `request` of `connection` would go; nothing is sent and no secret is fetched.
    ///
    /// # Errors
    ///
    /// Those of [`endpoint`](Self::endpoint), and
    /// [`ErrorKind::Usage`](defender_core::ErrorKind::Usage) when the environment has no
    /// collections or the path leads elsewhere.
    pub fn collection_url(
        &self,
        connection: &Connection,
        request: &CollectionRequest,
    ) -> Result<url::Url> {
        let endpoint = self.endpoint(connection)?;
        request.url(&self.collections()?, &endpoint.base())
    }

    /// What the environment lists beside queries: alerts, incidents, machines.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](defender_core::ErrorKind::Usage) where there is nothing.
    pub fn collections(&self) -> Result<CollectionsDescription> {
        connect::listed(self.environment).ok_or_else(|| connect::nothing_listed(self.environment))
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
        // Every way to sign in is within the future, which is large.
        let connecting =
            connect::connect(self.environment, &self.options, &self.shared, connection);
        let mut connected = Box::pin(connecting).await?;
        connected.shelf = self.shelf.clone();
        Ok(connected)
    }

    /// Who signs in for `connection`; its secrets are fetched, and nobody has signed in.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), as far as settings and secrets go.
    pub async fn identity(&self, connection: Connection) -> Result<Identity> {
        let found = connect::identity(self.environment, &self.options, &self.shared, connection);
        Box::pin(found).await
    }

    /// Several connections of this provider, which are asked all at once.
    pub fn connections(self) -> Connections {
        Connections::new(self)
    }

    /// Whether a person may have to sign in for `connection`, so that several are asked one after
    /// the other.
    pub fn needs_person(&self, connection: &Connection) -> bool {
        connect::needs_person(self.environment, &self.options, connection)
    }

    /// The address where an administrator lets the application of `connection` into its tenant,
    /// with every permission that the application is registered with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when no application is named, or
    /// the settings are wrong.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    pub fn consent_url(
        &self,
        connection: &Connection,
        redirect: Option<&url::Url>,
        state: Option<&str>,
    ) -> Result<url::Url> {
        connect::consent_url(self.environment, &self.options, connection, redirect, state)
    }

    /// Forgets the kept sign-ins of `connection`, or with `all` every one, and says whose they
    /// were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when the settings are wrong,
    /// [`ErrorKind::Io`](defender_core::ErrorKind::Io) when the store cannot be written.
    pub async fn forget(&self, connection: &Connection, all: bool) -> Result<Vec<String>> {
        connect::forget(
            self.environment,
            &self.options,
            &self.shared,
            connection,
            all,
        )
        .await
    }

    /// Writes `value` into the Key Vault secret that `reference` names, in the vaults and as whom
    /// `settings` say.
    ///
    /// # Errors
    ///
    /// Those of signing in to Key Vault and of writing there; needs the permission `set`.
    #[cfg(feature = "key-vault")]
    pub async fn write_secret(
        &self,
        settings: &defender_config::Settings,
        reference: &defender_core::SecretRef,
        value: &defender_core::SecretString,
    ) -> Result<()> {
        crate::secrets::write(&self.options, settings, &self.shared, reference, value).await
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
