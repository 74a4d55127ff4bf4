//! How an application proves that it is itself.

use openssl::memcmp;
use secrecy::ExposeSecret;

use super::assertion;
use super::grant::TokenRequest;
use super::refusal::Refusal;
use crate::registration::Application;

/// What an application proved itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: a public client.
    Nothing,
    Secret,
    /// A certificate's key, or a trusted issuer's token.
    Assertion,
}

impl Proof {
    /// The claim `appidacr`.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Nothing => "0",
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// The proof of an application that has to give one.
pub(super) fn confidential(
    request: &TokenRequest<'_>,
    application: &Application,
) -> Result<Proof, Refusal> {
    if let Some(sent) = request.field("client_assertion") {
        assertion::check(request, application, sent)?;
        return Ok(Proof::Assertion);
    }
    let Some(sent) = request.field("client_secret") else {
        return Err(Refusal::no_proof());
    };
    let mut expired = false;
    for secret in &application.secrets {
        let value = secret.value.expose_secret();
        if value.len() != sent.len() || !memcmp::eq(value.as_bytes(), sent.as_bytes()) {
            continue;
        }
        if secret
            .expires
            .is_none_or(|end| end > request.directory.site.now())
        {
            return Ok(Proof::Secret);
        }
        expired = true;
    }
    Err(if expired {
        Refusal::secret_expired(application)
    } else {
        Refusal::secret(application)
    })
}

/// The absence of one, from an application that could keep none.
pub(super) fn public(request: &TokenRequest<'_>) -> Result<Proof, Refusal> {
    let sent = |name| request.field(name).is_some();
    if sent("client_secret") || sent("client_assertion") {
        return Err(Refusal::public_client());
    }
    Ok(Proof::Nothing)
}

/// What device code and password want: nothing where public client flows are allowed, else a proof.
pub(super) fn without_redirect(
    request: &TokenRequest<'_>,
    application: &Application,
) -> Result<Proof, Refusal> {
    if application.public_client_flows {
        public(request)
    } else {
        confidential(request, application)
    }
}
