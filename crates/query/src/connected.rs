//! The provider that can run queries.

use std::fmt;
use std::sync::Arc;

use defender_cloud::Endpoint;
use defender_core::{
    AccessToken, Clock, Credential, DataEnvironment, Error, ErrorKind, Result, TokenRequest,
};
use defender_drivers::{AllRows, Capabilities, Collections, Driver, Query, RowLimit};
use defender_http::SystemClock;
use defender_table::{Answer, Table};

use crate::library::Shelf;

/// A provider that is signed in, and can run queries.
#[derive(Clone, Debug)]
pub struct ConnectedProvider {
    pub(crate) driver: Arc<dyn Driver>,
    /// What it can do beside running queries.
    pub(crate) capabilities: Capabilities,
    /// Where the settings and the cloud led.
    pub(crate) endpoint: Option<Endpoint>,
    /// The queries that have names.
    pub(crate) shelf: Shelf,
}

/// The service that somebody signs in for.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) endpoint: Endpoint,
    pub(crate) credential: Arc<dyn Credential>,
    pub(crate) tenant: Option<String>,
    pub(crate) instance: Option<String>,
}

/// Without the tenant, which may have come out of a secret store.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("endpoint", &self.endpoint)
            .field("credential", &self.credential)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// What the driver asks its tokens with, so that all share one.
    pub(crate) fn token_request(&self) -> TokenRequest {
        TokenRequest {
            tenant: self.tenant.clone(),
            ..TokenRequest::new(self.endpoint.scope())
        }
    }
}

impl ConnectedProvider {
    pub(crate) fn from_driver(driver: Arc<dyn Driver>) -> Self {
        let capabilities = driver.capabilities();
        let clock: Arc<dyn Clock> = match &capabilities.connection {
            Some(connection) => Arc::clone(&connection.retry.clock),
            None => Arc::new(SystemClock),
        };
        Self {
            driver,
            capabilities,
            endpoint: None,
            shelf: Shelf::new(clock),
        }
    }

    /// Where and as whom the driver asks, where it says so.
    fn connection(&self) -> Option<&defender_drivers::Connection> {
        self.capabilities.connection.as_ref()
    }

    /// The environment that is asked.
    pub fn environment(&self) -> DataEnvironment {
        self.driver.environment()
    }

    /// What the driver can do beside running queries, as it says itself.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Where queries go; `None` for local data and drivers of your own.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The tenant that is asked; `None` where only the service knows it.
    pub fn tenant(&self) -> Option<&str> {
        self.connection()?.tenant.as_deref()
    }

    /// The instance's name in the settings, or what the connection is
    /// [called](crate::Connection::called).
    pub fn instance(&self) -> Option<&str> {
        self.connection()?.instance.as_deref()
    }

    /// Runs `query` and returns every row of the answer.
    ///
    /// The table has one column per entry of the service's schema, in that order. Datetimes are
    /// UTC. An empty answer keeps its columns. Whether the rows are all there are is in
    /// [`Table::summary`].
    ///
    /// # Errors
    ///
    /// Those of [`Driver::query`].
    pub async fn exec_query(&self, query: impl Into<String>) -> Result<Table> {
        Table::collect(self.query(&Query::new(query)).await?).await
    }

    /// Runs `query` and returns its answer as a stream: batches, then a summary.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::query`].
    pub async fn query(&self, query: &Query) -> Result<Answer> {
        self.driver.query(query).await
    }

    /// A driver that asks this provider slice by slice, until every row is there.
    ///
    /// ```no_run
    /// # async fn f(provider: defender_query::ConnectedProvider) -> defender_query::Result<()> {
    /// use defender_query::{Driver as _, Query};
    ///
    /// let answer = provider.all_rows()?.query(&Query::new("DeviceProcessEvents")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] where answers have no cap, as those of local data, and where the driver
    /// does not say whether they have one.
    pub fn all_rows(&self) -> Result<AllRows> {
        let name = &self.capabilities.name;
        let refused = |message: String| Error::new(ErrorKind::Usage, message);
        match self.capabilities.rows {
            RowLimit::Capped(description) => Ok(AllRows::new(
                Arc::clone(&self.driver),
                description,
                Arc::clone(self.shelf.clock()),
            )),
            RowLimit::Unlimited => Err(refused(format!("answers of {name} are not split"))
                .with_hint("leave the splitting out: the answer has every row")),
            _ => Err(refused(format!(
                "the driver of {name} does not say at how many rows an answer ends"
            ))
            .with_hint("say so in Driver::capabilities, or give AllRows::new a description")),
        }
    }

    /// The lists of the same service: alerts, incidents, machines.
    ///
    /// ```no_run
    /// # async fn f(provider: defender_query::ConnectedProvider) -> defender_query::Result<()> {
    /// use defender_query::{CollectionRequest, Table};
    ///
    /// let request = CollectionRequest::new("alerts?$filter=severity eq 'High'");
    /// let alerts = Table::collect(provider.collections()?.list(&request).await?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] where there are none: they are of `M365DGraph`,
    /// `SecurityGraph` and `MDE`, and of drivers that bring them.
    pub fn collections(&self) -> Result<Arc<Collections>> {
        if let Some(collections) = &self.capabilities.collections {
            return Ok(Arc::clone(collections));
        }
        let (environment, name) = (self.environment(), &self.capabilities.name);
        if crate::connect::listed(environment).is_none() && name == environment.name() {
            return Err(crate::connect::nothing_listed(environment));
        }
        Err(Error::new(
            ErrorKind::Usage,
            format!("the driver of {name} lists no alerts, incidents or machines"),
        )
        .with_hint("a provider that QueryProvider::connect made lists them, or Collections::new"))
    }

    /// The token that queries are sent with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the driver names no connection, as that of local data; otherwise
    /// those of [`Credential::token`].
    pub async fn token(&self) -> Result<AccessToken> {
        let connection = self.connection().ok_or_else(|| {
            let name = &self.capabilities.name;
            Error::new(
                ErrorKind::Usage,
                format!(
                    "the driver of {name} names no connection, and so there is no token to show"
                ),
            )
        })?;
        connection.token().await
    }
}
