//! What tells one hunting API from another.

use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_http::Quota;

use crate::{Query, pipeline};

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

impl Description {
    /// The text that is sent for `query`; nothing is.
    ///
    /// It is the query's own, with a line for its range of time where the API takes none beside
    /// the text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when there is no text, and when there is no one place for that line.
    pub fn text_sent(&self, query: &Query) -> Result<String> {
        if query.text.trim().is_empty() {
            return Err(Error::new(ErrorKind::Usage, "the query is empty"));
        }
        let Some(timespan) = query.timespan.filter(|_| !self.takes_timespan) else {
            return Ok(query.text.clone());
        };
        let line = pipeline::line(timespan);
        pipeline::insert(&query.text, &line).ok_or_else(|| {
            self.no_range()
                .with_hint(format!("add this line after each table: {line}"))
        })
    }

    /// The refusal of a range of time that fits nowhere.
    pub(crate) fn no_range(&self) -> Error {
        let environment = self.environment;
        Error::new(
            ErrorKind::Usage,
            format!("{environment} takes no range of time beside the query"),
        )
    }
}
