//! What a library without a person does with what a person should know.

use defender_credentials::{BrowserPrompt, DeviceCodePrompt, SignInPrompt};

/// Tells nobody; warnings go to the log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence;

impl SignInPrompt for Silence {
    fn device_code(&self, _: &DeviceCodePrompt) {}

    fn browser(&self, _: &BrowserPrompt<'_>) {}

    fn warning(&self, warning: &str) {
        tracing::warn!("{warning}");
    }
}
