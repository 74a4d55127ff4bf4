//! A refresh token that was obtained elsewhere.

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, Result, SecretString, TokenRequest,
};

use crate::PublicClient;

/// Signs in with a refresh token that was obtained elsewhere; the newest replaces it, in memory.
pub struct RefreshToken {
    client: PublicClient,
    newest: std::sync::Mutex<SecretString>,
}

impl RefreshToken {
    /// Redeems `token`, which was given to `client`.
    pub fn new(client: PublicClient, token: SecretString) -> Self {
        Self {
            client,
            newest: std::sync::Mutex::new(token),
        }
    }
}

#[async_trait]
impl Credential for RefreshToken {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        let _ = (&self.client, &self.newest);
        Err(Error::new(ErrorKind::Credential, "not signed in"))
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
