//! A refresh token that was obtained elsewhere.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Result, SecretString, TokenRequest};

use crate::PublicClient;

/// Signs in with a refresh token that was obtained elsewhere.
///
/// It is redeemed for every scope that its user and application may have. The newest replaces
/// it, in memory only: the one it began with goes on to be good as long as the authority says.
///
/// # Errors
///
/// Of [`Credential::token`]: `Credential` when the token has ended or was withdrawn; otherwise
/// as of any credential.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>
pub struct RefreshToken {
    client: PublicClient,
    newest: Mutex<SecretString>,
}

impl RefreshToken {
    /// Redeems `token`, which was given to `client`.
    pub fn new(client: PublicClient, token: SecretString) -> Self {
        Self {
            client,
            newest: Mutex::new(token),
        }
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, SecretString> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Credential for RefreshToken {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = self.newest().clone();
        let grant = self.client.refresh(request, &token).await;
        let grant = grant.map_err(|refused| refused.error)?;
        if let Some(newer) = grant.refresh_token {
            *self.newest() = newer;
        }
        Ok(grant.access_token)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
