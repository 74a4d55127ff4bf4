//! Running a program, as a value.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::SecretString;
use defender_http::require_runtime;
use tokio::io::{AsyncRead, AsyncReadExt as _};
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
/// Needs a tokio runtime with its drivers enabled; without one, running is an error.
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
        require_runtime().map_err(io::Error::other)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = async {
            let (stdout, stderr) = tokio::try_join!(written(stdout), written(stderr))?;
            Ok::<_, io::Error>((stdout, stderr, child.wait().await?))
        };
        let (stdout, stderr, status) = tokio::time::timeout(limit, ended)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let stdout = String::from_utf8(stdout).unwrap_or_default();
        Ok(CommandOutput {
            code: status.code(),
            stdout: stdout.into(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}

/// The most bytes that a program may write: a token and what is said about it.
const LONGEST: u64 = 1 << 20;

/// What a program writes to one of its outputs.
async fn written(output: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(output) = output {
        output.take(LONGEST + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it writes more than 1 MiB"));
    }
    Ok(bytes)
}
