//! Signs in as the `AZURE_*` variables say.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Clock, Credential, Error, ErrorKind, ExposeSecret, Result, SecretString,
    TokenRequest, Transport,
};
use defender_http::aside;
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    AssertionFile, Authority, CertificateKey, CertificateOptions, CertificateSources,
    ClientAssertion, ClientCertificate, ClientSecret, KeyMaterial,
};

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const CERTIFICATE_PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
const SEND_CHAIN: &str = "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN";
const FEDERATED_TOKEN: &str = "AZURE_FEDERATED_TOKEN_FILE";
const USERNAME: &str = "AZURE_USERNAME";
const PASSWORD: &str = "AZURE_PASSWORD";
const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// Signs in as the `AZURE_*` variables say: with a secret, a certificate or a workload's
/// assertion, in this order.
///
/// | variables besides `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` | sign-in |
/// |---|---|
/// | `AZURE_CLIENT_SECRET` | [`ClientSecret`] |
/// | `AZURE_CLIENT_CERTIFICATE_PATH`, `_PASSWORD`, `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN` | [`ClientCertificate`] |
/// | `AZURE_FEDERATED_TOKEN_FILE` | [`ClientAssertion`] |
/// | `AZURE_USERNAME`, `AZURE_PASSWORD` | refused: no password of a user is ever sent |
///
/// `AZURE_AUTHORITY_HOST` names another login host. Files are read when the first token is asked
/// for. Where the variables do not suffice, the error
/// [is "not configured"](Error::is_not_configured).
///
/// Source: <https://learn.microsoft.com/python/api/azure-identity/azure.identity.environmentcredential>
pub struct EnvironmentCredential {
    variables: Variables,
    /// The tenant that goes before the variable's.
    tenant: Option<String>,
    host: Url,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chosen: OnceCell<Arc<dyn Credential>>,
}

impl EnvironmentCredential {
    /// What `variable` says, at `host` unless `AZURE_AUTHORITY_HOST` names another.
    pub fn new(
        variable: impl Fn(&str) -> Option<String>,
        host: Url,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            variables: Variables::read(variable),
            tenant: None,
            host,
            transport,
            clock,
            chosen: OnceCell::new(),
        }
    }

    /// In `tenant` instead of the one that `AZURE_TENANT_ID` names.
    #[must_use]
    pub fn in_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    async fn choose(&self) -> Result<Arc<dyn Credential>> {
        let variables = &self.variables;
        let (tenant, client_id) = variables.application(self.tenant.as_deref())?;
        let authority =
            Authority::new(self.host()?, tenant).map_err(|error| match &self.tenant {
                Some(_) => error,
                None => error.reworded(|_| format!("{TENANT} cannot be a tenant")),
            })?;
        let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
        if let Some(secret) = &variables.secret {
            let secret = secret.clone();
            let credential = ClientSecret::new(authority, client_id, secret, transport, clock);
            return Ok(Arc::new(credential));
        }
        if let Some(path) = &variables.certificate {
            let key = self.key(path).await?;
            let options = CertificateOptions {
                send_chain: variables.send_chain,
                ..CertificateOptions::default()
            };
            let credential =
                ClientCertificate::new(authority, client_id, key, options, transport, clock);
            return Ok(Arc::new(credential));
        }
        if let Some(path) = &variables.federated_token {
            let source = AssertionFile::from_elsewhere(path, FEDERATED_TOKEN);
            let source = Arc::new(source);
            let credential = ClientAssertion::new(authority, client_id, source, transport, clock);
            return Ok(Arc::new(credential));
        }
        Err(password())
    }

    async fn key(&self, text: &SecretString) -> Result<CertificateKey> {
        let (text, now) = (text.clone(), self.clock.now());
        let password = self.variables.certificate_password.clone();
        let key = aside(move || {
            // The name of an existing file is not a secret; anything else may be one.
            let path = Path::new(text.expose_secret().trim());
            let name = if path.is_file() {
                path.display().to_string()
            } else {
                CERTIFICATE.to_owned()
            };
            let certificate = KeyMaterial::from_text(&text, name, CERTIFICATE, Path::to_owned)?;
            let sources = CertificateSources {
                password,
                password_setting: CERTIFICATE_PASSWORD.to_owned(),
                ..CertificateSources::new(certificate)
            };
            CertificateKey::load(&sources, now)
        });
        let key = key.await?;
        for notice in key.notices() {
            tracing::warn!(%notice, "about the certificate of the environment");
        }
        Ok(key)
    }

    fn host(&self) -> Result<Url> {
        let Some(host) = &self.variables.authority_host else {
            return Ok(self.host.clone());
        };
        // Some write the host alone, as the Azure SDKs allow.
        let url = if host.contains("://") {
            Url::parse(host)
        } else {
            Url::parse(&format!("https://{host}"))
        };
        url.map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!("{AUTHORITY_HOST} is not an address"),
            )
            .with_source(error)
            .with_hint("such as https://login.microsoftonline.us")
        })
    }
}

#[async_trait]
impl Credential for EnvironmentCredential {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let chosen = self.chosen.get_or_try_init(|| self.choose());
        chosen.await?.token(request).await
    }
}

impl fmt::Debug for EnvironmentCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentCredential")
            .field("set", &self.variables.set())
            .finish_non_exhaustive()
    }
}

fn password() -> Error {
    Error::new(
        ErrorKind::Config,
        format!(
            "{USERNAME} and {PASSWORD} ask to sign in with a user's password, which is not done"
        ),
    )
    .with_hint("sign in with the browser or a device code, which know multi-factor authentication")
}

/// The variables that are set, an empty one being none.
struct Variables {
    tenant: Option<String>,
    client: Option<String>,
    secret: Option<SecretString>,
    /// The path of a file, or what would be in it.
    certificate: Option<SecretString>,
    certificate_password: Option<SecretString>,
    send_chain: bool,
    federated_token: Option<String>,
    username: bool,
    password: bool,
    authority_host: Option<String>,
}

impl Variables {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| variable(name).filter(|value| !value.trim().is_empty());
        Self {
            tenant: get(TENANT),
            client: get(CLIENT),
            secret: get(SECRET).map(Into::into),
            certificate: get(CERTIFICATE).map(Into::into),
            certificate_password: get(CERTIFICATE_PASSWORD).map(Into::into),
            send_chain: get(SEND_CHAIN)
                .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true")),
            federated_token: get(FEDERATED_TOKEN),
            username: get(USERNAME).is_some(),
            password: get(PASSWORD).is_some(),
            authority_host: get(AUTHORITY_HOST),
        }
    }

    /// The proofs that are there.
    fn proofs(&self) -> Vec<&'static str> {
        let mut proofs = Vec::new();
        for (name, there) in [
            (SECRET, self.secret.is_some()),
            (CERTIFICATE, self.certificate.is_some()),
            (FEDERATED_TOKEN, self.federated_token.is_some()),
            (PASSWORD, self.username && self.password),
        ] {
            if there {
                proofs.push(name);
            }
        }
        proofs
    }

    fn set(&self) -> Vec<&'static str> {
        let named = [(TENANT, &self.tenant), (CLIENT, &self.client)];
        let named = named.into_iter().filter(|(_, value)| value.is_some());
        named.map(|(name, _)| name).chain(self.proofs()).collect()
    }

    /// Tenant and application, when there is also something to prove it with.
    fn application<'a>(&'a self, tenant: Option<&'a str>) -> Result<(&'a str, &'a str)> {
        let proofs = self.proofs();
        let mut missing = Vec::new();
        let tenant = tenant.or(self.tenant.as_deref());
        let client = self.client.as_deref();
        if let (Some(tenant), Some(client), false) = (tenant, client, proofs.is_empty()) {
            return Ok((tenant, client));
        }
        for (name, value) in [(TENANT, tenant), (CLIENT, client)] {
            if value.is_none() {
                missing.push(name.to_owned());
            }
        }
        if proofs.is_empty() {
            missing.push(format!("one of {SECRET}, {CERTIFICATE}, {FEDERATED_TOKEN}"));
        }
        let set = self.set();
        let set = match set.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one} is set)"),
            many => format!(" ({} are set)", many.join(", ")),
        };
        Err(Error::new(
            ErrorKind::Config,
            format!("the environment lacks {}{set}", missing.join(" and ")),
        )
        .not_configured())
    }
}

#[cfg(test)]
mod tests;
