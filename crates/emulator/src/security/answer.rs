//! A page of a collection, or one row of it.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::collection::Collection;
use super::item::Item;
use super::options::Options;
use super::tables::Tables;
use super::{enumeration, related};
use crate::api::{self, Refused};
use crate::hosts::Api;
use crate::hunting::Hunting;
use crate::reply;
use crate::request::Asked;

/// Answers a request for a collection.
pub(crate) async fn answer(hunting: &Hunting, item: &Item, asked: &Asked) -> Response<Bytes> {
    let api = item.collection().api();
    match page(hunting, item, asked).await {
        Ok(mut response) => {
            api::identify(&mut response, api, asked);
            response
        }
        Err(refused) => refused.response(&hunting.directory.site, api, asked),
    }
}

async fn page(hunting: &Hunting, item: &Item, asked: &Asked) -> Result<Response<Bytes>, Refused> {
    let collection = item.collection();
    let (roles, scopes) = collection.permissions();
    let claims = api::authorize(&hunting.directory, collection.api(), asked, roles, scopes)?;
    let options = Options::parse(collection, asked).map_err(|message| {
        let code = match collection.api() {
            Api::Graph => "BadRequest",
            _ => "ODataError",
        };
        Refused::new(StatusCode::BAD_REQUEST, code, message)
    })?;
    let tables = Tables {
        hunting,
        tenant: &claims.tid,
    };
    let mut rows = related::found(tables, item, asked, options.expand).await?;
    let hides = !enumeration::asked_for(asked);
    let context = format!("{}#{}", metadata(collection, asked), collection.metadata());
    if item.is_single() {
        let mut document = Map::from_iter([(
            "@odata.context".to_owned(),
            format!("{context}/$entity").into(),
        )]);
        if let Some(mut row) = rows.pop() {
            if hides {
                enumeration::hide_newer(&mut row);
            }
            document.extend(row);
        }
        return Ok(reply::json(StatusCode::OK, &document.into()));
    }
    if options.ascending {
        rows.reverse();
    }
    if let Some(filter) = &options.filter {
        rows.retain(|row| filter.holds(row));
    }
    let found = rows.len();
    if item.count {
        let number = found.to_string();
        return Ok(reply::with_type(StatusCode::OK, "text/plain", number));
    }
    if hides {
        rows.iter_mut().for_each(enumeration::hide_newer);
    }
    let page = options.top.unwrap_or(usize::MAX).min(collection.page());
    let rows: Vec<Map<String, Value>> = rows.into_iter().skip(options.skip).take(page).collect();
    let mut body = json!({ "@odata.context": context });
    if options.count {
        body["@odata.count"] = found.into();
    }
    let next = options.skip.saturating_add(rows.len());
    // Graph's $top is the size of a page, Defender for Endpoint's the end.
    let ends = collection.api() == Api::Mde && options.top.is_some();
    if next < found && !rows.is_empty() && !ends {
        body["@odata.nextLink"] = following(collection, asked, &options, next).into();
    }
    body["value"] = rows.into_iter().map(Value::from).collect();
    Ok(reply::json(StatusCode::OK, &body))
}

fn metadata(collection: Collection, asked: &Asked) -> String {
    let version = match collection.api() {
        Api::Graph if asked.path.is_beta() => "beta",
        Api::Graph => "v1.0",
        _ => "api",
    };
    format!("{}/{version}/$metadata", asked.origin)
}

fn following(collection: Collection, asked: &Asked, options: &Options, next: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&options.repeated);
    let name = match collection.api() {
        Api::Graph => "$skiptoken",
        _ => "$skip",
    };
    query.append_pair(name, &next.to_string());
    format!("{}{}?{}", asked.origin, asked.uri.path(), query.finish())
}
