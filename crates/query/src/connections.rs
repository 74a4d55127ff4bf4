//! Several connections of one provider, each with its name.

use std::fmt;

use defender_config::Method;
use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_table::Table;

use crate::{Connection, FanOut, Query, QueryProvider, connect};

/// Several connections of one provider, which are asked all at once; made by
/// [`QueryProvider::connections`].
///
/// They share one transport, one pacer and one set of opened vaults. Nobody signs in before a
/// query is run.
///
/// ```no_run
/// # async fn f(settings: defender_query::Settings) -> defender_query::Result<()> {
/// use defender_query::{Connection, DataEnvironment, QueryProvider};
///
/// let mut connections = QueryProvider::new(DataEnvironment::M365dGraph).connections();
/// for name in ["Contoso", "Fabrikam"] {
///     connections.add_connection(name, Connection::from_settings(&settings, Some(name)))?;
/// }
/// let table = connections.exec_query("DeviceInfo | summarize count()").await?;
/// assert_eq!(table.schema().field(0).name(), "Tenant");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Connections {
    pub(crate) provider: QueryProvider,
    pub(crate) named: Vec<Named>,
}

#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) alias: String,
    pub(crate) connection: Connection,
}

/// What may be told of a connection: no secret, and nothing that had to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The name that it was added with.
    pub alias: String,
    /// The environment that is asked.
    pub environment: DataEnvironment,
    /// The instance's name in the settings.
    pub instance: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// How it signs in.
    pub method: Option<Method>,
}

impl fmt::Display for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.alias, self.environment)?;
        if let Some(tenant) = &self.tenant {
            write!(f, ", tenant {tenant}")?;
        }
        if let Some(client_id) = &self.client_id {
            write!(f, ", application {client_id}")?;
        }
        Ok(())
    }
}

impl Connections {
    pub(crate) fn new(provider: QueryProvider) -> Self {
        Self {
            provider,
            named: Vec::new(),
        }
    }

    /// Adds `connection` under a name, which messages call it by.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when the name is taken.
    pub fn add_connection(
        &mut self,
        alias: impl Into<String>,
        connection: Connection,
    ) -> Result<()> {
        let alias = alias.into();
        if self.named.iter().any(|named| named.alias == alias) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("there is a connection named {alias} already"),
            )
            .with_hint("give each connection a name of its own"));
        }
        let connection = Connection {
            alias: Some(alias.clone()),
            ..connection
        };
        self.named.push(Named { alias, connection });
        Ok(())
    }

    /// The connections in the order in which they are asked, without their secrets. What settings
    /// do not say, or say wrongly, is left out.
    pub fn list_connections(&self) -> Vec<ConnectionInfo> {
        let (environment, options) = (self.provider.environment, &self.provider.options);
        self.named
            .iter()
            .map(|Named { alias, connection }| {
                let known = connect::known(environment, options, connection);
                let (instance, args) = known.unwrap_or_default();
                ConnectionInfo {
                    alias: alias.clone(),
                    environment,
                    instance,
                    method: args.method(),
                    tenant: connect::owned(args.tenant_id()),
                    client_id: connect::owned(args.client_id()),
                }
            })
            .collect()
    }

    /// A question to every connection; nothing is sent before its answer is asked for.
    pub fn fan_out(&self, query: &Query) -> FanOut {
        FanOut::new(self.clone(), query.clone())
    }

    /// Runs `query` everywhere and returns every row, below the columns `Tenant` and `Instance`.
    ///
    /// A connection that failed makes the table incomplete, and is named in its summary.
    ///
    /// # Errors
    ///
    /// The first connection's error when all of them failed.
    pub async fn exec_query(&self, query: impl Into<String>) -> Result<Table> {
        Table::collect(self.fan_out(&Query::new(query)).answer().await?).await
    }
}
