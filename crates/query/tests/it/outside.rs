//! What vouches for an application from outside: an issuer that it trusts, and the Azure CLI.

use std::io;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use defender_emulator::FederatedCredential;
use defender_query::{CommandOutput, CommandRunner};
use openssl::base64::encode_block;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::credentials::PASSWORD;

const KEY: &[u8] = include_bytes!("fixtures/key.pem");
const ISSUER: &str = "https://issuer.example";
const SUBJECT: &str = "workload";

fn key() -> PKey<Private> {
    PKey::private_key_from_pem_passphrase(KEY, PASSWORD.as_bytes()).unwrap()
}

/// The fixture's key without its password.
pub(crate) fn open_key() -> Vec<u8> {
    key().private_key_to_pem_pkcs8().unwrap()
}

/// The issuer, as the application's registration knows it.
pub(crate) fn trusted() -> FederatedCredential {
    FederatedCredential::new(ISSUER, SUBJECT, &key().public_key_to_pem().unwrap()).unwrap()
}

/// What the issuer gives a workload now.
pub(crate) fn assertion() -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = serde_json::json!({
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": "api://AzureADTokenExchange",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    });
    let encoded = |bytes: &[u8]| {
        let text = encode_block(bytes).replace('+', "-").replace('/', "_");
        text.trim_end_matches('=').to_owned()
    };
    let header = encoded(br#"{"alg":"RS256","typ":"JWT"}"#);
    let message = format!("{header}.{}", encoded(claims.to_string().as_bytes()));
    let mut signer = Signer::new(MessageDigest::sha256(), &key()).unwrap();
    signer.update(message.as_bytes()).unwrap();
    format!("{message}.{}", encoded(&signer.sign_to_vec().unwrap()))
}

/// An Azure CLI in which somebody is signed in, with a token at hand.
#[derive(Debug)]
pub(crate) struct SignedInCli(pub(crate) String);

#[async_trait]
impl CommandRunner for SignedInCli {
    async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        _: Duration,
    ) -> io::Result<CommandOutput> {
        assert!(program.starts_with("az"), "{program}");
        let mut words = arguments.iter().skip_while(|word| **word != "--resource");
        let audience = words.nth(1).copied().unwrap_or_default();
        let claims = defender_query::claims(&self.0).unwrap();
        assert_eq!(claims.audiences, [audience], "{arguments:?}");
        let expires = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 3600;
        let answer = serde_json::json!({
            "accessToken": self.0,
            "expires_on": expires,
            "tokenType": "Bearer",
        });
        Ok(CommandOutput {
            code: Some(0),
            stdout: answer.to_string().into(),
            stderr: String::new(),
        })
    }
}
