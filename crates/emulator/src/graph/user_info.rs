//! What `OpenID` Connect adds to a token: who the user is.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::api::{self, Refused};
use crate::entra::Directory;
use crate::hosts::Api;
use crate::reply;
use crate::request::Asked;

/// `/oidc/userinfo` of Graph: what an identity token says too.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/userinfo>
pub(crate) fn answer(directory: &Directory, asked: &Asked) -> Response<Bytes> {
    match known(directory, asked) {
        Ok(user) => {
            let mut response = reply::json(StatusCode::OK, &user.into());
            api::identify(&mut response, Api::Graph, asked);
            response
        }
        Err(refused) => refused.response(&directory.site, Api::Graph, asked),
    }
}

fn known(directory: &Directory, asked: &Asked) -> Result<Map<String, Value>, Refused> {
    let claims = api::authenticate(directory, Api::Graph, asked)?;
    let has = |wanted: &str| claims.scp.split_whitespace().any(|name| name == wanted);
    let user = directory.user_by_id(&claims.oid).filter(|_| has("openid"));
    let Some(user) = user else {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "The access token has no user who signed in with the scope 'openid'.",
        ));
    };
    let mut told = Map::new();
    let mut put = |name: &str, value: &str| told.insert(name.to_owned(), value.into());
    put("sub", &claims.sub);
    if has("profile") {
        put("name", &user.display_name);
        let (given, family) = user
            .display_name
            .split_once(' ')
            .unwrap_or((&user.display_name, ""));
        put("given_name", given);
        put("family_name", family);
        put(
            "picture",
            "https://graph.microsoft.com/v1.0/me/photo/$value",
        );
    }
    if has("email") {
        put("email", &user.name);
    }
    Ok(told)
}
