//! The numbers of one sign-in that only it knows: state, nonce, and the two halves of PKCE.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use openssl::{memcmp, rand, sha};

/// The numbers of one sign-in that only it knows.
pub(super) struct Proof {
    /// Comes back with the answer.
    pub(super) state: SecretString,
    /// Comes back in the id token.
    pub(super) nonce: SecretString,
    /// Goes to the token endpoint with the code.
    pub(super) verifier: SecretString,
    /// The digest of the verifier, which the sign-in page is given.
    pub(super) challenge: String,
}

impl Proof {
    /// New random numbers, 256 bits each.
    pub(super) fn new() -> Result<Self> {
        Ok(Self::with(random()?, random()?, random()?))
    }

    fn with(state: String, nonce: String, verifier: String) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(sha::sha256(verifier.as_bytes()));
        Self {
            state: state.into(),
            nonce: nonce.into(),
            verifier: verifier.into(),
            challenge,
        }
    }

    /// Whether `state` is the one of this sign-in.
    pub(super) fn is_state(expected: &SecretString, state: &str) -> bool {
        same(expected.expose_secret(), state)
    }
}

/// Compares without telling by its duration where the difference is.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && memcmp::eq(one.as_bytes(), other.as_bytes())
}

fn random() -> Result<String> {
    let mut bytes = [0; 32];
    rand::rand_bytes(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "the system has no random numbers").with_source(error)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_digest_of_the_verifier() {
        // Source: <https://www.rfc-editor.org/rfc/rfc7636#appendix-B>
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let proof = Proof::with("s".into(), "n".into(), verifier.into());
        assert_eq!(
            proof.challenge,
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_sign_ins_share_a_number() {
        let (one, two) = (Proof::new().unwrap(), Proof::new().unwrap());
        let all = [&one, &two].map(|proof| {
            [&proof.state, &proof.nonce, &proof.verifier]
                .map(|text| text.expose_secret().to_owned())
        });
        let mut all = all.concat();
        assert!(all.iter().all(|text| text.len() == 43));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn only_the_same_text_is_the_same() {
        assert!(same("abc", "abc") && same("", ""));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
