//! The signals that end a run: Ctrl-C, and what service managers, `timeout` and closing terminals
//! send.
//!
//! Whoever has something to finish waits for [`interrupted`] and has [`GRACE`] for it; where nobody
//! waits, and for whoever takes too long or is signalled again, the process ends at once, without
//! its unfinished files and children. A signal that the caller had ignored, as `nohup` does, stays
//! ignored.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use defender_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

use crate::{hidden_input, leftovers, messages};

/// How long an orderly end may take.
const GRACE: Duration = Duration::from_secs(10);

/// What comes this soon is the same signal by another way, as `timeout` sends it to the process and
/// to its group.
const SAME: Duration = Duration::from_millis(500);

/// The first signal that came.
static CAUGHT: LazyLock<watch::Sender<Option<Signal>>> = LazyLock::new(|| watch::Sender::new(None));

/// Whether another signal is a second one.
static SETTLED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C at the terminal is meant for another process of the same group.
static LEFT_TO_THE_TERMINAL: AtomicBool = AtomicBool::new(false);

/// From here on, Ctrl-C at a terminal does not end this process: it reaches a command in front of it,
/// which may be a shell or a notebook that lives on.
pub(crate) fn leave_interrupts_to_the_terminal() {
    LEFT_TO_THE_TERMINAL.store(true, Ordering::Relaxed);
}

/// Whether the terminal has sent this Ctrl-C to everybody in front of it.
#[cfg(unix)]
fn is_left(signal: Signal) -> bool {
    signal == Signal::Interrupt
        && LEFT_TO_THE_TERMINAL.load(Ordering::Relaxed)
        && rustix::termios::tcgetpgrp(std::io::stdin())
            .is_ok_and(|front| front == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_left(_: Signal) -> bool {
    false
}

/// A signal that ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, `timeout`, a service manager.
    #[cfg(unix)]
    Terminate,
    /// The terminal is gone.
    #[cfg(unix)]
    HangUp,
}

impl Signal {
    /// The exit code, by the convention of shells.
    fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            #[cfg(unix)]
            Self::Terminate => 143,
            #[cfg(unix)]
            Self::HangUp => 129,
        }
    }
}

/// The exit code of a run that was interrupted.
pub(crate) fn exit_code() -> u8 {
    let caught = *CAUGHT.borrow();
    caught.unwrap_or(Signal::Interrupt).exit_code()
}

/// Returns when the run is to end.
pub(crate) async fn interrupted() -> Signal {
    listening().await
}

/// The same, heard from here on, and not only from the first time that it is waited for.
pub(crate) fn listening() -> impl Future<Output = Signal> {
    let mut caught = CAUGHT.subscribe();
    async move {
        let signal = caught.wait_for(Option::is_some).await;
        let signal = signal.ok().and_then(|signal| *signal);
        match signal {
            Some(signal) => signal,
            // The sender is never dropped.
            None => std::future::pending().await,
        }
    }
}

/// What comes of `work`, unless the run is to end before.
pub(crate) async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        _ = interrupted() => Err(interruption()),
        result = work => result,
    }
}

/// The error of a run that was ended.
pub(crate) fn interruption() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

/// Listens from here on; `say` tells of an end that nobody else tells of. Must be called within a
/// runtime.
pub(crate) fn listen(say: impl Fn(&Error) + Send + Sync + 'static) -> Result<()> {
    let end: End = Arc::new(move || {
        hidden_input::restore();
        leftovers::clear();
        say(&interruption());
        messages::finish();
        std::process::exit(exit_code().into());
    });
    follow_all(&end).map_err(|error| {
        Error::new(ErrorKind::Io, "cannot listen for interrupts").with_source(error)
    })
}

/// Ends the process.
type End = Arc<dyn Fn() + Send + Sync>;

#[cfg(unix)]
fn follow_all(end: &End) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    for (kind, caught) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::HangUp),
    ] {
        if is_ignored(kind.as_raw_value()) {
            continue;
        }
        let (mut stream, end) = (signal(kind)?, Arc::clone(end));
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                catch(caught, &end);
            }
        });
    }
    Ok(())
}

/// Whether the process was started with this signal ignored. Where the system does not say, a hang-up
/// is left to it: it ends the process or does not, as the caller wanted.
#[cfg(unix)]
fn is_ignored(number: i32) -> bool {
    let hang_up = tokio::signal::unix::SignalKind::hangup().as_raw_value();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    match mask {
        Some(mask) => mask & (1 << (number - 1)) != 0,
        None => number == hang_up,
    }
}

#[cfg(windows)]
fn follow_all(end: &End) -> std::io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

    macro_rules! follow {
        ($stream:expr) => {{
            let (mut stream, end) = ($stream?, Arc::clone(end));
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    catch(Signal::Interrupt, &end);
                }
            });
        }};
    }
    follow!(ctrl_c());
    follow!(ctrl_break());
    follow!(ctrl_close());
    follow!(ctrl_shutdown());
    Ok(())
}

fn catch(signal: Signal, end: &End) {
    if is_left(signal) {
        return;
    }
    if signal == Signal::Interrupt {
        messages::break_line();
    }
    // Who is told may be done before this goes on.
    let is_awaited = CAUGHT.receiver_count() > 0;
    let mut is_first = false;
    CAUGHT.send_modify(|caught| {
        is_first = caught.is_none();
        caught.get_or_insert(signal);
    });
    if !is_first {
        if SETTLED.load(Ordering::Relaxed) {
            end();
        }
        return;
    }
    if !is_awaited {
        end();
    }
    let end = Arc::clone(end);
    tokio::spawn(async move {
        tokio::time::sleep(SAME).await;
        SETTLED.store(true, Ordering::Relaxed);
        tokio::time::sleep(GRACE).await;
        end();
    });
}
