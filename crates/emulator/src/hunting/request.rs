//! What a hunting request asks: its body, or the parameters of Graph's function.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::backend::TimeRange;
use super::timespan;
use crate::api::Refused;
use crate::hosts::Api;
use crate::request::Asked;

/// The parameters of Graph's action and function, as its metadata spells them.
///
/// Sources: <https://learn.microsoft.com/graph/api/security-security-runhuntingquery>,
/// <https://learn.microsoft.com/graph/api/security-security-getrunhuntingquery>
const PARAMETERS: [&str; 3] = ["query", "timespan", "workspaceId"];

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
    match api {
        Api::Graph => of_action(&body, now),
        Api::Mde | Api::M365d => match body.get("Query") {
            Some(Value::String(query)) if !query.trim().is_empty() => Ok(Request {
                query: query.clone(),
                time_range: None,
            }),
            _ => Err(unreadable(api)),
        },
    }
}

/// Graph's parameters are `query` and `timespan` in its metadata and `Query` and `Timespan` in
/// its documentation, and it takes both; other members than the parameters are refused in the
/// words of its `OData` library. The other two APIs say that cases matter, and mean it.
fn of_action(body: &Map<String, Value>, now: i64) -> Result<Request, Refused> {
    let mut parameters = BTreeMap::new();
    for (name, value) in body {
        // What is said of the payload and not in it.
        if name.contains('@') {
            continue;
        }
        let known = PARAMETERS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                Refused::bad_request(format!(
                    "The parameter '{name}' in the request payload is not a valid parameter for \
                     the operation 'runHuntingQuery'."
                ))
            })?;
        let text = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => return Err(wrong_type(&other.to_string(), known)),
        };
        if parameters
            .insert(known.to_ascii_lowercase(), text)
            .is_some()
        {
            return Err(Refused::bad_request(format!(
                "Multiple parameters with the name '{known}' were found in the request payload."
            )));
        }
    }
    let parameters = parameters
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect();
    read(&parameters, now)
}

/// Reads the parameters of `getRunHuntingQuery`, whose names are in lower case; one of them may be
/// the alias of what stands in `query`, the address's own.
pub(super) fn of_function(
    parameters: &BTreeMap<String, String>,
    query: Option<&str>,
    now: i64,
) -> Result<Request, Refused> {
    let parameters = &unaliased(parameters, query)?;
    let unknown = parameters.keys().find(|name| {
        !PARAMETERS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    });
    if let Some(name) = unknown {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            format!(
                "The parameter '{name}' is not a valid parameter for the function \
                 'getRunHuntingQuery'."
            ),
        ));
    }
    read(parameters, now)
}

/// `parameters` with what their aliases stand for: `(query=@q)?@q='…'`.
///
/// Source: <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>
fn unaliased(
    parameters: &BTreeMap<String, String>,
    query: Option<&str>,
) -> Result<BTreeMap<String, String>, Refused> {
    let is_alias = |text: &str| {
        let name = text.strip_prefix('@').unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let mut options = BTreeMap::new();
    let given = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    options.extend(given.filter(|(name, _)| is_alias(name)));
    let stands_for = |text: &String| {
        if !is_alias(text) {
            return Ok(text.clone());
        }
        let value = options.get(text.as_str()).ok_or_else(|| {
            Refused::bad_request(format!("The parameter alias '{text}' has no value."))
        })?;
        let inner = value.strip_prefix('\'');
        let inner = inner.and_then(|inner| inner.strip_suffix('\''));
        Ok(inner.map_or_else(|| value.to_string(), |inner| inner.replace("''", "'")))
    };
    parameters
        .iter()
        .map(|(name, text)| Ok((name.clone(), stands_for(text)?)))
        .collect()
}

fn read(parameters: &BTreeMap<String, String>, now: i64) -> Result<Request, Refused> {
    let query = parameters
        .get("query")
        .filter(|query| !query.trim().is_empty())
        .ok_or_else(|| Refused::bad_request("The parameter 'Query' is missing or empty."))?;
    let time_range = match parameters.get("timespan") {
        None => None,
        Some(text) => Some(timespan::parse(text, now).ok_or_else(|| {
            Refused::bad_request(format!("The timespan '{text}' is not in ISO 8601 format."))
        })?),
    };
    // A workspace that is not there is passed over for the tenant's own, as the page says.
    if let Some(id) = parameters.get("workspaceid")
        && !crate::identifiers::is_guid(id)
    {
        return Err(wrong_type(id, "workspaceId"));
    }
    Ok(Request {
        query: query.clone(),
        time_range,
    })
}

/// A value that is not what the parameter holds.
fn wrong_type(value: &str, parameter: &str) -> Refused {
    let expected = match parameter {
        "workspaceId" => "Edm.Guid",
        _ => "Edm.String",
    };
    Refused::bad_request(format!(
        "Cannot convert the literal '{value}' to the expected type '{expected}'."
    ))
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
