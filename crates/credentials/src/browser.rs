//! Signs users in with a browser on this machine.

mod answer;
mod listener;
mod opener;
mod page;
mod proof;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, ExposeSecret, Redaction, Result, SecretString,
    TokenRequest,
};
use defender_http::require_runtime;
use url::Url;

pub use opener::{Browser, NoBrowser, SystemBrowser, system_browser};

use crate::grant::{Grant, scopes};
use crate::{PublicClient, SignIn, SignInPrompt, SignInRequest, SignedIn};
use answer::Answer;
use listener::Listener;
use page::Page;
use proof::Proof;

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
#[non_exhaustive]
pub enum ResponseMode {
    /// In the address it is sent to.
    #[default]
    Query,
    /// In a form that it posts, which keeps the code out of the browser's history.
    FormPost,
}

impl ResponseMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// Signs users in with a browser on this machine: authorization code, PKCE, loopback redirect.
///
/// Each call asks a person; [`Delegated`](crate::Delegated) remembers them. A listener on a port
/// of the system's choice, on loopback only, waits for the one answer that carries the state of
/// this sign-in; whatever else comes is refused and told so, and the waiting goes on. Dropping
/// the future frees the port.
///
/// # Errors
///
/// Of [`SignIn::sign_in`]: `Credential` when the person declines, takes too long or is refused;
/// `Io` when there is no port to listen on; `Protocol` when the answer proves to be somebody
/// else's.
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

    /// The page that the person signs in at.
    fn address(&self, request: &SignInRequest<'_>, redirect: &str, proof: &Proof) -> Result<Url> {
        let tenant = request.token.tenant.as_deref();
        let mut url = self.client.authority().endpoint_url(tenant, "authorize")?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", self.client.client_id())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect)
            .append_pair("response_mode", self.options.response_mode.as_str())
            .append_pair("scope", &scopes(request.token))
            .append_pair("state", proof.state.expose_secret())
            .append_pair("nonce", proof.nonce.expose_secret())
            .append_pair("code_challenge", &proof.challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("client_info", "1");
        if let Some(username) = request.username {
            query.append_pair("login_hint", username);
        }
        if request.select_account {
            query.append_pair("prompt", "select_account");
        }
        if let Some(claims) = &request.token.claims {
            query.append_pair("claims", claims);
        }
        drop(query);
        Ok(url)
    }

    /// Redeems the code; once, since it is good for once.
    async fn redeem(
        &self,
        request: &TokenRequest,
        redirect: &str,
        proof: &Proof,
        code: &SecretString,
    ) -> Result<Grant> {
        let scopes = scopes(request);
        let form = [
            ("grant_type", "authorization_code"),
            ("scope", scopes.as_str()),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect),
            ("code_verifier", proof.verifier.expose_secret()),
        ];
        let grant = self.client.redeem(request, &form).await;
        let grant = grant.map_err(|refused| refused.error)?;
        let unusable = |what: &str| {
            Error::new(ErrorKind::Protocol, what)
                .with_url(self.client.authority().base())
                .with_hint("begin the sign-in again")
        };
        let Some(identity) = &grant.identity else {
            return Err(unusable("the authority does not say who signed in"));
        };
        let nonce = identity.nonce.as_deref().unwrap_or_default();
        if !proof::same(nonce, proof.nonce.expose_secret()) {
            return Err(unusable("the id token was not made for this sign-in"));
        }
        Ok(grant)
    }

    fn open(&self, address: &Url) {
        let opened = self.options.browser.open(address);
        if let Err(error) = &opened {
            tracing::debug!(%error, "no browser was opened");
        }
        self.prompt.browser(&crate::BrowserPrompt {
            address,
            opened: opened.is_ok(),
        });
    }

    fn too_late(&self) -> Error {
        let limit = defender_http::Plain(self.options.timeout);
        Error::new(
            ErrorKind::Credential,
            format!("nobody signed in with the browser within {limit}"),
        )
        .with_hint(
            "begin the sign-in again; where no browser reaches this machine, use a device code",
        )
    }
}

#[async_trait]
impl SignIn for BrowserSignIn {
    async fn sign_in(&self, request: &SignInRequest<'_>) -> Result<SignedIn> {
        require_runtime()?;
        let proof = Proof::new()?;
        let listener = Listener::bind().await?;
        let redirect = listener.redirect();
        let address = self.address(request, &redirect, &proof)?;
        self.open(&address);
        let clock = self.client.clock();
        let arrived = tokio::select! {
            arrived = listener.arrival(self.options.response_mode, &proof.state) => arrived,
            () = clock.sleep(self.options.timeout) => return Err(self.too_late()),
        };
        // The listener is gone by now: nothing that comes after the one answer is heard.
        let outcome = match &arrived.answer {
            Answer::Code(code) => self.redeem(request.token, &redirect, &proof, code).await,
            Answer::Refusal { name, description } => {
                let secrets = [&proof.state, &proof.nonce, &proof.verifier];
                let redaction = Redaction::of(secrets);
                Err(answer::refusal(
                    name,
                    description,
                    &address,
                    clock.now(),
                    &redaction,
                ))
            }
        };
        let page = match &outcome {
            Ok(grant) => Page::success(grant.identity.as_ref()),
            Err(error) => Page::failure(error),
        };
        arrived.reply(page).await;
        Ok(outcome?.into())
    }
}

#[async_trait]
impl Credential for BrowserSignIn {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let signed_in = self.sign_in(&SignInRequest::new(request)).await?;
        Ok(signed_in.access_token)
    }
}

#[cfg(test)]
mod tests;
