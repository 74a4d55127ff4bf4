//! What the process was started with: environment variables, folders, and how much to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use defender_config::{Finding, Settings, Sources};
use defender_core::{Error, Result};

use crate::arguments::GlobalOptions;
use crate::{failure, messages};

/// The process's surroundings, read once.
pub(crate) struct Context {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) quiet: bool,
    json_errors: bool,
    /// Where the log goes, if not to standard error.
    pub(crate) log_file: Option<PathBuf>,
    /// The warnings that were given: once is enough.
    warned: Mutex<BTreeSet<String>>,
}

impl Context {
    /// Reads the surroundings. Variables that are not Unicode name nothing that we know.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(crate) fn new(options: &GlobalOptions) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            environment,
            quiet: options.quiet,
            json_errors: options.json_errors,
            log_file: options.log_file.clone(),
            warned: Mutex::default(),
        }
    }

    /// Says what ends the run.
    pub(crate) fn ended(&self, error: &Error) {
        if self.json_errors {
            messages::say_json(failure::json(error));
        } else {
            messages::say(&failure::text(error));
        }
    }

    /// Whether what is said may have more than plain text.
    pub(crate) fn is_styled(&self) -> bool {
        let set = |name| self.environment.get(name).map(String::as_str);
        messages::is_terminal()
            && set("NO_COLOR").is_none_or(str::is_empty)
            && set("TERM") != Some("dumb")
    }

    /// Where settings are looked for.
    pub(crate) fn sources(&self, file: Option<&PathBuf>) -> Sources {
        Sources {
            file: file.cloned(),
            environment: self.environment.clone(),
            folder: std::env::current_dir().ok(),
            home: std::env::home_dir(),
        }
    }

    /// Loads the settings, and prints what is doubtful about them.
    pub(crate) fn settings(&self, file: Option<&PathBuf>) -> Result<Settings> {
        let settings = Settings::load(&self.sources(file))?;
        for finding in settings.warnings() {
            self.doubt(finding);
        }
        Ok(settings)
    }

    /// Says what is doubtful about a setting, and what to do about it.
    pub(crate) fn doubt(&self, finding: &Finding) {
        let is_news = self.warn(&finding.to_string());
        if let (true, Some(hint)) = (is_news, &finding.hint) {
            self.note(&format!("  hint: {hint}"));
        }
    }

    /// Says which tenant failed, and why: an error that does not end the run.
    pub(crate) fn failure(&self, tenant: &str, error: &Error) {
        if self.json_errors {
            messages::say_json(failure::json_of(tenant, error));
        } else {
            messages::say(&format!("{tenant}: {}", failure::text(error)));
        }
    }

    /// Says on standard error what is wrong with one of several: an error that does not end the
    /// run, and that a user who wants quiet has to know of too.
    pub(crate) fn complain(&self, error: &Error) {
        if self.json_errors {
            messages::say_json(failure::json(error));
        } else {
            messages::say(&error.to_string());
        }
    }

    /// Says on standard error what is doubtful, once, unless the user wants quiet: whether
    /// it did.
    pub(crate) fn warn(&self, text: &str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = !self.quiet && warned.insert(text.to_owned());
        if is_news {
            messages::say(&format!("warning: {text}"));
        }
        is_news
    }

    /// Says on standard error what the reader of the rows has to know: what is missing in them or
    /// could not be read. A user who wants quiet does not want wrong rows.
    pub(crate) fn caution(&self, text: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(text.to_owned()) {
            messages::say(&format!("warning: {text}"));
        }
    }

    /// Says something on standard error, unless the user wants quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            messages::say(text);
        }
    }
}
