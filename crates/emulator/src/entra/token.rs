//! The token endpoint: finds the tenant and the grant.
//!
//! A grant is a function from an [`Application`](crate::Application) that is known to a
//! [`Granted`] or a [`Refusal`]; another one is another file and another line in [`grant`].

use bytes::Bytes;
use http::{Response, StatusCode};

use super::directory::{Directory, Version};
use super::form::form;
use super::grant::{Granted, TokenRequest};
use super::refusal::Refusal;
use super::{
    authorization_code, client_credentials, device_code, on_behalf_of, password, refresh_token,
};
use crate::request::Asked;
use crate::site::Site;

impl Directory {
    /// The token endpoint.
    pub(super) fn token(&self, asked: &Asked, tenant: &str, version: Version) -> Response<Bytes> {
        match grant(self, asked, tenant, version) {
            Ok(granted) => granted.response(asked),
            Err(refusal) => refusal.response(&self.site, asked),
        }
    }

    /// What Entra ID says when it is not well, or what a gateway in front of it does.
    pub(crate) fn outage(site: &Site, asked: &Asked, status: StatusCode) -> Response<Bytes> {
        Refusal::outage(status).response(site, asked)
    }
}

/// Finds the tenant and the grant, and carries it out.
fn grant(
    directory: &Directory,
    asked: &Asked,
    tenant: &str,
    version: Version,
) -> Result<Granted, Refusal> {
    let form = form(asked);
    let grant_type = form.get("grant_type").cloned();
    let found = match grant_type.as_deref() {
        Some("client_credentials") => directory
            .tenant(tenant, asked.place)
            .map_err(Refusal::confidential)?,
        _ => directory.home(tenant, asked.place, &form)?,
    };
    let request = TokenRequest {
        directory,
        asked,
        tenant: found,
        authority: tenant.to_owned(),
        version,
        form,
    };
    match grant_type.as_deref() {
        None => Err(Refusal::missing("grant_type")),
        Some("client_credentials") => client_credentials::grant(&request),
        Some("authorization_code") => authorization_code::grant(&request),
        Some("refresh_token") => refresh_token::grant(&request),
        Some("password") => password::grant(&request),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => on_behalf_of::grant(&request),
        Some("urn:ietf:params:oauth:grant-type:device_code" | "device_code") => {
            device_code::grant(&request)
        }
        Some(other) => Err(Refusal::grant_type(other)),
    }
}
