//! What an application wants of a user, and the way back to it.

use bytes::Bytes;
use http::Response;

use super::redirect::{self, ResponseMode};
use super::refusal::Refusal;
use crate::registration::Platform;
use crate::request::Asked;
use crate::site::Site;

/// What an application wants of a user, once it is known that the way back is its own.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) tenant: String,
    pub(super) authority: String,
    pub(super) client_id: String,
    pub(super) back: Back,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<(String, ChallengeMethod)>,
    pub(super) hint: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) client_info: bool,
}

/// The way back.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    pub(super) platform: Platform,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
}

impl Back {
    /// Sends the browser to the application, its state with it.
    pub(super) fn with(&self, mut parameters: Vec<(&'static str, String)>) -> Response<Bytes> {
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        redirect::answer(&self.redirect_uri, self.mode, &parameters)
    }

    pub(super) fn refused(&self, refusal: &Refusal, site: &Site, asked: &Asked) -> Response<Bytes> {
        self.with(refusal.parameters(site, asked))
    }
}

/// How a code verifier becomes a code challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChallengeMethod {
    /// The digest of SHA-256.
    S256,
    /// The verifier itself.
    Plain,
}
