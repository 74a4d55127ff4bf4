//! Signing in to Entra ID: credentials, and a cache around any of them.
//!
//! Every way to sign in is a [`Credential`](defender_core::Credential) behind a feature of its
//! own. A credential asks the authority once per call: [`Cached`] around it keeps the tokens,
//! and whoever sends the request repeats the whole attempt, token included, when an error is
//! transient (`defender_http::Retry`). Transport and clock are given, so that everything here
//! runs in tests without network and without waiting, and with a transport of your own compiles no
//! HTTP client. OpenSSL comes with `certificate`, `browser` and `token-cache` alone.
//!
//! | feature | credential |
//! |---|---|
//! | `client-secret` (default) | `ClientSecret`: an application and its secret |
//! | `browser` | `BrowserSignIn`: a user and a browser on this machine |
//! | `device-code` | `DeviceCode`: a user and a browser on any device |
//! | `delegated` (by the two above) | `Delegated`: a user, silently where possible; `RefreshToken`; `MemoryStore` |
//! | `token-cache` | `FileStore`: tokens in an encrypted file, for the next process |
//! | `key-store` | `KeyStore`: the key of that file in the operating system's key store |
//! | `certificate` | `ClientCertificate`: an application and its certificate |
//! | `assertion` | `ClientAssertion`: an application and what somebody else signed for it |
//! | `environment` | `EnvironmentCredential`: what the `AZURE_*` variables ask for |
//! | `managed-identity` | `ManagedIdentity`: the machine or service this runs on |
//! | `azure-cli` | `AzureCli`: whoever is signed in to `az` |
//! | always | [`Chain`]: the first that is configured |
//! | `claims` (default) | `ExistingToken`: a token obtained elsewhere; `claims`: what a token says about itself |

#[cfg(feature = "token-endpoint")]
mod aadsts;
#[cfg(feature = "delegated")]
mod account;
#[cfg(feature = "assertion")]
mod assertion;
#[cfg(any(feature = "assertion", feature = "certificate"))]
mod assertion_grant;
mod authority;
#[cfg(feature = "azure-cli")]
mod azure_cli;
#[cfg(feature = "browser")]
mod browser;
mod cached;
#[cfg(feature = "certificate")]
mod certificate;
mod chain;
#[cfg(feature = "claims")]
mod claims;
#[cfg(feature = "client-secret")]
mod client_secret;
#[cfg(feature = "delegated")]
mod delegated;
#[cfg(feature = "device-code")]
mod device_code;
#[cfg(feature = "environment")]
mod environment;
#[cfg(feature = "claims")]
mod existing_token;
#[cfg(feature = "delegated")]
mod grant;
#[cfg(feature = "managed-identity")]
mod managed_identity;
#[cfg(feature = "delegated")]
mod public_client;
#[cfg(feature = "delegated")]
mod refresh_token;
#[cfg(feature = "token-endpoint")]
mod refusal;
#[cfg(any(
    feature = "token-endpoint",
    feature = "azure-cli",
    feature = "managed-identity"
))]
mod seconds;
#[cfg(feature = "delegated")]
mod sign_in;
#[cfg(feature = "delegated")]
mod stored;
#[cfg(any(feature = "token-endpoint", feature = "managed-identity"))]
mod token_answer;
#[cfg(feature = "token-endpoint")]
mod token_endpoint;
#[cfg(feature = "delegated")]
mod token_store;
#[cfg(test)]
#[cfg(feature = "delegated")]
mod user_tests;

#[cfg(feature = "delegated")]
pub use account::Account;
#[cfg(feature = "assertion")]
pub use assertion::{AssertionFile, AssertionSource, AssertionText, ClientAssertion};
pub use authority::Authority;
#[cfg(feature = "azure-cli")]
pub use azure_cli::{AzureCli, CommandOutput, CommandRunner, SystemCommands};
#[cfg(feature = "browser")]
pub use browser::{
    Browser, BrowserOptions, BrowserSignIn, NoBrowser, ResponseMode, SystemBrowser, system_browser,
};
pub use cached::Cached;
#[cfg(feature = "certificate")]
pub use certificate::{
    CertificateKey, CertificateNotice, CertificateOptions, CertificateSources, ClientCertificate,
    KeyMaterial, SigningAlgorithm,
};
pub use chain::Chain;
#[cfg(feature = "claims")]
pub use claims::{Claims, claims};
#[cfg(feature = "client-secret")]
pub use client_secret::ClientSecret;
#[cfg(feature = "delegated")]
pub use delegated::{Delegated, DelegatedOptions};
#[cfg(feature = "device-code")]
pub use device_code::DeviceCode;
#[cfg(feature = "environment")]
pub use environment::EnvironmentCredential;
#[cfg(feature = "claims")]
pub use existing_token::ExistingToken;
#[cfg(feature = "managed-identity")]
pub use managed_identity::{IdentityId, ManagedIdentity, ManagedIdentityOptions};
#[cfg(feature = "delegated")]
pub use public_client::PublicClient;
#[cfg(feature = "delegated")]
pub use refresh_token::RefreshToken;
#[cfg(feature = "delegated")]
pub use sign_in::{
    BrowserPrompt, DeviceCodePrompt, NoInput, SignIn, SignInPrompt, SignInRequest, SignedIn,
};
#[cfg(feature = "delegated")]
pub use stored::Stored;
#[cfg(feature = "key-store")]
pub use token_store::KeyStore;
#[cfg(feature = "token-cache")]
pub use token_store::{CacheKey, FileStore, KeyFile, KeySource, token_cache_path};
#[cfg(feature = "delegated")]
pub use token_store::{Kept, KeptToken, MemoryStore, NewTokens, Owner, Selection, TokenStore};
