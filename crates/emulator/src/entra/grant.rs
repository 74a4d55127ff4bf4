//! The token endpoint: what all grants have in common.
//!
//! A grant is a function from an [`Application`] that is known to a [`Granted`] or a [`Refusal`];
//! another one is another file and another line in [`grant`].

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::jwt::Claims;
use super::proof::Proof;
use super::refusal::Refusal;
use super::{
    Directory, Version, authorization_code, client_credentials, device_code, on_behalf_of,
    password, refresh_token,
};
use crate::hosts::{self, Api};
use crate::options::Tenant;
use crate::registration::Application;
use crate::reply;
use crate::request::{Asked, Place};
use crate::service::Service;
use crate::ticks;

/// A request at the token endpoint whose tenant is known.
pub(super) struct TokenRequest<'a> {
    pub(super) directory: &'a Directory,
    pub(super) service: &'a Service,
    pub(super) asked: &'a Asked,
    pub(super) tenant: &'a Tenant,
    /// What stood in the path: the tenant, or `organizations`.
    pub(super) authority: String,
    pub(super) version: Version,
    form: HashMap<String, String>,
}

/// What a token is made out for.
pub(super) struct Resource {
    /// The audience, as the client named it.
    pub(super) audience: String,
    /// The APIs whose roles go into the token; one, except for the emulator's own address.
    pub(super) apis: Vec<Api>,
    /// Whether it is Key Vault, which has one delegated permission.
    pub(super) vault: bool,
    /// The application of the tenant whose own API it is, if it is one's.
    owner: Option<String>,
    /// The delegated permissions that such an API has.
    pub(super) exposed: Vec<String>,
}

impl Resource {
    /// Whether it is the API of an application of the tenant, and none of Microsoft's.
    pub(super) fn is_own(&self) -> bool {
        self.owner.is_some()
    }

    /// The identifier of the application behind it.
    pub(super) fn id(&self) -> String {
        match (&self.owner, self.apis.first()) {
            (Some(owner), _) => owner.clone(),
            (None, Some(api)) => api.application_id().to_owned(),
            (None, None) => hosts::VAULT_APPLICATION.to_owned(),
        }
    }
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

/// Finds the tenant and the grant, and carries it out.
pub(super) fn grant(
    directory: &Directory,
    service: &Service,
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
        service,
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

/// The form's fields and, from a Basic header, the client's name and secret; nothing when the
/// body says that it is something else.
///
/// A body that does not say what it is counts as a form: MSTICPy has always sent it so, and it
/// signs in.
pub(super) fn form(asked: &Asked) -> HashMap<String, String> {
    let is_form = asked
        .header(CONTENT_TYPE.as_str())
        .is_none_or(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return HashMap::new();
    }
    let mut form: HashMap<String, String> = url::form_urlencoded::parse(&asked.body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if let Some((user, password)) = basic(asked) {
        form.entry("client_id".to_owned()).or_insert(user);
        form.entry("client_secret".to_owned()).or_insert(password);
    }
    form
}

/// The two halves of a Basic header, which OAuth has form-encoded before they are joined.
fn basic(asked: &Asked) -> Option<(String, String)> {
    let (scheme, credentials) = asked.header(AUTHORIZATION.as_str())?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let plain = |text: &str| {
        url::form_urlencoded::parse(format!("v={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(user)?, plain(password)?))
}

impl<'a> TokenRequest<'a> {
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
            (Version::One, _, Some(resource)) => {
                Some(format!("{resource}/.default openid profile offline_access"))
            }
            (_, Some(scope), _) => Some(scope.to_owned()),
            _ => None,
        }
    }

    /// The resource behind a name, if it exists in the tenant's cloud.
    pub(super) fn resource(&self, name: &str) -> Result<Resource, Refusal> {
        resource(self.asked, self.tenant, name)
    }

    /// A token for `application` itself.
    pub(super) fn application_token(
        &self,
        application: &Application,
        resource: Resource,
        proof: Proof,
    ) -> Result<Granted, Refusal> {
        let roles = resource
            .apis
            .iter()
            .filter_map(|api| application.roles.get(api))
            .flatten()
            .cloned()
            .collect();
        let principal = application.object_id(&self.tenant.id);
        self.directory.issue(
            self.service,
            self.tenant,
            self.version,
            Claims {
                aud: resource.audience,
                app_displayname: application.name.clone(),
                appid: application.client_id.clone(),
                appidacr: proof.class().to_owned(),
                idtyp: "app".to_owned(),
                oid: principal.clone(),
                sub: principal,
                roles,
                ..Claims::default()
            },
        )
    }
}

/// The resource behind a name, if it exists in the tenant's cloud.
pub(super) fn resource(asked: &Asked, tenant: &Tenant, name: &str) -> Result<Resource, Refusal> {
    let trimmed = name.trim_end_matches('/');
    let found = |apis: Vec<Api>, vault| Resource {
        audience: trimmed.to_owned(),
        apis,
        vault,
        owner: None,
        exposed: Vec::new(),
    };
    if matches!(asked.place, Place::Direct(_)) && trimmed.eq_ignore_ascii_case(&asked.origin) {
        return Ok(found(Api::ALL.to_vec(), true));
    }
    let own_api = trimmed.strip_prefix("api://").unwrap_or(trimmed);
    if let Some(application) = tenant.application(own_api)
        && !application.exposes.is_empty()
    {
        return Ok(Resource {
            owner: Some(application.client_id.clone()),
            exposed: application.exposes.clone(),
            ..found(Vec::new(), false)
        });
    }
    let own = |cloud: Option<_>| cloud.is_none_or(|cloud| cloud == tenant.cloud);
    // Who may do what in a vault stands in the vault, not in the token.
    if hosts::vault_resource(trimmed).is_some_and(own) {
        return Ok(found(Vec::new(), true));
    }
    match hosts::resource(trimmed) {
        Some((api, cloud)) if own(cloud) => Ok(found(vec![api], false)),
        _ => Err(Refusal::resource(name, tenant)),
    }
}

impl Directory {
    /// Signs `claims`, with the issuer, the dates and the tenant put in.
    pub(super) fn issue(
        &self,
        service: &Service,
        tenant: &Tenant,
        version: Version,
        claims: Claims,
    ) -> Result<Granted, Refusal> {
        let now = ticks::unix_seconds(service.now());
        let lifetime = i64::try_from(self.token_lifetime.as_secs()).unwrap_or(i64::MAX);
        let issuer = format!("{}/{}/", tenant.cloud.issuer(), tenant.id);
        let claims = Claims {
            iss: issuer.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(lifetime),
            idp: issuer,
            tid: tenant.id.clone(),
            uti: URL_SAFE_NO_PAD.encode(&service.identifiers.next().as_bytes()[..16]),
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
