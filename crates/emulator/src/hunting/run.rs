//! One hunting request, from its token to its rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::backend::{Question, TimeRange};
use super::encode::encode;
use super::json::Style;
use super::request::{self, Request};
use crate::api::{Refused, authorize, identify};
use crate::hosts::Api;
use crate::reply;
use crate::request::Asked;
use crate::router::Router;
use crate::ticks;

/// What Graph says its bodies are.
const ODATA: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                     IEEE754Compatible=false;charset=utf-8";

/// Answers a hunting request, whose query stands in the body or, where there are any, in the
/// `parameters` of the path.
pub(crate) async fn hunt(
    service: &Router,
    api: Api,
    asked: &Asked,
    parameters: Option<&BTreeMap<String, String>>,
    late_schema: bool,
) -> Response<Bytes> {
    match rows(service, api, asked, parameters, late_schema).await {
        Err(refused) => refused.response(service, api, asked),
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

async fn rows(
    service: &Router,
    api: Api,
    asked: &Asked,
    parameters: Option<&BTreeMap<String, String>>,
    late_schema: bool,
) -> Result<Vec<u8>, Refused> {
    let (roles, scopes) = permissions(api);
    let claims = authorize(service, api, asked, roles, scopes)?;
    let begun = service.now();
    if let Some(ledger) = &service.ledger {
        ledger.enter(api, &claims, begun)?;
    }
    let now = ticks::from_system_time(begun);
    let Request { query, time_range } = match parameters {
        Some(parameters) => request::of_function(parameters, now)?,
        None => request::parse(api, asked, now)?,
    };
    let kept = match service.retention {
        None => TimeRange::ALL,
        Some(retention) => TimeRange {
            // What is kept longer than there is time is kept for ever.
            start: begun
                .checked_sub(retention)
                .map_or(TimeRange::ALL.start, ticks::from_system_time),
            end: now,
        },
    };
    let question = Question {
        tenant: claims.tid,
        api,
        query,
        time_range: kept.intersection(time_range.unwrap_or(TimeRange::ALL)),
        now,
        max_rows: service.limits.rows,
    };
    let limits = service.limits;
    let answer = service.backend.run(question).await.map_err(refused)?;
    let elapsed = service.now().duration_since(begun).unwrap_or_default();
    let style = Style {
        api,
        origin: asked.origin.clone(),
        version: if asked.path.is_beta() { "beta" } else { "v1.0" },
        late_schema,
        seconds: elapsed.as_secs_f64(),
    };
    // Fifty megabytes take a while to write; other requests should not wait for it.
    tokio::task::spawn_blocking(move || encode(answer, &style, limits))
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
fn refused(fault: super::QueryFault) -> Refused {
    Refused::bad_request(fault.to_string())
}
