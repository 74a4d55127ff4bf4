//! The body of a hunting request.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::answer::Refused;
use super::backend::TimeRange;
use super::timespan;
use crate::hosts::Api;
use crate::service::Asked;

/// What a client wants to know.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) query: String,
    /// What the request itself restricts the query to.
    pub(super) time_range: Option<TimeRange>,
}

/// Reads the body as the API does.
pub(super) fn parse(api: Api, asked: &Asked, now: i64) -> Result<Request, Refused> {
    let content_type = asked.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(unreadable(api));
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&asked.body) else {
        return Err(unreadable(api));
    };
    let query = match field(api, &body, "Query") {
        Some(Value::String(query)) => query,
        Some(_) => return Err(unreadable(api)),
        None => return Err(missing_query(api)),
    };
    if query.trim().is_empty() {
        return Err(missing_query(api));
    }
    let time_range = match field(api, &body, "Timespan").filter(|_| api == Api::Graph) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(timespan::parse(text, now).ok_or_else(|| {
            Refused::bad_request(format!("The timespan '{text}' is not in ISO 8601 format."))
        })?),
        Some(_) => return Err(unreadable(api)),
    };
    Ok(Request {
        query: query.clone(),
        time_range,
    })
}

/// Graph's parameters are `query` and `timespan` in its metadata and `Query` and `Timespan` in
/// its documentation, and it takes both; the other two say that cases matter, and mean it.
fn field<'a>(api: Api, body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match api {
        Api::Graph => body
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value),
        Api::Mde | Api::M365d => body.get(name),
    }
}

fn unreadable(api: Api) -> Refused {
    match api {
        Api::Graph => Refused::bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        ),
        Api::Mde | Api::M365d => Refused::new(
            StatusCode::BAD_REQUEST,
            "InvalidRequestBody",
            "Request body is incorrect",
        ),
    }
}

fn missing_query(api: Api) -> Refused {
    match api {
        Api::Graph => Refused::bad_request("The parameter 'Query' is missing or empty."),
        Api::Mde | Api::M365d => unreadable(api),
    }
}
