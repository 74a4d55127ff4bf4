//! Asking a person to sign in: what is asked, how they are told, what comes of it.

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use defender_core::{AccessToken, Error, ErrorKind, Result, SecretString, TokenRequest};
use url::Url;

use crate::Account;

/// A way to sign a person in.
#[async_trait]
pub trait SignIn: fmt::Debug + Send + Sync {
    /// Asks a person to sign in, and waits until they did.
    ///
    /// Dropping the future ends the sign-in at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credential`] when the person declines, takes too long or is refused.
    async fn sign_in(&self, request: &SignInRequest<'_>) -> Result<SignedIn>;
}

/// What a person is asked to sign in for.
#[derive(Clone, Copy, Debug)]
pub struct SignInRequest<'a> {
    /// The token that is wanted.
    pub token: &'a TokenRequest,
    /// Who should sign in, filled into the page.
    pub username: Option<&'a str>,
    /// Whether the page lets the person choose among accounts although one is signed in.
    pub select_account: bool,
    /// Why it does not go without a person, when a kept sign-in was refused.
    pub reason: Option<&'a Error>,
}

impl<'a> SignInRequest<'a> {
    /// Asks anybody to sign in for `token`.
    pub fn new(token: &'a TokenRequest) -> Self {
        Self {
            token,
            username: None,
            select_account: false,
            reason: None,
        }
    }
}

/// What came of a sign-in.
#[non_exhaustive]
pub struct SignedIn {
    /// The token that was wanted.
    pub access_token: AccessToken,
    /// What further tokens are had for without a person.
    pub refresh_token: Option<SecretString>,
    /// Who signed in, when the authority said so.
    pub account: Option<Account>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("access_token", &self.access_token)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Tells a person what a sign-in needs of them. Methods return at once.
pub trait SignInPrompt: fmt::Debug + Send + Sync {
    /// Enter this code at this address, on any device.
    fn device_code(&self, prompt: &DeviceCodePrompt);

    /// A browser opens with this address, or did not open: then the person does it.
    fn browser(&self, prompt: &BrowserPrompt<'_>);

    /// Something that the person should know, as one phrase without a full stop.
    fn warning(&self, warning: &str);
}

/// A code that a person enters on another device.
///
/// Text that the authority wrote is without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceCodePrompt {
    /// What the person enters.
    pub user_code: String,
    /// Where.
    pub verification_uri: Url,
    /// The authority's own words for all this.
    pub message: String,
    /// When the code ends.
    pub expires_at: SystemTime,
}

/// An address that a person signs in at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BrowserPrompt<'a> {
    /// The address. It is good for this one sign-in and holds no secret.
    pub address: &'a Url,
    /// Whether a browser was started.
    pub opened: bool,
}

/// Asks nobody: who is not signed in already is refused with an error that says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInput;

#[async_trait]
impl SignIn for NoInput {
    async fn sign_in(&self, request: &SignInRequest<'_>) -> Result<SignedIn> {
        let error = match request.reason {
            Some(reason) => {
                let error = Error::new(
                    ErrorKind::Credential,
                    "the kept sign-in is of no use any more, and nobody may be asked",
                );
                let error = match reason.code() {
                    Some(code) => error.with_code(code),
                    None => error,
                };
                error.with_source(reason.clone())
            }
            None => Error::new(
                ErrorKind::Credential,
                "nobody is signed in, and nobody may be asked",
            ),
        };
        Err(error.with_hint("run `defender login` first, where a person can sign in"))
    }
}
