//! Processes that are measured, and processes that serve them.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::target;
use crate::command::run;

/// What a process took.
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// The peak of its memory in MiB.
    pub(super) peak: f64,
    /// -1 for one that a signal ended.
    pub(super) code: i32,
    /// What it said on standard error.
    pub(super) said: String,
}

/// Runs a command to its end; what it prints is left out.
pub(super) fn measured(command: &mut Command) -> Result<Measured, String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let started = now();
    let mut process = command
        .spawn()
        .map_err(|error| format!("{command:?} did not start: {error}"))?;
    let said = process.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text is not shown.
            let _ = stderr.read_to_string(&mut text);
            text
        })
    });
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0.0_f64;
    let found = loop {
        // The kernel keeps the peak; it is gone with the process, so it is read until then.
        peak = peak.max(peak_of(&status));
        match process.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Ok(Some(found)) => break found,
            Err(error) => return Err(format!("{command:?}: {error}")),
        }
    };
    Ok(Measured {
        seconds: started.elapsed().as_secs_f64(),
        peak,
        code: found.code().unwrap_or(-1),
        said: said.and_then(|said| said.join().ok()).unwrap_or_default(),
    })
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

fn peak_of(status: &str) -> f64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

/// A process that ends with this value.
pub(super) struct Server(pub(super) Child);

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command `defender`, built for release.
pub(super) fn defender() -> Result<PathBuf, String> {
    run(
        "cargo",
        &["build", "--release", "--locked", "-p", "defender-cli"],
        &[],
    )?;
    let name = format!("defender{}", std::env::consts::EXE_SUFFIX);
    Ok(target()?.join("release").join(name))
}
