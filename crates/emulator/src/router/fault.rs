//! Which fault meets a request, and the answer that it gives in place of the service.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::Router;
use super::route::Route;
use crate::entra::Directory;
use crate::faults::{Fault, FaultAnswer, FaultBody, Subject};
use crate::options::Tenant;
use crate::request::Asked;
use crate::{api, path, reply, vault};

impl Router {
    /// What goes wrong with a request, if anything does.
    pub(super) fn fault(&self, route: &Route, asked: &Asked, host: &str) -> Fault {
        if self.faults.is_empty() {
            return Fault::default();
        }
        let subject = Subject {
            method: asked.method.as_str(),
            host,
            path: &path::collapsed(asked.uri.path()),
            api: route.endpoint().api(),
            query: match route {
                Route::Hunting(endpoint) => endpoint.query(&asked.body),
                _ => None,
            },
            tenant: self.tenant_of(route, asked),
        };
        self.faults.meet(&subject).unwrap_or_default()
    }

    /// The tenant that a request is about: the one whose vault it is or who issued its token,
    /// else the one that it signs in to.
    fn tenant_of(&self, route: &Route, asked: &Asked) -> Option<&Tenant> {
        match (route, route.endpoint().authority()) {
            (Route::Vault(endpoint), _) => {
                let found = self.vaults.find(&endpoint.vault, asked.place.cloud());
                found.map(|(tenant, _)| tenant)
            }
            (_, Some(name)) => self.directory.tenant_signed_in_to(asked, name),
            (_, None) => self.directory.tenant_of_token(asked),
        }
    }

    /// The answer that a fault gives in place of the service.
    pub(super) fn misanswer(
        &self,
        route: &Route,
        asked: &Asked,
        answer: &FaultAnswer,
    ) -> Response<Bytes> {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = match &answer.body {
            FaultBody::Html => reply::html(status),
            FaultBody::Empty => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
            FaultBody::Json(document) => reply::json(status, document),
            FaultBody::Text(text) => {
                reply::with_type(status, "text/plain; charset=utf-8", text.clone())
            }
            FaultBody::Service => match (route, route.endpoint().api()) {
                (_, Some(api)) => api::outage(&self.site, api, asked, status),
                (Route::Vault(_), _) => vault::outage(asked, status),
                _ => Directory::outage(&self.site, asked, status),
            },
        };
        if let Some(seconds) = answer.retry_after {
            reply::retry_after(&mut response, seconds);
        }
        for (name, value) in &answer.headers {
            if let (Ok(name), Ok(value)) = (
                http::HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(value),
            ) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
