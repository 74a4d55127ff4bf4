//! Signing in to Entra ID: credentials, and a cache around any of them.
//!
//! Every way to sign in is a [`Credential`](defender_core::Credential) behind a feature of its
//! own. A credential asks the authority once per call: [`Cached`] around it keeps the tokens,
//! and whoever sends the request repeats the whole attempt, token included, when an error is
//! transient (`defender_http::Retry`). Transport and clock are given, so that everything here
//! runs in tests without network and without waiting.
//!
//! | feature | credential |
//! |---|---|
//! | `client-secret` (default) | `ClientSecret`: an application and its secret |
//! | always | [`ExistingToken`]: a token obtained elsewhere |

#[cfg(feature = "client-secret")]
mod aadsts;
mod authority;
mod cached;
mod claims;
#[cfg(feature = "client-secret")]
mod client_secret;
mod existing_token;
#[cfg(feature = "client-secret")]
mod redaction;
#[cfg(feature = "client-secret")]
mod refusal;
#[cfg(feature = "client-secret")]
mod token_endpoint;

pub use authority::Authority;
pub use cached::Cached;
pub use claims::{Claims, claims};
#[cfg(feature = "client-secret")]
pub use client_secret::ClientSecret;
pub use existing_token::ExistingToken;
