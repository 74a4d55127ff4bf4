//! Running a program, as a value.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::SecretString;
use tokio::process::Command;

/// What a program printed.
pub struct CommandOutput {
    /// How it ended; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed, which may be a token.
    pub stdout: SecretString,
    /// What it complained about.
    pub stderr: String,
}

impl fmt::Debug for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandOutput")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Runs a program to its end.
#[async_trait]
pub trait CommandRunner: fmt::Debug + Send + Sync {
    /// Runs `program` with `arguments`, without a shell and without input, for at most `limit`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] when there is no such program, [`io::ErrorKind::TimedOut`]
    /// when it does not end in time.
    async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> io::Result<CommandOutput>;
}

/// The programs of this machine, as the search path finds them.
///
/// Needs a tokio runtime with its drivers enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemCommands;

#[async_trait]
impl CommandRunner for SystemCommands {
    async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> io::Result<CommandOutput> {
        let ended = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(limit, ended)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let stdout = String::from_utf8(output.stdout).unwrap_or_default();
        Ok(CommandOutput {
            code: output.status.code(),
            stdout: stdout.into(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
