//! Runs the built command with nothing of this process's surroundings.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use defender_emulator::Running;
use regex::Regex;
use tempfile::TempDir;

use crate::service;

/// A folder of a run's own: where it works, its home, its temporary files.
pub(crate) struct Folder {
    root: TempDir,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; -1 for a run that a signal ended.
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["cwd", "home", "tmp"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    /// A folder whose settings file leads to `running`.
    pub(crate) fn of(running: &Running) -> Self {
        let folder = Self::new();
        folder.write("msticpyconfig.yaml", &service::settings(running));
        folder
    }

    /// Where the command works.
    pub(crate) fn work(&self) -> std::path::PathBuf {
        self.root.path().join("cwd")
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The command, ready to start.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_defender"));
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("HOME", self.root.path().join("home"))
            .env("TMPDIR", self.root.path().join("tmp"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().unwrap())
    }

    pub(crate) fn run_in(
        &self,
        arguments: &[&str],
        environment: &[(String, String)],
        stdin: &str,
    ) -> Ran {
        let mut command = self.command(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its standard input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        finish(child)
    }
}

/// Waits for the end of a run.
pub(crate) fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `text` without what differs from run to run.
pub(crate) fn steady(text: &str, folder: &Folder, running: Option<&Running>) -> String {
    let mut text = text.to_owned();
    if let Some(running) = running {
        let urls = [
            Some(running.http_url()),
            running.https_url(),
            running.proxy_url(),
        ];
        for (url, name) in urls.iter().zip(["service", "https", "proxy"]) {
            if let Some(url) = url {
                let address = url.rsplit(['/', '@']).next().unwrap();
                text = text.replace(address, &format!("[{name}]"));
            }
        }
        text = text.replace(
            &running.folder().display().to_string(),
            "[emulator's folder]",
        );
    }
    // macOS reaches its temporary folder by two names.
    if let Ok(real) = folder.root().canonicalize() {
        text = text.replace(&real.display().to_string(), "[folder]");
    }
    text = text.replace(&folder.root().display().to_string(), "[folder]");
    for (pattern, replacement) in &*UNSTEADY {
        text = pattern.replace_all(&text, *replacement).into_owned();
    }
    text
}

static UNSTEADY: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // Ids of tenants and applications repeat one digit, those of rows begin with 0a1b; all
        // others are drawn.
        (
            r"((?:request id|Trace ID:|Correlation ID:|trace id|correlation id) )[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "$1[guid]",
        ),
        (
            r#"("(?:client_)?request_id": ?")[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"#,
            "$1[guid]",
        ),
        (r"(waiting|attempts in) [0-9.]+ ?(?:ms|s|seconds?)\b", "$1 [time]"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z? \(\d+ minutes left\)", "[time] ([minutes] minutes left)"),
        (r#"("expires_at": ")[^"]+"#, "$1[time]"),
        (r"(Timestamp: )\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "$1[time]"),
        (r"Time range: \d{4}-\d\d-\d\dT[0-9:.]+Z to \d{4}-\d\d-\d\dT[0-9:.]+Z", "Time range: [time] to [time]"),
        (r"127\.0\.0\.1:\d+", "[elsewhere]"),
    ]
    .map(|(pattern, replacement)| (Regex::new(pattern).unwrap(), replacement))
    .into()
});
