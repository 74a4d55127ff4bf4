//! What a token is for: an API, the vaults, or an application's own API.

use super::refusal::Refusal;
use super::scope::Scope;
use crate::hosts::{self, Api};
use crate::options::Tenant;
use crate::request::{Asked, Place};

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

/// The resource that a scope is about: the one that it names, else the tenant's Graph.
pub(super) fn resource_name(tenant: &Tenant, scope: &Scope) -> String {
    scope
        .resource
        .clone()
        .unwrap_or_else(|| format!("https://{}", tenant.cloud.graph()))
}
