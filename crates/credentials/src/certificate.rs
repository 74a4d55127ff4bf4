//! Signs in as an application with its certificate.

mod der;
mod encoded;
mod jwt;
mod key;
mod material;
mod notice;
mod pem;
mod unlock;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Clock, Credential, Result, TokenRequest, Transport};
use uuid::Uuid;

use crate::token_endpoint::TokenEndpoint;
use crate::{Authority, assertion_grant};

pub use jwt::SigningAlgorithm;
pub use key::{CertificateKey, CertificateSources};
pub use material::KeyMaterial;
pub use notice::CertificateNotice;

/// How assertions are made.
pub struct CertificateOptions {
    /// The signature and the thumbprint beside it; PS256 with SHA-256.
    pub algorithm: SigningAlgorithm,
    /// Whether the certificate and its issuers go along (`x5c`), for applications that trust a
    /// subject name and issuer instead of one certificate.
    pub send_chain: bool,
    /// Makes the id of each assertion (`jti`), which must never come twice; random GUIDs.
    pub ids: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Default for CertificateOptions {
    fn default() -> Self {
        Self {
            algorithm: SigningAlgorithm::Ps256,
            send_chain: false,
            ids: Arc::new(|| Uuid::new_v4().to_string()),
        }
    }
}

impl fmt::Debug for CertificateOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateOptions")
            .field("algorithm", &self.algorithm)
            .field("send_chain", &self.send_chain)
            .finish_non_exhaustive()
    }
}

/// Signs in as an application with its certificate: an assertion signed with its key.
///
/// Each call makes a new assertion and asks the authority once.
///
/// # Errors
///
/// Of [`Credential::token`], those of [`ClientSecret`](crate::ClientSecret), and
/// [`ErrorKind::Config`](defender_core::ErrorKind::Config) when the certificate is no longer, or
/// not yet, valid.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
pub struct ClientCertificate {
    endpoint: TokenEndpoint,
    client_id: String,
    key: CertificateKey,
    options: CertificateOptions,
}

impl ClientCertificate {
    /// The application `client_id` at `authority`, with one of its certificates.
    pub fn new(
        authority: Authority,
        client_id: impl Into<String>,
        key: CertificateKey,
        options: CertificateOptions,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            endpoint: TokenEndpoint {
                authority,
                transport,
                clock,
            },
            client_id: client_id.into(),
            key,
            options,
        }
    }
}

#[async_trait]
impl Credential for ClientCertificate {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let now = self.endpoint.clock.now();
        self.key.check_time(now)?;
        let audience = self
            .endpoint
            .authority
            .token_url(request.tenant.as_deref())?;
        let assertion = jwt::signed(&jwt::Wanted {
            key: &self.key,
            algorithm: self.options.algorithm,
            send_chain: self.options.send_chain,
            audience: audience.as_str(),
            client_id: &self.client_id,
            id: &(self.options.ids)(),
            now,
        })?;
        assertion_grant::token(&self.endpoint, &self.client_id, &assertion, request).await
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("key", &self.key)
            .field("options", &self.options)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod factory;
#[cfg(test)]
mod tests;
