//! One line on the terminal that says how far a run is.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::context::Context;
use crate::messages;

/// The line; nothing where standard error is no terminal, or the user wants quiet.
#[derive(Debug)]
pub(crate) struct Line {
    shown: AtomicBool,
    open: AtomicBool,
}

impl Line {
    pub(crate) fn new(context: &Context) -> Self {
        Self {
            shown: AtomicBool::new(!context.quiet && messages::is_terminal()),
            open: AtomicBool::new(false),
        }
    }

    /// Says `text` in place of what it said before.
    pub(crate) fn say(&self, text: &str) {
        if self.shown.load(Ordering::Relaxed) {
            self.open.store(true, Ordering::Relaxed);
            messages::show_progress(text);
        }
    }

    /// Takes the line away, before something else is said.
    pub(crate) fn end(&self) {
        if self.open.swap(false, Ordering::Relaxed) {
            messages::show_progress("");
        }
    }

    /// Takes the line away for good.
    pub(crate) fn close(&self) {
        self.shown.store(false, Ordering::Relaxed);
        self.end();
    }
}
