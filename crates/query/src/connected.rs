//! The provider that can run queries.

use std::fmt;
use std::sync::Arc;

use defender_cloud::Endpoint;
use defender_core::{
    AccessToken, Credential, DataEnvironment, Error, ErrorKind, Result, TokenRequest,
};
use defender_drivers::{AllRows, Collections, Driver, Query};
use defender_table::{Answer, Table};

use crate::library::Shelf;

/// A provider that is signed in, and can run queries.
#[derive(Clone, Debug)]
pub struct ConnectedProvider {
    pub(crate) driver: Arc<dyn Driver>,
    /// The same, slice by slice; `None` where answers have no cap.
    pub(crate) all_rows: Option<AllRows>,
    /// What the service lists beside queries.
    pub(crate) collections: Option<Arc<Collections>>,
    pub(crate) service: Option<Service>,
    /// The queries that have names.
    pub(crate) shelf: Shelf,
}

/// The service behind a provider, when there is one.
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
        Self {
            driver,
            all_rows: None,
            collections: None,
            service: None,
            shelf: Shelf::default(),
        }
    }

    /// The environment that is asked.
    pub fn environment(&self) -> DataEnvironment {
        self.driver.environment()
    }

    /// Where queries go; `None` for local data and drivers of your own.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.service.as_ref().map(|service| &service.endpoint)
    }

    /// The tenant that is asked; `None` where only the service knows it.
    pub fn tenant(&self) -> Option<&str> {
        self.service
            .as_ref()
            .and_then(|service| service.tenant.as_deref())
    }

    /// The instance's name in the settings, or what the connection is
    /// [called](crate::Connection::called).
    pub fn instance(&self) -> Option<&str> {
        self.service
            .as_ref()
            .and_then(|service| service.instance.as_deref())
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
    /// [`ErrorKind::Usage`] where answers have no cap: local data, and drivers of your own, which
    /// [`AllRows::new`] takes.
    pub fn all_rows(&self) -> Result<AllRows> {
        self.all_rows.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("answers of {} are not split", self.environment()),
            )
            .with_hint("leave the splitting out: the answer has every row")
        })
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
    /// `SecurityGraph` and `MDE`.
    pub fn collections(&self) -> Result<Arc<Collections>> {
        self.collections
            .clone()
            .ok_or_else(|| crate::connect::nothing_listed(self.environment()))
    }

    /// The token that queries are sent with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when there is no service behind this provider; otherwise those of
    /// [`Credential::token`].
    pub async fn token(&self) -> Result<AccessToken> {
        let service = self.service.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("{} needs no token", self.environment()),
            )
        })?;
        service.credential.token(&service.token_request()).await
    }
}
