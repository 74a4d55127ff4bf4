//! Entra ID: authorities, grants, tokens.

mod client_credentials;
mod documents;
mod grant;
mod jwt;
mod refusal;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use openssl::error::ErrorStack;

pub(crate) use jwt::{Claims, TokenFault};

use crate::hosts::Cloud;
use crate::options::Tenant;
use crate::service::{Asked, Place, Service};
use crate::vault::Vault;
use jwt::SigningKey;
use refusal::Refusal;

/// Which of Entra ID's two families of endpoints was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// The tenants of all clouds, and the keys that their tokens are signed with.
#[derive(Debug)]
pub(crate) struct Directory {
    tenants: Vec<Tenant>,
    token_lifetime: Duration,
    /// One key per cloud, so that one cloud's tokens mean nothing in another; made when needed.
    keys: [OnceLock<SigningKey>; Cloud::ALL.len()],
}

impl Directory {
    pub(crate) fn new(tenants: Vec<Tenant>, token_lifetime: Duration) -> Self {
        Self {
            tenants,
            token_lifetime,
            keys: Default::default(),
        }
    }

    /// The token endpoint.
    pub(crate) fn token(
        &self,
        service: &Service,
        asked: &Asked,
        tenant: &str,
        version: Version,
    ) -> Response<Bytes> {
        match grant::grant(self, service, asked, tenant, version) {
            Ok(granted) => granted.response(asked),
            Err(refusal) => refusal.response(service, asked),
        }
    }

    /// What Entra ID says when it is not well, or what a gateway in front of it does.
    pub(crate) fn outage(service: &Service, asked: &Asked, status: StatusCode) -> Response<Bytes> {
        Refusal::outage(status).response(service, asked)
    }

    /// The tenant with this identifier or domain, if the authority that was asked knows it.
    fn tenant(&self, name: &str, place: Place) -> Result<&Tenant, Refusal> {
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

    /// The vault of this name in `cloud`, in any cloud when `None`, and the tenant it trusts.
    pub(crate) fn vault(&self, name: &str, cloud: Option<Cloud>) -> Option<(&Tenant, &Vault)> {
        self.tenants
            .iter()
            .filter(|tenant| cloud.is_none_or(|cloud| cloud == tenant.cloud))
            .find_map(|tenant| {
                let vault = tenant
                    .vaults
                    .iter()
                    .find(|vault| vault.name.eq_ignore_ascii_case(name))?;
                Some((tenant, vault))
            })
    }

    fn key(&self, cloud: Cloud) -> Result<&SigningKey, ErrorStack> {
        let slot = &self.keys[cloud as usize];
        if let Some(key) = slot.get() {
            return Ok(key);
        }
        let made = SigningKey::new()?;
        Ok(slot.get_or_init(|| made))
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
