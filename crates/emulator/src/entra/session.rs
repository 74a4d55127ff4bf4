//! What `OpenID` Connect adds after the sign-in: who the user is, and the end of the session.

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value};

use super::authorize::{SESSION, parameters};
use super::redirect::{self, ResponseMode, registered};
use super::{Directory, page};
use crate::hosts::Api;
use crate::hunting::{self, Refused};
use crate::reply;
use crate::request::Asked;
use crate::service::Service;

impl Directory {
    /// `/oidc/userinfo` of Graph: what an identity token says too.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/userinfo>
    pub(crate) fn user_info(&self, service: &Service, asked: &Asked) -> Response<Bytes> {
        match self.known(service, asked) {
            Ok(user) => {
                let mut response = reply::json(StatusCode::OK, &user.into());
                hunting::identify(&mut response, Api::Graph, asked);
                response
            }
            Err(refused) => refused.response(service, Api::Graph, asked),
        }
    }

    fn known(&self, service: &Service, asked: &Asked) -> Result<Map<String, Value>, Refused> {
        let claims = hunting::authenticate(service, Api::Graph, asked)?;
        let has = |wanted: &str| claims.scp.split_whitespace().any(|name| name == wanted);
        let user = self.user_by_id(&claims.oid).filter(|_| has("openid"));
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

    /// `/{tenant}/oauth2/v2.0/logout`: ends the browser's session, and sends it to an address that
    /// an application has registered.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request>
    pub(crate) fn logout(&self, asked: &Asked) -> Response<Bytes> {
        let mut sent = parameters(asked);
        if asked.method == Method::POST {
            // A form may have the address in its query.
            let query = asked.uri.query().unwrap_or_default();
            for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
                sent.entry(name.into_owned()).or_insert(value.into_owned());
            }
        }
        if let Some(session) = cookie(asked) {
            self.state.lock().sessions.remove(session);
        }
        let back = sent.get("post_logout_redirect_uri").filter(|uri| {
            let mut applications = self.tenants.iter().flat_map(|tenant| &tenant.applications);
            applications.any(|application| registered(application, uri).is_some())
        });
        let mut response = match back {
            Some(uri) => {
                let state = sent.get("state").map(|state| ("state", state.clone()));
                redirect::answer(uri, ResponseMode::Query, state.as_slice())
            }
            None => page::page(
                StatusCode::OK,
                "You signed out of your account",
                "<p>It's a good idea to close all browser windows.</p>",
            ),
        };
        let ended = format!("{SESSION}=; path=/; Max-Age=0; HttpOnly; SameSite=None");
        if let Ok(ended) = HeaderValue::from_str(&ended) {
            response.headers_mut().insert(SET_COOKIE, ended);
        }
        response
    }
}

/// The session that the browser shows.
pub(super) fn cookie(asked: &Asked) -> Option<&str> {
    let cookies = asked.header(COOKIE.as_str())?;
    let (_, session) = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == SESSION)?;
    Some(session)
}
