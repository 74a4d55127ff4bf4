//! Signing in to Key Vault: the ways that the settings name, in their order.

use std::sync::Arc;

use async_trait::async_trait;
use defender_config::{AuthType, ConnectionArgs, ConnectionKey, Origin, is_id};
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, Result, SecretRef, SecretString, TokenRequest,
    WrittenName,
};
use defender_credentials::{Cached, Chain};

use crate::connect::owned;
use crate::consent::{self, Consenting};
use crate::credential::{self, Place};

/// The application with which Azure's own command line signs users in; it may ask for tokens for
/// Key Vault in every tenant, and needs no registration.
///
/// Source: <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>
const AZURE_CLI_APPLICATION: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The first of `methods` that is configured, in `tenant` when it is named, with what names it.
pub(super) async fn chain(
    place: &Place<'_>,
    methods: &[AuthType],
    tenant: Option<&(String, String)>,
) -> InTenant {
    let mut members = Vec::new();
    for method in methods {
        let member = member(place, *method, tenant).await;
        let member = member.unwrap_or_else(|error| Arc::new(Unmade(error)));
        members.push((method.name(), member));
    }
    InTenant {
        chain: Cached::new(Chain::new(members), Arc::clone(&place.options.clock)),
        tenant: tenant.map(|(tenant, _)| tenant.clone()),
    }
}

async fn member(
    place: &Place<'_>,
    method: AuthType,
    tenant: Option<&(String, String)>,
) -> Result<Arc<dyn Credential>> {
    let mut args = ConnectionArgs::default()
        .with(ConnectionKey::AuthType, method)?
        // The vaults' cloud has decided where to sign in.
        .with(ConnectionKey::Authority, place.login.clone())?;
    if let Some((tenant, _)) = tenant {
        args = args.with(ConnectionKey::TenantId, tenant.as_str())?;
    }
    let environment = ConnectionArgs::from_azure(&place.options.environment)?;
    let mut material = credential::Material::default();
    match method {
        AuthType::ClientSecret | AuthType::Certificate => {
            args.take_from(&environment, ConnectionKey::ClientId);
            if !args.has(ConnectionKey::TenantId) {
                args.take_from(&environment, ConnectionKey::TenantId);
            }
            if !args.has(ConnectionKey::ClientId) {
                return Err(lacks("AZURE_CLIENT_ID"));
            }
            if !args.has(ConnectionKey::TenantId) {
                return Err(lacks("AZURE_TENANT_ID"));
            }
            let variable = |name: &str| -> Option<SecretString> {
                let value = place.options.environment.get(name)?;
                (!value.is_empty()).then(|| value.clone().into())
            };
            if method == AuthType::ClientSecret {
                material.client_secret = variable("AZURE_CLIENT_SECRET");
                if material.client_secret.is_none() {
                    return Err(lacks("AZURE_CLIENT_SECRET"));
                }
            } else {
                const FILE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
                material.certificate = variable(FILE);
                if material.certificate.is_some() {
                    let reference = SecretRef::Env {
                        variable: WrittenName::of_variable(FILE),
                        setting: FILE.to_owned(),
                    };
                    let origin = Origin::Variable(FILE.to_owned());
                    args.set_reference(ConnectionKey::Certificate, reference, origin);
                }
                args.take_from(&environment, ConnectionKey::SendX5c);
                material.private_key_secret = variable("AZURE_CLIENT_CERTIFICATE_PASSWORD");
                if material.certificate.is_none() {
                    return Err(lacks(FILE));
                }
            }
        }
        AuthType::Browser | AuthType::Device => {
            if !place.options.input {
                return Err(Error::new(
                    ErrorKind::Config,
                    "a person would have to sign in, and nobody may be asked",
                )
                .not_configured());
            }
            args = args
                .with(ConnectionKey::ClientId, AZURE_CLI_APPLICATION)?
                .with(ConnectionKey::DelegatedAuth, true)?;
            args.take_from(&environment, ConnectionKey::ClientId);
            args.take_from(&environment, ConnectionKey::Username);
            if !args.has(ConnectionKey::TenantId) {
                args = args.with(ConnectionKey::TenantId, "organizations")?;
            }
        }
        // Several identities of one machine are told apart by the application's id.
        AuthType::ManagedIdentity => args.take_from(&environment, ConnectionKey::ClientId),
        _ => {}
    }
    args.require_ids()?;
    let own = !args.has(ConnectionKey::ClientId) && environment_names(method);
    let client_id = if own {
        // What is no id is no name either, and nothing to show.
        owned(environment.client_id()).filter(|id| is_id(id))
    } else {
        owned(args.client_id())
    };
    let consent = client_id
        .as_deref()
        .filter(|client_id| *client_id != AZURE_CLI_APPLICATION)
        .and_then(|client_id| {
            let tenant = owned(args.tenant_id());
            consent::address(place.login.clone(), tenant.as_deref(), client_id).ok()
        });
    let names = Names {
        tenant: tenant.map_or("AZURE_TENANT_ID", |(_, by)| by).to_owned(),
        client: match client_id.as_deref() {
            Some(AZURE_CLI_APPLICATION) => {
                "AZURE_CLIENT_ID, which is not set: the Azure CLI's application signed in"
                    .to_owned()
            }
            Some(client_id) => format!("AZURE_CLIENT_ID ({client_id})"),
            None => "AZURE_CLIENT_ID".to_owned(),
        },
    };
    let made = credential::credential(place, &args, material).await?;
    Ok(Arc::new(ForVault {
        inner: Consenting::over(made.credential, consent.as_ref()),
        names,
    }))
}

fn lacks(variable: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{variable} is not set"))
        .with_hint(format!("set the environment variable {variable}"))
        .not_configured()
}

/// Whether this way takes the application from the environment by itself.
fn environment_names(method: AuthType) -> bool {
    matches!(method, AuthType::Environment | AuthType::WorkloadIdentity)
}

/// What names the identity that signs in to Key Vault: other settings than a connection's.
#[derive(Debug)]
struct Names {
    tenant: String,
    client: String,
}

impl Names {
    /// `hint` with these in place of a connection's keys.
    fn put_into(&self, hint: &str) -> String {
        let name = |word: &str| {
            let key = word.trim_end_matches([',', ':', ';']);
            let name = match key {
                "client_id" => &self.client,
                "tenant_id" => &self.tenant,
                "`cloud`" | "cloud" => "KeyVault.Authority or Azure.cloud",
                _ => return word.to_owned(),
            };
            format!("{name}{}", &word[key.len()..])
        };
        hint.split(' ').map(name).collect::<Vec<_>>().join(" ")
    }
}

/// Signs in to Key Vault; what is wrong names the settings of that identity.
#[derive(Debug)]
struct ForVault {
    inner: Arc<dyn Credential>,
    names: Names,
}

#[async_trait]
impl Credential for ForVault {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = self.inner.token(request).await;
        token.map_err(|error| match error.hint() {
            Some(hint) => {
                let hint = self.names.put_into(hint);
                error.with_hint(hint)
            }
            None => error,
        })
    }
}

/// A way to sign in that lacks something; says so when its turn comes.
#[derive(Debug)]
struct Unmade(Error);

#[async_trait]
impl Credential for Unmade {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        Err(self.0.clone())
    }
}

/// Asks in the vaults' tenant where the vault says no other.
#[derive(Debug)]
pub(super) struct InTenant {
    chain: Cached<Chain>,
    tenant: Option<String>,
}

#[async_trait]
impl Credential for InTenant {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let request = TokenRequest {
            tenant: request.tenant.clone().or_else(|| self.tenant.clone()),
            ..request.clone()
        };
        self.chain.token(&request).await
    }
}
