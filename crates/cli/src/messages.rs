//! What the command says: whatever goes to standard error goes through here.
//!
//! No message is worth a run: a standard error that is full, closed, or a pipe that nobody reads
//! changes neither the rows nor the exit code. See [`outlet`] for what becomes of the messages.

mod outlet;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use defender_core::redact_shapes;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::pasted;
use crate::terminal::{escape, escape_json};
use outlet::Outlet;

static STDERR: OnceLock<Outlet> = OnceLock::new();

/// The line of progress that is on the terminal; empty for none.
static LINE: Mutex<String> = Mutex::new(String::new());

/// Whether the terminal has written `^C` where the next message would begin.
static BROKEN: AtomicBool = AtomicBool::new(false);

fn stderr() -> &'static Outlet {
    STDERR.get_or_init(|| Outlet::new(io::stderr(), |_| {}))
}

/// Whether a person sees what is said.
pub(crate) fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Says `text`.
pub(crate) fn say(text: &str) {
    put(&escape(text));
}

/// Says that `what` is read from standard input, where a person has to type it: nothing else would
/// tell why nothing happens.
pub(crate) fn say_awaited(what: &str) {
    const END: &str = if cfg!(windows) {
        "Ctrl-Z and Enter"
    } else {
        "Ctrl-D"
    };
    if io::stdin().is_terminal() {
        say(&format!("reading {what} from the terminal, up to {END}"));
    }
}

/// Says a JSON object.
///
/// The last look is at the texts in it: in JSON, quotes are escaped, and what is taken out there
/// may be one half of an escape.
pub(crate) fn say_json(mut object: Value) {
    clean_texts(&mut object);
    write(&escape_json(&object.to_string()));
}

fn clean_texts(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(values) => values.iter_mut().for_each(clean_texts),
        Value::Object(members) => members.values_mut().for_each(clean_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The last look at a message before somebody else sees it: what is in `text` goes to a screen, a
/// log of CI, a ticket.
fn clean(text: &str) -> String {
    redact_shapes(&pasted::hidden(text)).into_owned()
}

/// Says `text`, in its `styled` form where that is asked for: only when there is nothing in it that
/// a terminal would act on, so that all of the styling is ours.
pub(crate) fn say_styled(text: &str, styled: Option<&str>) {
    let escaped = escape(text);
    match styled {
        Some(styled) if escaped == text => put(styled),
        _ => put(&escaped),
    }
}

/// Shows `text` in place of the last line of progress, below whatever is said; empty, it takes the
/// line away.
pub(crate) fn show_progress(text: &str) {
    let mut line = line();
    if (line.is_empty() && text.is_empty()) || stderr().is_stalled() {
        return;
    }
    *line = escape(text).replace('\n', " ");
    stderr().write(format!("{CLEAR}{line}").into_bytes());
}

/// Begins the next message on a line of its own: the terminal has shown that somebody pressed
/// Ctrl-C.
pub(crate) fn break_line() {
    BROKEN.store(is_terminal(), Ordering::Relaxed);
}

/// Waits until what was said is written, for as long as somebody reads it.
pub(crate) fn finish() {
    if let Some(outlet) = STDERR.get() {
        outlet.finish();
    }
}

/// Says what a panic says; the thread's end is somebody else's to notice.
///
/// One that becomes the error of a damaged file says nothing by itself.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if defender_query::panic_is_caught() {
            return;
        }
        say(&format!("error: this is a bug of defender: {panic}"));
    }));
}

/// To the beginning of the line, and the line away.
const CLEAR: &str = "\r\x1b[K";

fn line() -> MutexGuard<'static, String> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put(text: &str) {
    write(&clean(text));
}

/// The one way out, for what somebody else may see.
fn write(text: &str) {
    let line = line();
    let mut piece = String::with_capacity(text.len() + 1);
    let is_broken = BROKEN.swap(false, Ordering::Relaxed);
    if !line.is_empty() {
        piece.push_str(CLEAR);
    } else if is_broken {
        piece.push('\n');
    }
    piece.push_str(text);
    if !text.ends_with('\n') {
        piece.push('\n');
    }
    let _ = write!(piece, "{line}");
    stderr().write(piece.into_bytes());
}

/// Where the log goes.
#[derive(Debug)]
pub(crate) enum Log {
    Stderr,
    File(Outlet),
}

impl Log {
    /// A log in a file; the first time that it cannot be written is said.
    pub(crate) fn to_file(file: File, path: &Path) -> Self {
        let mut path = Some(path.display().to_string());
        Self::File(Outlet::new(file, move |error| {
            if let Some(path) = path.take() {
                say(&format!(
                    "warning: the log in {path} is incomplete: {error}"
                ));
            }
        }))
    }
}

impl<'l> MakeWriter<'l> for Log {
    type Writer = Entry<'l>;

    fn make_writer(&'l self) -> Self::Writer {
        Entry(self)
    }
}

/// One entry of the log.
#[derive(Debug)]
pub(crate) struct Entry<'l>(&'l Log);

impl Write for Entry<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        match self.0 {
            Log::Stderr => say(&text),
            Log::File(outlet) => {
                outlet.write(clean(&escape(&text)).into_bytes());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
