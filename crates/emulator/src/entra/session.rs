//! What `OpenID` Connect adds after the sign-in: the end of the session.

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::directory::Directory;
use super::form::{SESSION, cookie, parameters};
use super::page;
use super::redirect::{self, ResponseMode, registered};
use crate::reply;
use crate::request::Asked;

impl Directory {
    /// `/{tenant}/oauth2/v2.0/logout`: ends the browser's session, and sends it to an address that
    /// an application has registered.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request>
    pub(super) fn logout(&self, asked: &Asked) -> Response<Bytes> {
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
        reply::set(&mut response, "set-cookie", &ended);
        response
    }
}
