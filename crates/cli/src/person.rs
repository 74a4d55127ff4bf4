//! The person at the terminal: what a sign-in tells them, and what they are asked.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use defender_core::{Clock as _, Error, ErrorKind, Result, SecretString};
use defender_http::SystemClock;
use defender_query::{BrowserPrompt, DeviceCodePrompt, SignInPrompt};

use crate::{hidden_input, messages, signals};

/// Tells the person on standard error.
#[derive(Debug)]
pub(crate) struct Person {
    quiet: bool,
    /// Whether there is a terminal that shows more than plain text.
    styled: bool,
    /// What has been said: once is enough.
    said: Mutex<BTreeSet<String>>,
}

impl Person {
    pub(crate) fn new(quiet: bool, styled: bool) -> Self {
        Self {
            quiet,
            styled,
            said: Mutex::default(),
        }
    }

    /// Says what `text` makes of `strong`.
    fn say(&self, strong: &str, text: impl Fn(&str) -> String) {
        let styled = self
            .styled
            .then(|| text(&format!("\u{1b}[1m{strong}\u{1b}[0m")));
        messages::say_styled(&text(strong), styled.as_deref());
    }
}

impl SignInPrompt for Person {
    fn device_code(&self, prompt: &DeviceCodePrompt) {
        let left = prompt
            .expires_at
            .duration_since(SystemClock.now())
            .unwrap_or_default();
        let minutes = match left.as_secs().div_ceil(60) {
            1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        let page = prompt.verification_uri.as_str();
        // Said even when all else is quiet: without it nobody can sign in.
        self.say(&prompt.user_code, |code| {
            format!(
                "To sign in, open this page on any device:\n\n    {page}\n\n\
                 and enter this code, which is good for {minutes}:\n\n    {code}\n\n\
                 Enter it only if you ran this command yourself. Ctrl-C gives up."
            )
        });
    }

    fn browser(&self, prompt: &BrowserPrompt<'_>) {
        let opened = prompt.opened;
        self.say(prompt.address.as_str(), |address| {
            if opened {
                format!(
                    "Sign in with the browser that has just opened; if none did, open:\n\n    \
                     {address}\n"
                )
            } else {
                format!(
                    "No browser could be opened. To sign in, open this page on this machine:\n\n    \
                     {address}\n\nWithout a browser here, use --auth-type device."
                )
            }
        });
    }

    fn warning(&self, warning: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.quiet && said.insert(warning.to_owned()) {
            messages::say(&format!("warning: {warning}"));
        }
    }
}

/// Asks for a secret and shows nothing of it.
pub(crate) fn ask(what: &str, option: &str) -> Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{option} asks at a terminal, and there is none"),
        )
        .with_hint("give the secret by a variable, a file or standard input"));
    }
    let text = hidden_input::read_line(&format!("{what}: ")).map_err(|error| {
        // The reader takes Ctrl-C from the keys itself and sends it as a signal, which ends the run
        // and says so, unless it is ignored.
        if error.kind() == std::io::ErrorKind::Interrupted {
            std::thread::park_timeout(std::time::Duration::from_secs(1));
            return signals::interruption();
        }
        Error::new(ErrorKind::Io, "cannot read from the terminal").with_source(error)
    })?;
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "nothing was entered"));
    }
    Ok(text.into())
}
