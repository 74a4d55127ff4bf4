//! One hunting request, from its token to its rows.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode};

use super::backend::{HuntingBackend, Question, TimeRange};
use super::encode::encode;
use super::endpoint::Endpoint;
use super::fault::QueryFault;
use super::json::Style;
use super::quota::Ledger;
use super::request::{self, Request};
use super::value::Rows;
use crate::api::{Refused, authorize, identify};
use crate::entra::Directory;
use crate::error::Error;
use crate::hosts::Api;
use crate::options::{Data, Limits, Options};
use crate::reply;
use crate::request::Asked;
use crate::ticks;

/// What Graph says its bodies are.
const ODATA: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                     IEEE754Compatible=false;charset=utf-8";

/// The hunting APIs: what answers their queries, and what they allow.
pub(crate) struct Hunting {
    pub(crate) directory: Arc<Directory>,
    backend: Arc<dyn HuntingBackend>,
    ledger: Option<Ledger>,
    limits: Limits,
    retention: Option<Duration>,
}

impl Hunting {
    /// # Errors
    ///
    /// [`Error::Data`]: folders that cannot be read.
    pub(crate) fn new(options: &Options, directory: Arc<Directory>) -> Result<Self, Error> {
        Ok(Self {
            directory,
            backend: backend(options)?,
            ledger: options.quotas.map(Ledger::new),
            limits: options.limits,
            retention: options.retention,
        })
    }

    pub(crate) async fn answer(
        &self,
        endpoint: &Endpoint,
        asked: &Asked,
        late_schema: bool,
    ) -> Response<Bytes> {
        let api = endpoint.api;
        match self.body(endpoint, asked, late_schema).await {
            Err(refused) => refused.response(&self.directory.site, api, asked),
            Ok(body) => {
                let content_type = match api {
                    Api::Graph => ODATA,
                    Api::Mde | Api::M365d => "application/json; charset=utf-8",
                };
                let mut response = reply::with_type(StatusCode::OK, content_type, body);
                identify(&mut response, api, asked);
                response
            }
        }
    }

    async fn body(
        &self,
        endpoint: &Endpoint,
        asked: &Asked,
        late_schema: bool,
    ) -> Result<Vec<u8>, Refused> {
        let api = endpoint.api;
        let (roles, scopes) = permissions(api);
        let claims = authorize(&self.directory, api, asked, roles, scopes)?;
        let begun = self.directory.site.now();
        if let Some(ledger) = &self.ledger {
            ledger.enter(api, &claims, begun)?;
        }
        let now = ticks::from_system_time(begun);
        let Request { query, time_range } = match &endpoint.parameters {
            Some(parameters) => request::of_function(parameters, asked.uri.query(), now)?,
            None => request::parse(api, asked, now)?,
        };
        let range = time_range.unwrap_or(TimeRange::ALL);
        let rows = self.rows(&claims.tid, api, query, range, begun).await;
        let rows = rows.map_err(refused)?;
        let elapsed = self.directory.site.now().duration_since(begun);
        let style = Style {
            api,
            origin: asked.origin.clone(),
            version: if asked.path.is_beta() { "beta" } else { "v1.0" },
            late_schema,
            seconds: elapsed.unwrap_or_default().as_secs_f64(),
        };
        let limits = self.limits;
        // Fifty megabytes take a while to write; other requests should not wait for it.
        tokio::task::spawn_blocking(move || encode(rows, &style, limits))
            .await
            .map_err(|_| {
                Refused::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalServerError",
                    "the emulator could not write the answer",
                )
            })?
            .map_err(refused)
    }

    /// The rows of `query` that are within `range` and still kept at `now`.
    pub(crate) async fn rows(
        &self,
        tenant: &str,
        api: Api,
        query: String,
        range: TimeRange,
        now: SystemTime,
    ) -> Result<Rows, QueryFault> {
        let kept = match self.retention {
            None => TimeRange::ALL,
            Some(retention) => TimeRange {
                // What is kept longer than there is time is kept for ever.
                start: now
                    .checked_sub(retention)
                    .map_or(TimeRange::ALL.start, ticks::from_system_time),
                end: ticks::from_system_time(now),
            },
        };
        let question = Question {
            tenant: tenant.to_owned(),
            api,
            query,
            time_range: kept.intersection(range),
            now: ticks::from_system_time(now),
            max_rows: self.limits.rows,
        };
        self.backend.run(question).await
    }
}

/// Whatever answers the queries of an emulator with these options.
#[cfg_attr(
    not(feature = "hunting"),
    expect(
        clippy::unnecessary_wraps,
        reason = "folders, which may be unreadable, come with the feature `hunting`"
    )
)]
fn backend(options: &Options) -> Result<Arc<dyn HuntingBackend>, Error> {
    match &options.data {
        Data::Backend(backend) => Ok(Arc::clone(backend)),
        #[cfg(feature = "hunting")]
        data => Ok(Arc::new(super::engine::Local::new(data, options)?)),
    }
}

/// The application roles and the delegated permissions that open it, as the API's page on
/// permissions prints them; any of them will do.
///
/// Sources: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>,
/// <https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api>,
/// <https://learn.microsoft.com/defender-xdr/api-advanced-hunting>
fn permissions(api: Api) -> (&'static [&'static str], &'static [&'static str]) {
    match api {
        Api::Graph => (&["ThreatHunting.Read.All"], &["ThreatHunting.Read.All"]),
        Api::Mde => (&["AdvancedQuery.Read.All"], &["AdvancedQuery.Read"]),
        Api::M365d => (&["AdvancedHunting.Read.All"], &["AdvancedHunting.Read"]),
    }
}

/// A query that is refused is a 400 in every API, whatever the reason.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn refused(fault: QueryFault) -> Refused {
    Refused::bad_request(fault.to_string())
}
