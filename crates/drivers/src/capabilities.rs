//! What a driver can do beside running a query.

use std::borrow::Cow;
use std::sync::Arc;

use defender_core::DataEnvironment;

use crate::{Collections, Connection, Description};

/// What a driver can do beside running a query, as it says itself.
///
/// A driver around another one hands on what that one says:
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use defender_core::{DataEnvironment, Result};
/// use defender_drivers::{Answer, Capabilities, Driver, Query};
///
/// /// Names itself in messages.
/// #[derive(Debug)]
/// struct Named(Arc<dyn Driver>);
///
/// #[async_trait]
/// impl Driver for Named {
///     fn environment(&self) -> DataEnvironment {
///         self.0.environment()
///     }
///
///     fn capabilities(&self) -> Capabilities {
///         Capabilities { name: "the archive".into(), ..self.0.capabilities() }
///     }
///
///     async fn query(&self, query: &Query) -> Result<Answer> {
///         self.0.query(query).await
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// What messages call the driver; the name of its environment unless it says otherwise.
    pub name: Cow<'static, str>,
    /// Whether an answer may end before its last row.
    pub rows: RowLimit,
    /// Where it asks and as whom; `None` where no service is behind it, or it does not say.
    pub connection: Option<Connection>,
    /// What the same service lists beside queries: alerts, incidents, machines.
    pub collections: Option<Arc<Collections>>,
}

/// Whether an answer may end before its last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowLimit {
    /// The driver does not say.
    Unknown,
    /// It does not: every row is there, or the summary says why not.
    Unlimited,
    /// The API that this describes stops at [`Description::row_cap`]; [`AllRows`](crate::AllRows)
    /// asks for all of them slice by slice.
    Capped(Description),
}

impl Capabilities {
    /// Those of a driver that says nothing but its environment.
    pub fn unknown(environment: DataEnvironment) -> Self {
        Self {
            name: environment.name().into(),
            rows: RowLimit::Unknown,
            connection: None,
            collections: None,
        }
    }
}
