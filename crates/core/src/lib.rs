//! Errors, tokens, and the traits that the layers of defender-query meet at.
//!
//! Nothing here does input or output but the one way to read a file that somebody names: this crate
//! is what a credential, a transport and a driver have to agree on, so that each can be taken without
//! the others.

mod clock;
mod credential;
mod duration;
mod environment;
mod error;
mod files;
mod home;
mod loopback;
mod moment;
mod name;
mod nearest;
mod redaction;
mod secret;
mod transport;
mod unseen;

pub use clock::{Clock, ManualClock};
pub use credential::{AccessToken, Credential, Scope, TokenId, TokenRequest};
pub use duration::duration;
pub use environment::DataEnvironment;
pub use error::{Error, ErrorKind, Result};
pub use files::{
    bounded, open_file, open_to_write, read_bounded, read_text_bounded, utf8, with_folder_hint,
};
pub use home::expand_home;
pub use loopback::{is_localhost, is_loopback};
pub use moment::moment;
pub use name::WrittenName;
pub use nearest::nearest;
pub use redaction::{Redaction, redact_shapes, strike_out_shapes};
pub use secret::{SecretRef, SecretResolver, is_plain_path};
pub use transport::{Body, Transport};
pub use unseen::{is_unseen, unseen};

pub use secrecy::{ExposeSecret, SecretString};

/// The crates whose types stand in the signatures here, in the version that they are of.
pub use {async_trait::async_trait, bytes, http, secrecy, url};
