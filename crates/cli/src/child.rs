//! A command that runs under this one, and hears the signals that this one hears.

use std::ffi::OsString;
use std::process::ExitStatus;
use std::time::Duration;

use defender_core::{Error, ErrorKind, Result};
use tokio::process::Command;

use crate::signals::{Signal, listening};

/// How long the command may take to end once it was signalled.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `command` to its end, and returns its exit code.
///
/// At a terminal Ctrl-C is between the person and the command. Any other signal that is to end this
/// process goes on to the command, which has [`GRACE`] to end in its
/// own way before it is killed; its exit code counts all the same.
pub(crate) async fn run(command: &[OsString], environment: &[(String, String)]) -> Result<u8> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Error::new(ErrorKind::Usage, "there is no command"))?;
    let mut prepared = Command::new(program);
    prepared
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true);
    #[cfg(unix)]
    let has_group = platform::part(&mut prepared);
    // Before there is anybody whom a signal would miss.
    let interrupt = listening();
    let mut child = prepared.spawn().map_err(|error| {
        let message = format!("cannot run {}", program.display());
        Error::new(ErrorKind::Usage, message).with_source(error)
    })?;
    let lost = |error| Error::new(ErrorKind::Io, "lost track of the command").with_source(error);
    #[cfg(unix)]
    let target = platform::Target::of(&child, has_group);
    #[cfg(unix)]
    let _noted =
        target.map(|target| crate::leftovers::note(crate::leftovers::Leftover::Child(target)));
    let signal = tokio::select! {
        status = child.wait() => return status.map(code).map_err(lost),
        signal = interrupt => signal,
    };
    #[cfg(unix)]
    if let Some(target) = target {
        target.send(signal);
    }
    let ended = tokio::time::timeout(GRACE, async {
        let status = child.wait().await;
        // Those that it has started may have something to finish as well.
        #[cfg(unix)]
        while target.is_some_and(platform::Target::is_there) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        status
    });
    let ended = ended.await;
    #[cfg(unix)]
    if let Some(target) = target {
        target.kill_group();
    }
    if let Ok(status) = ended {
        return status.map(code).map_err(lost);
    }
    child.kill().await.map_err(lost)?;
    child.wait().await.map(code).map_err(lost)
}

/// A command that a signal ended has no code; the convention of shells is 128 and the signal.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal: i32| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(128)
}

#[cfg(unix)]
pub(crate) use platform::Target;

#[cfg(unix)]
mod platform {
    use std::io::IsTerminal as _;

    use rustix::process::{
        Pid, Signal as Native, kill_process, kill_process_group, test_kill_process_group,
    };
    use tokio::process::{Child, Command};

    use super::Signal;

    /// Gives the command a process group of its own, so that what it starts hears of the end too;
    /// but not at a terminal, which is for one group at a time, and signals all of it.
    pub(super) fn part(command: &mut Command) -> bool {
        let part = !std::io::stdin().is_terminal();
        if part {
            command.process_group(0);
        } else {
            crate::signals::leave_interrupts_to_the_terminal();
        }
        part
    }

    /// Where signals to the command go.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Target {
        process: Pid,
        has_group: bool,
    }

    impl Target {
        /// `None` when it has ended already.
        pub(super) fn of(child: &Child, has_group: bool) -> Option<Self> {
            let process = i32::try_from(child.id()?).ok().and_then(Pid::from_raw)?;
            Some(Self { process, has_group })
        }

        pub(super) fn send(self, signal: Signal) {
            let native = match signal {
                Signal::Interrupt => Native::INT,
                Signal::Terminate => Native::TERM,
                Signal::HangUp => Native::HUP,
            };
            self.signal(native);
        }

        pub(crate) fn kill(self) {
            self.signal(Native::KILL);
        }

        /// Those that the command has started; its own number may be somebody else's by now.
        pub(super) fn kill_group(self) {
            if self.has_group {
                self.kill();
            }
        }

        /// Whether anybody of the group is still there.
        pub(super) fn is_there(self) -> bool {
            self.has_group && test_kill_process_group(self.process).is_ok()
        }

        fn signal(self, signal: Native) {
            // Whoever is gone needs no signal.
            let _ = if self.has_group {
                kill_process_group(self.process, signal)
            } else {
                kill_process(self.process, signal)
            };
        }
    }
}
