//! What an authority remembers between two requests: codes, tokens, sessions, consents.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::wish::{ChallengeMethod, Wish};
use crate::hosts::Api;
use crate::registration::SignInPolicy;
use crate::site::Site;

/// A user who has signed in to an application, and what for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) tenant: String,
    pub(super) client_id: String,
    /// The user's object identifier.
    pub(super) user: String,
    /// The scope as it was asked for.
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// Whether the application behind it has to prove itself.
    pub(super) confidential: bool,
    /// Whether the user gave a second factor.
    pub(super) second_factor: bool,
    /// When it came about, in seconds since 1970.
    pub(super) since: i64,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    /// The challenge and whether it is a digest of the verifier.
    pub(super) challenge: Option<(String, ChallengeMethod)>,
    /// What stood in the path of the authority that gave it.
    pub(super) authority: String,
    pub(super) redeemed: bool,
}

/// A device code.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) answer: DeviceAnswer,
    pub(super) begun: i64,
    pub(super) polls: u32,
    pub(super) last_poll: Option<i64>,
    pub(super) interval: i64,
    pub(super) redeemed: bool,
}

/// What the user said to a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeviceAnswer {
    /// Nothing yet.
    Open,
    /// Yes, as the user with this identifier.
    Approved(String),
    /// No.
    Declined,
}

/// A refresh token.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub(super) grant: Grant,
    pub(super) replaced: bool,
    pub(super) revoked: bool,
}

/// What is remembered; everything ends with the emulator.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) codes: HashMap<String, Code>,
    pub(super) devices: HashMap<String, Device>,
    pub(super) refresh: HashMap<String, Refresh>,
    /// What a page waits to hear about.
    pub(super) pending: HashMap<String, Wish>,
    /// The tenant and user behind the cookie of a browser.
    pub(super) sessions: HashMap<String, (String, String)>,
    /// The assertion that came with a `jti`, per application.
    pub(super) assertions: HashMap<(String, String), String>,
    /// Tenants and applications that an administrator has consented to here.
    pub(super) consents: BTreeSet<(String, String)>,
    /// Single delegated permissions that were consented to here.
    pub(super) scopes: BTreeSet<(String, String, Api, String)>,
    pub(super) policies: HashMap<String, SignInPolicy>,
}

#[derive(Debug, Default)]
pub(super) struct State(Mutex<Memory>);

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that nobody is to read anything from, with the first letters of its kind.
pub(super) fn opaque(site: &Site, prefix: &str) -> String {
    let text: String = (0..3).map(|_| site.identifier()).collect();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(text))
}

impl Memory {
    /// The device code that this user code goes with.
    pub(super) fn device(&mut self, user_code: &str) -> Option<&mut Device> {
        self.devices
            .values_mut()
            .find(|device| device.user_code.eq_ignore_ascii_case(user_code))
    }
}
