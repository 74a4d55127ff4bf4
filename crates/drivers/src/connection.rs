//! Where a driver asks, as whom, and how patiently.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use defender_core::{AccessToken, Credential, Redaction, Result, Scope, TokenRequest, Transport};
use defender_http::{Pace, Retry};
use url::Url;

/// Everything that a driver needs from outside.
///
/// ```no_run
/// # use std::sync::Arc;
/// # fn f(transport: Arc<dyn defender_core::Transport>, credential: Arc<dyn defender_core::Credential>) {
/// use defender_core::Scope;
/// use defender_drivers::{Connection, Hunting, Limits, M365D_GRAPH};
///
/// let mut connection = Connection::new(
///     "https://graph.microsoft.com/v1.0/security/runHuntingQuery".parse().unwrap(),
///     Scope::default_of("https://graph.microsoft.com"),
///     transport,
///     credential,
/// );
/// connection.limits = Limits { rows: 1000, ..Limits::default() };
/// let driver = Hunting::new(M365D_GRAPH, connection);
/// # }
/// ```
#[derive(Clone)]
pub struct Connection {
    /// The whole address that queries are posted to.
    pub url: Url,
    /// What the token is asked for. Its audience need not be the address's host.
    pub scope: Scope,
    /// Another tenant than the credential's own; also what the answers are labelled with.
    pub tenant: Option<String>,
    /// The instance's name in the settings, which the answers are labelled with.
    pub instance: Option<String>,
    /// What sends the requests.
    pub transport: Arc<dyn Transport>,
    /// Who asks.
    pub credential: Arc<dyn Credential>,
    /// The secrets in use, which no message may hold although no request of its sends them.
    pub hidden: Redaction,
    /// Where an administrator consents to the application that asks, for whoever lacks a permission.
    pub consent: Option<Url>,
    /// What is repeated, how often, and with which clock.
    pub retry: Retry,
    /// The quota that its calls count against; without one nothing is counted.
    pub pace: Option<Pace>,
    /// How much is taken in.
    pub limits: Limits,
    /// How long a request may take from when it is sent until its response is decoded; no limit.
    pub timeout: Option<Duration>,
    /// Where the ids of requests come from.
    pub ids: Arc<dyn RequestIds>,
}

/// Where it asks and how; not in which tenant, which may have come out of a secret store.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.url.as_str())
            .field("scope", &self.scope)
            .field("instance", &self.instance)
            .field("transport", &self.transport)
            .field("credential", &self.credential)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection with the default retries, limits and random request ids.
    pub fn new(
        url: Url,
        scope: Scope,
        transport: Arc<dyn Transport>,
        credential: Arc<dyn Credential>,
    ) -> Self {
        Self {
            url,
            scope,
            tenant: None,
            instance: None,
            transport,
            credential,
            hidden: Redaction::default(),
            consent: None,
            retry: Retry::default(),
            pace: None,
            limits: Limits::default(),
            timeout: None,
            ids: Arc::new(RandomIds),
        }
    }

    /// The token that requests are sent with.
    ///
    /// # Errors
    ///
    /// Those of [`Credential::token`].
    pub async fn token(&self) -> Result<AccessToken> {
        self.credential.token(&self.token_request()).await
    }

    /// What every request asks its token with, so that all share one.
    pub(crate) fn token_request(&self) -> TokenRequest {
        TokenRequest {
            tenant: self.tenant.clone(),
            ..TokenRequest::new(self.scope.clone())
        }
    }
}

/// How much of an answer is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of an answer; 1 GiB. The service itself ends at 50 MB of result.
    pub body: usize,
    /// The bytes of an error's body that are read; 64 KiB.
    pub error_body: usize,
    /// The bytes that are held at once because what they mean comes after them: rows before their
    /// schema, and a page of a list; 256 MiB. It is five times the 50 MB of result that the
    /// services send, since names, escapes and annotations are not part of those.
    pub held: usize,
    /// The bytes of one row; 64 MiB.
    pub row: usize,
    /// The rows of an answer; 1,000,000. More is an error; see
    /// [`Query::max_rows`](crate::Query::max_rows) for a cut.
    pub rows: usize,
    /// The columns of an answer; 10,000. More is an error.
    pub columns: usize,
    /// The cells of an answer that take memory, which a column without a value does not;
    /// 250,000,000. More is an error.
    pub cells: usize,
    /// The pages of a list; 20,000, which is as many rows as there may be in pages of 50.
    pub pages: usize,
    /// How deep a dynamic value may nest; 10,000. A deeper one is null, with a warning.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 30,
            error_body: 64 << 10,
            held: 256 << 20,
            row: 64 << 20,
            rows: 1_000_000,
            columns: 10_000,
            cells: 250_000_000,
            pages: 20_000,
            nesting: 10_000,
        }
    }
}

/// Gives every request an id, so that it can be found in the service's logs.
pub trait RequestIds: fmt::Debug + Send + Sync {
    /// An id that was not given before: a GUID.
    fn next(&self) -> String;
}

/// Random GUIDs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl RequestIds for RandomIds {
    fn next(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
