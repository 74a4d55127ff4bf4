//! Fetches a secret from Azure Key Vault with a token from standard input, and says how long it is.
//!
//! ```text
//! az account get-access-token --resource https://vault.azure.net --query accessToken -o tsv |
//!     cargo run -p defender-keyvault --example vault_only -- contoso-vault client-secret
//! ```

use std::error::Error;
use std::io::{Write as _, stdin, stdout};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Clock as _, Credential, ErrorKind, ExposeSecret as _, Result, Scope, SecretRef,
    SecretResolver, SecretString, TokenRequest, WrittenName,
};
use defender_http::{HttpOptions, HttpTransport, Retry, RetryPolicy, SystemClock};
use defender_keyvault::{VaultSecrets, Vaults};

/// A token that somebody else obtained.
#[derive(Debug)]
struct Given(AccessToken);

#[async_trait]
impl Credential for Given {
    async fn token(&self, _: &TokenRequest) -> Result<AccessToken> {
        Ok(self.0.clone())
    }
}

/// Secrets that are in no vault: there are none here.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl SecretResolver for Nowhere {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString> {
        let message = format!("{reference} is in no vault");
        Err(defender_core::Error::new(ErrorKind::Config, message))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vault, name] = arguments.as_slice() else {
        return Err("give the vault and the secret as arguments, and a token on stdin".into());
    };
    let mut token = String::new();
    stdin().read_line(&mut token)?;
    let until = SystemClock.now() + Duration::from_hours(1);
    let secrets = VaultSecrets::new(
        Vaults {
            default_vault: Some(vault.clone()),
            suffix: "vault.azure.net".to_owned(),
            scope: Scope::default_of("https://vault.azure.net"),
        },
        Arc::new(Given(AccessToken::new(token.trim().to_owned(), until))),
        Arc::new(HttpTransport::new(&HttpOptions::default())?),
        Retry::new(RetryPolicy::default(), Arc::new(SystemClock)),
        Arc::new(Nowhere),
    );
    let reference = SecretRef::Vault {
        vault: None,
        name: WrittenName::of_words(name.as_str()),
        version: None,
        setting: "the second argument".to_owned(),
    };
    let secret = secrets.resolve(&reference).await?;
    writeln!(stdout(), "{name}: {} bytes", secret.expose_secret().len())?;
    Ok(())
}
