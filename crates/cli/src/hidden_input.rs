//! Input that the terminal does not show, and the terminal as it was before, however the run ends.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use modes::Modes;

/// The terminal's modes from before the prompt, while a prompt is shown.
static BEFORE: Mutex<Option<Modes>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Modes>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows `prompt` and reads a line that is not shown.
pub(crate) fn read_line(prompt: &str) -> io::Result<String> {
    *before() = Modes::of_the_terminal();
    let line = rpassword::prompt_password(prompt);
    before().take();
    line
}

/// Restores the terminal's modes when the process ends during a prompt, so that the terminal shows
/// what is typed again.
pub(crate) fn restore() {
    if let Some(modes) = before().take() {
        modes.restore();
    }
}

#[cfg(unix)]
mod modes {
    use std::fs::File;
    use std::thread;
    use std::time::Duration;

    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    /// How often, and after how long each time, the terminal is looked at again.
    const LOOKS: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(2);

    /// What the terminal does with what is typed.
    #[derive(Debug)]
    pub(super) struct Modes {
        terminal: File,
        modes: Termios,
    }

    impl Modes {
        pub(super) fn of_the_terminal() -> Option<Self> {
            let terminal = File::open("/dev/tty").ok()?;
            let modes = tcgetattr(&terminal).ok()?;
            Some(Self { terminal, modes })
        }

        /// A terminal that another process is in front of has that one's modes, and setting them
        /// would stop this process.
        pub(super) fn restore(&self) {
            if tcgetpgrp(&self.terminal).is_ok_and(|front| front == getpgrp()) {
                // The reader shows its prompt first and hides what is typed then: what it hides
                // after this would stay hidden.
                let shows = || {
                    tcgetattr(&self.terminal)
                        .is_ok_and(|now| now.local_modes.contains(LocalModes::ECHO))
                };
                for _ in (0..LOOKS).take_while(|_| shows()) {
                    thread::sleep(PAUSE);
                }
                let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.modes);
            }
        }
    }
}

/// Elsewhere the reader itself gives the console its modes back.
#[cfg(not(unix))]
mod modes {
    #[derive(Debug)]
    pub(super) struct Modes;

    impl Modes {
        pub(super) fn of_the_terminal() -> Option<Self> {
            None
        }

        pub(super) fn restore(&self) {}
    }
}
