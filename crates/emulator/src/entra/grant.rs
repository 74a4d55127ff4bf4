//! What all grants have in common: the request that they read, and the tokens that they give.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::directory::{Directory, Version};
use super::jwt::Claims;
use super::refusal::Refusal;
use super::resource::{Resource, resource};
use super::scope::Scope;
use crate::options::Tenant;
use crate::registration::Application;
use crate::reply;
use crate::request::Asked;

/// A request at the token endpoint whose tenant is known.
pub(super) struct TokenRequest<'a> {
    pub(super) directory: &'a Directory,
    pub(super) asked: &'a Asked,
    pub(super) tenant: &'a Tenant,
    /// What stood in the path: the tenant, or `organizations`.
    pub(super) authority: String,
    pub(super) version: Version,
    pub(super) form: HashMap<String, String>,
}

/// A token, and what is said around it.
pub(super) struct Granted {
    version: Version,
    token: String,
    client_id: String,
    resource: String,
    lifetime: i64,
    not_before: i64,
    /// What goes with a user's token.
    pub(super) user: Option<UserAnswer>,
}

/// What is said around a user's token.
pub(super) struct UserAnswer {
    pub(super) scope: String,
    pub(super) refresh_token: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) client_info: Option<String>,
}

impl<'a> TokenRequest<'a> {
    /// The time in seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.directory.site.unix_seconds()
    }

    /// A field that is there and not empty.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.field(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The application that `client_id` names.
    pub(super) fn application(&self) -> Result<&'a Application, Refusal> {
        let client_id = self.required("client_id")?;
        self.tenant
            .application(client_id)
            .ok_or_else(|| Refusal::application_not_found(client_id, self.tenant))
    }

    /// The one named here as the form names it, for the shape of version 1.
    pub(super) fn scope_text(&self) -> Option<String> {
        match (self.version, self.field("scope"), self.field("resource")) {
            (Version::One, _, Some(resource)) => Some(Scope::of_resource(resource)),
            (_, Some(scope), _) => Some(scope.to_owned()),
            _ => None,
        }
    }

    /// The resource behind a name, if it exists in the tenant's cloud.
    pub(super) fn resource(&self, name: &str) -> Result<Resource, Refusal> {
        resource(self.asked, self.tenant, name)
    }
}

impl Directory {
    /// A token for `application` itself, whose proof was of this class.
    pub(super) fn application_token(
        &self,
        tenant: &Tenant,
        version: Version,
        application: &Application,
        resource: Resource,
        proof: &str,
    ) -> Result<Granted, Refusal> {
        let roles = resource
            .apis
            .iter()
            .filter_map(|api| application.roles.get(api))
            .flatten()
            .cloned()
            .collect();
        let principal = application.object_id(&tenant.id);
        let claims = Claims {
            aud: resource.audience,
            app_displayname: application.name.clone(),
            appid: application.client_id.clone(),
            appidacr: proof.to_owned(),
            idtyp: "app".to_owned(),
            oid: principal.clone(),
            sub: principal,
            roles,
            ..Claims::default()
        };
        self.issue(tenant, version, claims)
    }

    /// Signs `claims`, with the issuer, the dates and the tenant put in.
    pub(super) fn issue(
        &self,
        tenant: &Tenant,
        version: Version,
        claims: Claims,
    ) -> Result<Granted, Refusal> {
        let now = self.site.unix_seconds();
        let lifetime = i64::try_from(self.token_lifetime.as_secs()).unwrap_or(i64::MAX);
        let issuer = format!("{}/{}/", tenant.cloud.issuer(), tenant.id);
        let claims = Claims {
            iss: issuer.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(lifetime),
            idp: issuer,
            tid: tenant.id.clone(),
            uti: URL_SAFE_NO_PAD.encode(&self.site.identifier().as_bytes()[..16]),
            ver: "1.0".to_owned(),
            ..claims
        };
        let token = self.signed(tenant.cloud, &claims)?;
        Ok(Granted {
            version,
            token,
            client_id: claims.appid,
            resource: claims.aud,
            lifetime,
            not_before: now,
            user: None,
        })
    }
}

impl Granted {
    /// Whom the token was given to.
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The answer; version 1 writes its numbers as text.
    pub(super) fn response(&self, asked: &Asked) -> Response<Bytes> {
        let mut body: Value = match self.version {
            Version::Two => json!({
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": self.token,
            }),
            Version::One => self.in_text(),
        };
        if let Some(user) = &self.user {
            body["scope"] = user.scope.clone().into();
            for (name, value) in [
                ("refresh_token", &user.refresh_token),
                ("id_token", &user.id_token),
                ("client_info", &user.client_info),
            ] {
                if let Some(value) = value {
                    body[name] = value.clone().into();
                }
            }
        }
        let mut response = reply::json(StatusCode::OK, &body);
        reply::set(&mut response, "x-ms-request-id", &asked.id);
        if let Some(sent) = asked.header("client-request-id") {
            reply::set(&mut response, "client-request-id", sent);
        }
        reply::set(&mut response, "cache-control", "no-store, no-cache");
        response
    }

    /// The answer with its numbers as text, which version 1 and machines' endpoints have.
    pub(super) fn in_text(&self) -> Value {
        json!({
            "token_type": "Bearer",
            "expires_in": self.lifetime.to_string(),
            "ext_expires_in": self.lifetime.to_string(),
            "expires_on": self.not_before.saturating_add(self.lifetime).to_string(),
            "not_before": self.not_before.to_string(),
            "resource": self.resource,
            "access_token": self.token,
        })
    }
}
