//! How people behave at the emulator's sign-in pages, and how long what they get is good.

use std::time::Duration;

use serde::Deserialize;

/// What happens when a user is asked to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// What happens in a browser.
    pub browser: Browser,
    /// Who signs in, whatever the client hinted; without it the hinted user, or the first.
    pub account: Option<String>,
    /// What happens with a device code.
    pub device: DeviceScript,
    /// How long an authorization code is good.
    pub code_lifetime: Duration,
    /// How long a refresh token is good.
    pub refresh_lifetime: Duration,
    /// Whether a refresh token can be used again after it has been replaced. The service lets it
    /// live on; without it a client that does not keep the newest one is found out.
    pub refresh_tokens_reusable: bool,
    /// Whether an assertion can be sent again, letter by letter, while it is good. The service
    /// takes it and MSAL does it. Another assertion under a used `jti` is refused in any case.
    pub assertions_reusable: bool,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            browser: Browser::default(),
            account: None,
            device: DeviceScript::default(),
            code_lifetime: Duration::from_mins(10),
            refresh_lifetime: Duration::from_hours(90 * 24),
            refresh_tokens_reusable: true,
            assertions_reusable: true,
        }
    }
}

/// What happens in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Browser {
    /// The user signs in and agrees at once; the browser is sent back.
    #[default]
    Approve,
    /// The user does not agree.
    Deny,
    /// A page asks which account it is, and whether it agrees.
    Page,
}

/// What happens with a device code.
#[derive(Debug, Clone)]
pub struct DeviceScript {
    /// What comes in the end.
    pub outcome: DeviceOutcome,
    /// How many polls are answered with `authorization_pending` before.
    pub pending: u32,
    /// Which polls, from 1 on, are answered with `slow_down`.
    pub slow_down: Vec<u32>,
    /// Whether a poll that comes before the interval is over is answered with `slow_down`, which
    /// adds five seconds to it.
    pub paced: bool,
    /// How long clients are told to wait between polls.
    pub interval: Duration,
    /// How long the codes are good.
    pub lifetime: Duration,
}

impl Default for DeviceScript {
    fn default() -> Self {
        Self {
            outcome: DeviceOutcome::default(),
            pending: 1,
            slow_down: Vec::new(),
            paced: false,
            interval: Duration::from_secs(5),
            lifetime: Duration::from_mins(15),
        }
    }
}

/// How a device code ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeviceOutcome {
    /// The user enters the code and agrees.
    #[default]
    Approve,
    /// The user does not agree.
    Decline,
    /// Nobody enters the code, except at the page `/devicelogin`.
    Page,
}
