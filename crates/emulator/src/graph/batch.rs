//! Graph's JSON batching: up to twenty requests in one.
//!
//! Source: <https://learn.microsoft.com/graph/json-batching>

use std::collections::BTreeMap;
use std::fmt::Write;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::api::{self, Refused};
use crate::entra::Directory;
use crate::hosts::Api;
use crate::path::Path;
use crate::reply;
use crate::request::Asked;

/// How many requests a batch may hold.
const MOST: usize = 20;

/// What only the request around it may say, or what is said anew for each of its requests.
const OF_THE_WHOLE: [HeaderName; 3] = [
    CONTENT_TYPE,
    http::header::CONTENT_LENGTH,
    http::header::ACCEPT_ENCODING,
];

/// Answers a request of a batch, as if it had come by itself.
#[async_trait]
pub(crate) trait Within: Sync {
    async fn within(&self, asked: &Asked) -> Response<Bytes>;
}

/// One request of a batch.
#[derive(Debug)]
struct Step {
    id: String,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    depends_on: Vec<String>,
}

/// Answers a batch; a request whose predecessor failed is not sent.
pub(crate) async fn answer(
    directory: &Directory,
    router: &dyn Within,
    asked: &Asked,
) -> Response<Bytes> {
    let read = api::authenticate(directory, Api::Graph, asked)
        .and_then(|_| steps(asked).map_err(Refused::bad_request));
    let steps = match read {
        Ok(steps) => steps,
        Err(refused) => return refused.response(&directory.site, Api::Graph, asked),
    };
    let mut answers: Vec<Value> = Vec::with_capacity(steps.len());
    let mut succeeded: BTreeMap<String, bool> = BTreeMap::new();
    let mut waiting = steps;
    while !waiting.is_empty() {
        let (ready, rest): (Vec<Step>, Vec<Step>) = waiting.into_iter().partition(|step| {
            let mut before = step.depends_on.iter();
            before.all(|id| succeeded.contains_key(&id.to_lowercase()))
        });
        // A circle is refused before, so that every round has something to do.
        if ready.is_empty() {
            break;
        }
        for step in ready {
            let mut before = step.depends_on.iter();
            let held = before.any(|id| succeeded.get(&id.to_lowercase()) == Some(&false));
            let response = if held {
                Refused::new(
                    StatusCode::FAILED_DEPENDENCY,
                    "FailedDependency",
                    "A request that this one depends on failed.",
                )
                .response(&directory.site, Api::Graph, asked)
            } else {
                router.within(&inner(directory, asked, &step)).await
            };
            succeeded.insert(step.id.to_lowercase(), response.status().is_success());
            answers.push(written(&step.id, &response));
        }
        waiting = rest;
    }
    let mut response = reply::json(StatusCode::OK, &json!({ "responses": answers }));
    api::identify(&mut response, Api::Graph, asked);
    response
}

/// The request that a step is by itself.
fn inner(directory: &Directory, asked: &Asked, step: &Step) -> Asked {
    let mut headers = asked.headers.clone();
    for name in OF_THE_WHOLE {
        headers.remove(name);
    }
    // What the request says itself goes first, its token too.
    for name in step.headers.keys() {
        headers.remove(name);
    }
    headers.extend(step.headers.clone());
    Asked {
        place: asked.place,
        path: Path::parse(step.uri.path()),
        method: step.method.clone(),
        uri: step.uri.clone(),
        headers,
        body: step.body.clone(),
        origin: asked.origin.clone(),
        id: directory.site.identifier(),
    }
}

/// A response as the batch has it: JSON as it is, anything else in base64.
fn written(id: &str, response: &Response<Bytes>) -> Value {
    let headers: Map<String, Value> = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((titled(name), value.to_str().ok()?.into())))
        .collect();
    let mut written = json!({
        "id": id,
        "status": response.status().as_u16(),
        "headers": headers,
    });
    let body = response.body();
    if !body.is_empty() {
        written["body"] =
            serde_json::from_slice(body).unwrap_or_else(|_| Value::String(STANDARD.encode(body)));
    }
    written
}

/// A header's name as Graph writes it in a batch: `Content-Type`, but `request-id`.
fn titled(name: &HeaderName) -> String {
    let name = name.as_str();
    if name.ends_with("request-id") || name.starts_with("x-ms-") {
        return name.to_owned();
    }
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    });
    words.collect::<Vec<_>>().join("-")
}

/// Reads the batch; the sentence of what is wrong with it as a whole.
fn steps(asked: &Asked) -> Result<Vec<Step>, String> {
    let content_type = asked.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(
            "Invalid Content-Type: a batch request must be of type application/json.".to_owned(),
        );
    }
    let body: Value = serde_json::from_slice(&asked.body)
        .map_err(|_| "Invalid batch payload format.".to_owned())?;
    let requests = body
        .get("requests")
        .and_then(Value::as_array)
        .ok_or("Invalid batch payload format: the property 'requests' is missing.")?;
    if requests.is_empty() {
        return Err("Invalid batch payload format: 'requests' is empty.".to_owned());
    }
    if requests.len() > MOST {
        return Err(format!(
            "Number of batch request steps exceeds the maximum value of {MOST}."
        ));
    }
    let version = if asked.path.is_beta() { "beta" } else { "v1.0" };
    let mut steps: Vec<Step> = Vec::with_capacity(requests.len());
    for request in requests {
        let step = step(request, version)?;
        if steps.iter().any(|other| same(&other.id, &step.id)) {
            return Err(format!(
                "Request Id '{}' has to be unique in a batch.",
                step.id
            ));
        }
        steps.push(step);
    }
    for step in &steps {
        for id in &step.depends_on {
            if !steps.iter().any(|other| same(&other.id, id)) {
                return Err(format!(
                    "Request '{}' depends on '{id}', which is not in the batch.",
                    step.id
                ));
            }
        }
    }
    if circular(&steps) {
        return Err("The requests of the batch depend on each other in a circle.".to_owned());
    }
    Ok(steps)
}

/// Identifiers are not case-sensitive.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn step(request: &Value, version: &str) -> Result<Step, String> {
    let text = |name: &str| {
        request
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let id = text("id").ok_or("Invalid batch payload format: a request has no 'id'.")?;
    let wrong = |what: &str| format!("Invalid batch payload format: request '{id}' {what}.");
    let method = text("method").ok_or_else(|| wrong("has no 'method'"))?;
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| wrong("has a 'method' that is none"))?;
    let url = text("url").ok_or_else(|| wrong("has no 'url'"))?;
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("http:") || lower.starts_with("https:") || lower.starts_with("//") {
        return Err(wrong("has a 'url' that is not relative"));
    }
    let uri = format!("/{version}/{}", escaped(url.trim_start_matches('/')))
        .parse()
        .map_err(|_| wrong("has a 'url' that is none"))?;
    let headers = headers(request.get("headers")).ok_or_else(|| wrong("has invalid 'headers'"))?;
    let body = match request.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(_) if !headers.contains_key(CONTENT_TYPE) => {
            return Err(wrong(
                "has a 'body' and must have the header 'Content-Type' with it",
            ));
        }
        Some(Value::String(encoded)) => STANDARD
            .decode(encoded)
            .map_err(|_| wrong("has a 'body' that is neither JSON nor base64"))?
            .into(),
        Some(document) => document.to_string().into(),
    };
    let depends_on = match request.get("dependsOn") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => ids
            .iter()
            .map(|id| id.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("has a 'dependsOn' that holds no identifiers"))?,
        Some(_) => return Err(wrong("has a 'dependsOn' that is not a list")),
    };
    Ok(Step {
        id: id.to_owned(),
        method,
        uri,
        headers,
        body,
        depends_on,
    })
}

/// A relative address as it may stand in a request line: the documentation writes blanks in it.
fn escaped(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        let odd = b" \"<>\\^`{|}".contains(&byte);
        if odd || byte.is_ascii_control() || !byte.is_ascii() {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

fn headers(sent: Option<&Value>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let sent = match sent {
        None | Some(Value::Null) => return Some(headers),
        Some(sent) => sent.as_object()?,
    };
    for (name, value) in sent {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        // Where it goes is not its own to say.
        if name != HOST {
            headers.append(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    Some(headers)
}

/// Whether some requests wait for each other.
fn circular(steps: &[Step]) -> bool {
    let mut left: Vec<&Step> = steps.iter().collect();
    loop {
        let before = left.len();
        let waits_for = |id: &String, left: &[&Step]| left.iter().any(|other| same(&other.id, id));
        let kept: Vec<&Step> = left
            .iter()
            .copied()
            .filter(|step| step.depends_on.iter().any(|id| waits_for(id, &left)))
            .collect();
        left = kept;
        if left.len() == before {
            return !left.is_empty();
        }
    }
}
