//! What tells one hunting API from another.

use defender_core::DataEnvironment;
use defender_http::Quota;

/// One hunting API: how it is asked, how it answers, what it allows.
///
/// Addresses and audiences are not part of it: they differ by cloud and come with the
/// [`Connection`](crate::Connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// The environment that it is.
    pub environment: DataEnvironment,
    /// Whether the request's body may carry a `Timespan`.
    pub takes_timespan: bool,
    /// Whether values carry `@odata.type` annotations, which are not part of the data.
    pub annotated: bool,
    /// The application permission that it asks for.
    pub application_role: &'static str,
    /// The delegated permission that it asks for.
    pub delegated_scope: &'static str,
    /// The number of rows at which it stops without saying so.
    pub row_cap: usize,
    /// How much it allows one application in one tenant.
    pub quota: Quota,
    /// The page that this mirrors.
    pub documentation: &'static str,
}
