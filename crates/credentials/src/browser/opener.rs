//! Opening an address in a browser.

use std::ffi::OsString;
use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use defender_core::{Error, ErrorKind, Result, is_loopback};
use url::Url;

/// Opens an address in a browser.
pub trait Browser: fmt::Debug + Send + Sync {
    /// Opens `address`, and returns without waiting for the browser to end.
    ///
    /// # Errors
    ///
    /// Of any kind, when no browser could be started; then the person is shown the address.
    fn open(&self, address: &Url) -> Result<()>;
}

/// The browser that the system opens addresses with.
///
/// The address goes to the system's program as one argument; no shell reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

/// No browser: the person opens the address themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBrowser;

/// The system's browser, or none where there is no screen; `variable` reads the environment.
///
/// Without a screen the system's program would start a browser for terminals in the middle of
/// whatever the terminal shows.
pub fn system_browser(variable: impl Fn(&str) -> Option<OsString>) -> Arc<dyn Browser> {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let screen = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"];
    if cfg!(any(windows, target_os = "macos")) || screen.into_iter().any(set) {
        Arc::new(SystemBrowser)
    } else {
        Arc::new(NoBrowser)
    }
}

/// Programs that open an address, and what comes before it.
#[cfg(target_os = "macos")]
const PROGRAMS: &[&[&str]] = &[&["/usr/bin/open"]];
#[cfg(windows)]
const PROGRAMS: &[&[&str]] = &[&["rundll32.exe", "url.dll,FileProtocolHandler"]];
#[cfg(not(any(windows, target_os = "macos")))]
const PROGRAMS: &[&[&str]] = &[&["xdg-open"], &["wslview"], &["gio", "open"]];

impl Browser for SystemBrowser {
    fn open(&self, address: &Url) -> Result<()> {
        open_with(PROGRAMS, address)
    }
}

fn open_with(programs: &[&[&str]], address: &Url) -> Result<()> {
    let web = address.scheme() == "https" || (address.scheme() == "http" && is_loopback(address));
    if !web {
        return Err(Error::new(
            ErrorKind::Config,
            "only an https address is opened in a browser",
        )
        .with_url(address));
    }
    let mut last = Error::new(
        ErrorKind::Config,
        "there is no program that opens addresses",
    );
    for words in programs {
        let Some((program, words)) = words.split_first() else {
            continue;
        };
        let started = Command::new(program)
            .args(words)
            .arg(address.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(mut child) => {
                // Somebody has to take note of its end.
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
            Err(error) => {
                last = Error::new(ErrorKind::Io, format!("'{program}' could not be started"))
                    .with_source(error);
            }
        }
    }
    Err(last)
}

impl Browser for NoBrowser {
    fn open(&self, _: &Url) -> Result<()> {
        Err(Error::new(
            ErrorKind::Config,
            "there is no screen to open a browser on",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_are_opened() {
        for address in ["file:///etc/passwd", "http://evil.example/", "javascript:x"] {
            let error = open_with(&[&["true"]], &Url::parse(address).unwrap()).unwrap_err();
            assert_eq!(
                error.to_string(),
                "only an https address is opened in a browser"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_address_is_one_argument_that_no_shell_reads() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let pipe = seen.to_str().unwrap();
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let script = format!("printf '%s|' \"$@\" > '{pipe}'");
        let address = Url::parse("https://login.example/?a=$(touch%20x)&b=;`id`&c='\"").unwrap();
        let programs: &[&[&str]] = &[&["no-such-program"], &["sh", "-c", &script, "sh"]];
        open_with(programs, &address).unwrap();
        // Reading a pipe waits for the program; nothing sleeps.
        let text = std::fs::read_to_string(&seen).unwrap();
        assert_eq!(text, format!("{address}|"));
        assert!(text.contains("&b=;`id`&c="));
    }

    #[test]
    fn where_nothing_opens_addresses_it_is_said() {
        let address = Url::parse("https://login.example/").unwrap();
        let error = open_with(&[&["no-such-program"]], &address).unwrap_err();
        assert_eq!(error.to_string(), "'no-such-program' could not be started");
        assert!(open_with(&[], &address).is_err() && NoBrowser.open(&address).is_err());
    }

    #[cfg(not(any(windows, target_os = "macos")))]
    #[test]
    fn without_a_screen_no_browser_is_started() {
        let with = |name: &'static str, value: &'static str| {
            let browser = system_browser(move |asked| (asked == name).then(|| value.into()));
            format!("{browser:?}")
        };
        assert_eq!(with("DISPLAY", ":0"), "SystemBrowser");
        assert_eq!(with("WAYLAND_DISPLAY", "wayland-0"), "SystemBrowser");
        assert_eq!(with("DISPLAY", ""), "NoBrowser");
        assert_eq!(with("HOME", "x"), "NoBrowser");
    }
}
