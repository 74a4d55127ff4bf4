//! JSON Web Tokens: RS256 over a key that the emulator makes for itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A key of the authority, under the name that tokens call it by.
pub(super) struct SigningKey {
    key: PKey<Private>,
    id: String,
}

impl SigningKey {
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let digest = hash(MessageDigest::sha1(), &key.public_key_to_der()?)?;
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(digest),
            key,
        })
    }

    /// A compact JWS over `claims`.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, ErrorStack> {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.id, "kid": self.id});
        let payload = serde_json::to_vec(claims).unwrap_or_default();
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        signer.update(token.as_bytes())?;
        let signature = signer.sign_to_vec()?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }

    fn signed(&self, message: &str, signature: &[u8]) -> Result<bool, ErrorStack> {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key)?;
        verifier.update(message.as_bytes())?;
        verifier.verify(signature)
    }

    /// The public half, as a JSON Web Key.
    pub(super) fn public(&self) -> Result<Value, ErrorStack> {
        let rsa = self.key.rsa()?;
        Ok(json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": URL_SAFE_NO_PAD.encode(rsa.n().to_vec()),
            "e": URL_SAFE_NO_PAD.encode(rsa.e().to_vec()),
        }))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What an access token says.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    /// How the user signed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    pub(crate) app_displayname: String,
    pub(crate) appid: String,
    /// 0: a public client, 1: a secret, 2: a certificate.
    pub(crate) appidacr: String,
    pub(crate) idp: String,
    /// `app`: no user takes part; `user`: one does.
    pub(crate) idtyp: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    /// The user, or the application's service principal.
    #[serde(default)]
    pub(crate) oid: String,
    /// What was granted to an application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// What an application may do for its user, separated by blanks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) scp: String,
    #[serde(default)]
    pub(crate) sub: String,
    pub(crate) tid: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) unique_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) upn: String,
    pub(crate) uti: String,
    pub(crate) ver: String,
}

/// Why a token is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// Not three parts of base64url with JSON in them.
    Malformed,
    /// Not signed by a key of this authority.
    Signature,
}

/// The claims of `token`, if one of `keys` signed it.
pub(super) fn verify<'a>(
    token: &str,
    keys: impl Iterator<Item = &'a SigningKey>,
) -> Result<Claims, TokenFault> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
        kid: String,
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| TokenFault::Malformed)
    };
    let signature = decode(signature)?;
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| TokenFault::Malformed)?;
    let payload = decode(payload)?;
    let mut keys = keys.filter(|key| key.id == header.kid);
    let signed = keys.next().is_some_and(|key| {
        header.alg == "RS256" && key.signed(message, &signature).unwrap_or(false)
    });
    if !signed {
        return Err(TokenFault::Signature);
    }
    serde_json::from_slice(&payload).map_err(|_| TokenFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            aud: "https://graph.microsoft.com".to_owned(),
            iss: "https://sts.windows.net/t/".to_owned(),
            iat: 1,
            nbf: 1,
            exp: 2,
            app_displayname: "a".to_owned(),
            appid: "b".to_owned(),
            appidacr: "1".to_owned(),
            idp: "i".to_owned(),
            idtyp: "app".to_owned(),
            roles: vec!["R".to_owned()],
            tid: "t".to_owned(),
            uti: "u".to_owned(),
            ver: "1.0".to_owned(),
            ..Claims::default()
        }
    }

    #[test]
    fn only_the_key_that_signed_verifies_and_only_what_it_signed() {
        let (key, other) = (SigningKey::new().unwrap(), SigningKey::new().unwrap());
        let token = key.sign(&claims()).unwrap();
        assert_eq!(verify(&token, [&key].into_iter()), Ok(claims()));
        assert_eq!(
            verify(&token, [&other].into_iter()),
            Err(TokenFault::Signature)
        );

        let parts: Vec<&str> = token.split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(
            serde_json::to_string(&Claims {
                roles: vec!["Everything".to_owned()],
                ..claims()
            })
            .unwrap(),
        );
        let forged = format!("{}.{forged}.{}", parts[0], parts[2]);
        assert_eq!(
            verify(&forged, [&key].into_iter()),
            Err(TokenFault::Signature)
        );

        let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": key.id}).to_string());
        let unsigned = format!("{none}.{}.", parts[1]);
        assert_eq!(
            verify(&unsigned, [&key].into_iter()),
            Err(TokenFault::Signature)
        );
        for malformed in ["", "a.b", "a.b.c", "§.§.§"] {
            assert_eq!(
                verify(malformed, [&key].into_iter()),
                Err(TokenFault::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn the_published_key_is_the_one_that_signs() {
        let key = SigningKey::new().unwrap();
        let public = key.public().unwrap();
        let number = |name: &str| {
            let bytes = URL_SAFE_NO_PAD
                .decode(public[name].as_str().unwrap())
                .unwrap();
            openssl::bn::BigNum::from_slice(&bytes).unwrap()
        };
        let rsa = Rsa::from_public_components(number("n"), number("e")).unwrap();
        let rsa = PKey::from_rsa(rsa).unwrap();
        let token = key.sign(&claims()).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &rsa).unwrap();
        verifier.update(message.as_bytes()).unwrap();
        assert!(
            verifier
                .verify(&URL_SAFE_NO_PAD.decode(signature).unwrap())
                .unwrap()
        );
    }
}
