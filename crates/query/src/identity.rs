//! Who signs in, apart from any query.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use defender_cloud::Endpoint;
use defender_config::Method;
use defender_core::{AccessToken, Redaction, Result, Transport};
use defender_credentials::{Account, Delegated};
use defender_http::Retry;

use crate::connected::Service;
use crate::consent;

/// Who signs in for a connection, and for what; made by
/// [`QueryProvider::identity`](crate::QueryProvider::identity).
pub struct Identity {
    pub(crate) service: Service,
    pub(crate) delegated: Option<Arc<Delegated>>,
    /// Where consent is given to the application.
    pub(crate) consent: Option<url::Url>,
    pub(crate) method: Option<Method>,
    pub(crate) client_id: Option<String>,
    pub(crate) transport: Arc<dyn Transport>,
    /// What no message may hold.
    pub(crate) hidden: Redaction,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Retry,
}

/// Without the application, which may have come out of a secret store as any setting may.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("service", &self.service)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Where queries would go, and whom the tokens are for.
    pub fn endpoint(&self) -> &Endpoint {
        &self.service.endpoint
    }

    /// The tenant that is signed in to; `None` where only the authority knows it.
    pub fn tenant(&self) -> Option<&str> {
        self.service.tenant.as_deref()
    }

    /// The application, where the connection names it.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The instance's name in the settings, or what the connection is
    /// [called](crate::Connection::called).
    pub fn instance(&self) -> Option<&str> {
        self.service.instance.as_deref()
    }

    /// How it signs in.
    pub fn method(&self) -> Option<Method> {
        self.method
    }

    /// A token, kept or new; a person is asked only where it does not go without.
    ///
    /// # Errors
    ///
    /// Those of [`Credential::token`](defender_core::Credential::token).
    pub async fn token(&self) -> Result<AccessToken> {
        let request = self.service.token_request();
        self.retry
            .run(async |_| self.service.credential.token(&request).await)
            .await
    }

    /// Signs in: a user is asked although somebody may be signed in already, an application gets
    /// a token. Who signed in is said where it is a user.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub async fn sign_in(&self) -> Result<(AccessToken, Option<Account>)> {
        match &self.delegated {
            Some(delegated) => {
                let signed_in = delegated.sign_in(&self.service.token_request()).await;
                signed_in.map_err(|error| match &self.consent {
                    Some(address) => consent::explained(error, address),
                    None => error,
                })
            }
            None => Ok((self.token().await?, None)),
        }
    }
}
