//! Who signs in by these parts, and what is missing.

use defender_core::{Error, ErrorKind, Result};

use super::ConnectionArgs;
use crate::{ConnectionKey, Method};

impl ConnectionArgs {
    /// Who signs in, and with what, as far as these parts say.
    ///
    /// A sign-in type that is not a user's says so itself. Otherwise a token goes first; then a
    /// user name means a user, even beside a secret, as in MSTICPy; then a certificate, then a
    /// secret, then the file of an assertion.
    pub fn method(&self) -> Option<Method> {
        use ConnectionKey as Key;
        if let Some(method) = self.auth_type().and_then(Method::of) {
            return Some(method);
        }
        if self.has(Key::AccessToken) {
            Some(Method::ExistingToken)
        } else if self.delegated_auth() != Some(false) && self.has(Key::Username)
            || self.delegated_auth() == Some(true)
        {
            Some(Method::Delegated)
        } else if self.has(Key::Certificate) {
            Some(Method::Certificate)
        } else if self.has(Key::ClientSecret) {
            Some(Method::ClientSecret)
        } else if self.has(Key::AssertionFile) {
            Some(Method::WorkloadIdentity)
        } else if self.auth_type().is_some() && self.delegated_auth() != Some(false) {
            Some(Method::Delegated)
        } else {
            None
        }
    }

    /// Whether a user and a secret are both given, and neither is ruled out.
    pub fn is_ambiguous(&self) -> bool {
        self.auth_type().and_then(Method::of).is_none()
            && self.delegated_auth().is_none()
            && self.has(ConnectionKey::Username)
            && self.has(ConnectionKey::ClientSecret)
    }

    /// Checks that not both a user and a secret are given: in one call, or one connection string,
    /// they exclude each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] naming where both came from.
    ///
    /// Source: <https://msticpy.readthedocs.io/en/latest/data_acquisition/DataProv-MSDefender.html>
    pub fn require_one_method(&self) -> Result<()> {
        let (user, secret) = (ConnectionKey::Username, ConnectionKey::ClientSecret);
        if !(self.has(user) && self.has(secret)) {
            return Ok(());
        }
        let (first, second) = (self.origin(user), self.origin(secret));
        let from = if first == second {
            format!("{user} and {secret}, both from {first},")
        } else {
            format!("{user}, from {first}, and {secret}, from {second},")
        };
        Err(
            Error::new(ErrorKind::Usage, format!("{from} exclude each other")).with_hint(format!(
                "give {user} to sign in as a user, or {secret} to sign in as the application"
            )),
        )
    }

    /// What is still needed before anybody can sign in, all of it.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        let method = self.method();
        if method.is_none_or(Method::needs_identity) {
            for key in [ConnectionKey::TenantId, ConnectionKey::ClientId] {
                if !self.has(key) {
                    missing.push(key.name());
                }
            }
        }
        match method {
            None => missing.push("one of client_secret, certificate or username"),
            Some(Method::ClientSecret) if !self.has(ConnectionKey::ClientSecret) => {
                missing.push(ConnectionKey::ClientSecret.name());
            }
            Some(Method::Certificate) if !self.has(ConnectionKey::Certificate) => {
                missing.push(ConnectionKey::Certificate.name());
            }
            _ => {}
        }
        missing
    }

    /// Checks that nothing is [`missing`](Self::missing).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming everything that is.
    pub fn require_complete(&self) -> Result<()> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            format!("the connection lacks {}", joined(&missing)),
        )
        .with_hint(
            "give them in the Args of DataProviders.MicrosoftDefender, in a connection string or \
             as options",
        ))
    }
}

/// `a, b and c`.
fn joined(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
