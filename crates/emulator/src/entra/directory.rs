//! The directory: tenants, users, keys, and what the authorities remember.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use openssl::error::ErrorStack;
use serde::Serialize;

use super::first_party;
use super::form::parameters;
use super::jwt::{self, Claims, SigningKey, TokenFault};
use super::refusal::Refusal;
use super::state::State;
use crate::error::Error;
use crate::hosts::Cloud;
use crate::options::{Options, Tenant};
use crate::registration::{SignInPolicy, User};
use crate::request::{Asked, Place};
use crate::settings;
use crate::sign_in::SignIn;
use crate::site::Site;

/// Which of Entra ID's two families of endpoints was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// The tenants of all clouds, and the keys that their tokens are signed with.
pub(crate) struct Directory {
    pub(crate) site: Arc<Site>,
    pub(super) tenants: Vec<Tenant>,
    pub(super) token_lifetime: Duration,
    pub(super) sign_in: SignIn,
    /// What callers of App Service's endpoint for identities have to show.
    pub(super) identity_header: String,
    pub(super) state: State,
    /// One key per cloud, so that one cloud's tokens mean nothing in another; made when needed.
    keys: [OnceLock<SigningKey>; Cloud::ALL.len()],
}

impl Directory {
    pub(crate) fn new(options: &Options, site: Arc<Site>) -> Result<Self, Error> {
        let mut tenants = options.tenants.clone();
        for (index, tenant) in tenants.iter().enumerate() {
            if tenants[..index]
                .iter()
                .any(|other| other.id.eq_ignore_ascii_case(&tenant.id))
            {
                return Err(Error::Options(format!(
                    "two tenants have the identifier {}",
                    tenant.id
                )));
            }
        }
        tenants.iter_mut().for_each(first_party::add_to);
        Ok(Self {
            site,
            tenants,
            token_lifetime: options.token_lifetime,
            sign_in: options.sign_in.clone(),
            identity_header: settings::identity_header(options.seed),
            state: State::default(),
            keys: Default::default(),
        })
    }

    /// The tenant with this identifier or domain, if the authority that was asked knows it.
    pub(super) fn tenant(&self, name: &str, place: Place) -> Result<&Tenant, Refusal> {
        let tenant = self
            .tenants
            .iter()
            .find(|tenant| {
                tenant.id.eq_ignore_ascii_case(name)
                    || tenant
                        .domain
                        .as_deref()
                        .is_some_and(|domain| domain.eq_ignore_ascii_case(name))
            })
            .ok_or_else(|| Refusal::tenant_not_found(name))?;
        if let Place::Host(host) = place
            && host.cloud != tenant.cloud
        {
            return Err(Refusal::other_cloud(tenant, host.cloud));
        }
        Ok(tenant)
    }

    /// The tenant that a user's request is about: the one in the path or, where that is one for
    /// all, the one that the request's code, token or user belongs to.
    pub(super) fn home(
        &self,
        name: &str,
        place: Place,
        sent: &HashMap<String, String>,
    ) -> Result<&Tenant, Refusal> {
        if !is_shared(name) {
            return self.tenant(name, place);
        }
        let field = |name: &str| sent.get(name).map(String::as_str);
        let own = |tenant: &&Tenant| match place {
            Place::Host(host) => host.cloud == tenant.cloud,
            Place::Direct(_) => true,
        };
        let remembered = {
            let memory = self.state.lock();
            let code = field("code").and_then(|code| memory.codes.get(code));
            let device = field("device_code").and_then(|code| memory.devices.get(code));
            let refresh = field("refresh_token").and_then(|token| memory.refresh.get(token));
            code.map(|code| code.grant.tenant.clone())
                .or_else(|| device.map(|device| device.tenant.clone()))
                .or_else(|| refresh.map(|refresh| refresh.grant.tenant.clone()))
        };
        if let Some(id) = remembered {
            return self.tenant(&id, place);
        }
        let of_user = field("login_hint")
            .or_else(|| field("username"))
            .and_then(|user| {
                let mut own = self.tenants.iter().filter(own);
                own.find(|tenant| tenant.user(user).is_some())
            });
        let of_application = || {
            let client_id = field("client_id")?;
            self.tenants
                .iter()
                .filter(own)
                .find(|tenant| tenant.application(client_id).is_some())
        };
        of_user
            .or_else(of_application)
            .or_else(|| self.tenants.iter().find(own))
            .ok_or_else(|| Refusal::tenant_not_found(name))
    }

    /// The tenant whose authority gave the token that a request shows.
    pub(crate) fn tenant_of_token(&self, asked: &Asked) -> Option<&Tenant> {
        let claims = self.verified(asked.bearer()?, None).ok()?;
        self.tenants.iter().find(|tenant| tenant.id == claims.tid)
    }

    /// The tenant that a request signs in to, whose path names `authority`.
    pub(crate) fn tenant_signed_in_to(&self, asked: &Asked, authority: &str) -> Option<&Tenant> {
        let sent = parameters(asked);
        self.home(authority, asked.place, &sent).ok()
    }

    /// The user with this object identifier.
    pub(crate) fn user_by_id(&self, id: &str) -> Option<&User> {
        self.tenants
            .iter()
            .flat_map(|tenant| &tenant.users)
            .find(|user| user.id == id)
    }

    /// The user of this name, in whatever tenant.
    pub(super) fn user_by_name(&self, name: &str) -> Option<&User> {
        self.tenants.iter().find_map(|tenant| tenant.user(name))
    }

    /// Lets another policy apply to a user from now on; whether there is such a user.
    pub(crate) fn set_policy(&self, user: &str, policy: SignInPolicy) -> bool {
        let Some(user) = self.user_by_name(user) else {
            return false;
        };
        self.state.lock().policies.insert(user.id.clone(), policy);
        true
    }

    /// Ends a user's sessions and refresh tokens; whether there is such a user.
    pub(crate) fn revoke(&self, user: &str) -> bool {
        let Some(user) = self.user_by_name(user) else {
            return false;
        };
        let mut memory = self.state.lock();
        for refresh in memory.refresh.values_mut() {
            refresh.revoked |= refresh.grant.user == user.id;
        }
        memory.sessions.retain(|_, (_, id)| *id != user.id);
        true
    }

    /// A token over `claims`, signed by the authority of `cloud`.
    pub(super) fn signed(&self, cloud: Cloud, claims: &impl Serialize) -> Result<String, Refusal> {
        self.key(cloud)
            .and_then(|key| key.sign(claims))
            .map_err(|_| Refusal::outage(StatusCode::INTERNAL_SERVER_ERROR))
    }

    pub(super) fn key(&self, cloud: Cloud) -> Result<&SigningKey, ErrorStack> {
        let slot = &self.keys[cloud as usize];
        if let Some(key) = slot.get() {
            return Ok(key);
        }
        let made = SigningKey::new()?;
        Ok(slot.get_or_init(|| made))
    }

    /// Whether the claims name a tenant of `cloud`, of any when `None`, and its issuer.
    pub(crate) fn issued(&self, claims: &Claims, cloud: Option<Cloud>) -> bool {
        self.tenants
            .iter()
            .filter(|tenant| cloud.is_none_or(|cloud| cloud == tenant.cloud))
            .any(|tenant| {
                tenant.id == claims.tid
                    && claims.iss == format!("{}/{}/", tenant.cloud.issuer(), tenant.id)
            })
    }

    /// The claims of a token that an authority of `cloud` signed; of any cloud when `None`.
    pub(crate) fn verified(&self, token: &str, cloud: Option<Cloud>) -> Result<Claims, TokenFault> {
        let keys = Cloud::ALL
            .into_iter()
            .filter(|candidate| cloud.is_none_or(|cloud| cloud == *candidate))
            .filter_map(|cloud| self.keys[cloud as usize].get());
        jwt::verify(token, keys)
    }
}

/// Whether a path is for the users of every tenant.
pub(super) fn is_shared(name: &str) -> bool {
    ["common", "organizations"]
        .iter()
        .any(|shared| shared.eq_ignore_ascii_case(name))
}
