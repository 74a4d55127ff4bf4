//! `defender emulator`: an embedded Entra ID and Defender, alone or around a command.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use defender_core::{Error, ErrorKind, Result, open_to_write, read_text_bounded};
use defender_emulator::{Data, Description, Emulator, Faults, Observer, Options, Place, Running};

use crate::arguments::EmulatorOptions;
use crate::given::Given;
use crate::leftovers::{self, Leftover};
use crate::signals::{Signal, exit_code, interruptible, listening};
use crate::sink::cannot_write;
use crate::{child, listing};

/// How long requests under way may keep an emulator that stops.
const GOODBYE: Duration = Duration::from_secs(3);

/// The most bytes of a file of faults.
const LONGEST: u64 = 16 << 20;

/// Serves until it is interrupted, or until the command given has ended.
pub(crate) async fn run(
    arguments: &EmulatorOptions,
    quiet: bool,
    environment: &BTreeMap<String, String>,
) -> Result<ExitCode> {
    let given = interruptible(Given::read(&arguments.data)).await?;
    let options = options(arguments, &given)?;
    let running =
        interruptible(async { Emulator::start(options).await.map_err(into_error) }).await?;
    let noted = leftovers::note(Leftover::Folder(running.folder().to_owned()));
    let code = if arguments.command.is_empty() {
        // Whoever reads an address may stop it at once.
        let interrupt = listening();
        if !quiet {
            listing::print(&introduction(&running))?;
        }
        match interrupt.await {
            // The way to end it that its introduction names.
            Signal::Interrupt => ExitCode::SUCCESS,
            #[cfg(unix)]
            Signal::Terminate | Signal::HangUp => ExitCode::from(exit_code()),
        }
    } else {
        let variables: Vec<_> = running
            .environment()
            .iter()
            .map(|(name, value)| (name.clone(), handed_on(environment, name, value)))
            .collect();
        ExitCode::from(child::run(&arguments.command, &variables).await?)
    };
    // Requests under way may end; one that stalls, as a fault has it, may not.
    let _ = tokio::time::timeout(GOODBYE, running.shutdown()).await;
    drop((noted, given));
    Ok(code)
}

/// The value of a variable of the command: Java's options stand behind those that are set already.
fn handed_on(environment: &BTreeMap<String, String>, name: &str, value: &str) -> String {
    match environment.get(name) {
        Some(own) if name == "JAVA_TOOL_OPTIONS" && !own.is_empty() => format!("{own} {value}"),
        _ => value.to_owned(),
    }
}

/// What went wrong in the emulator, as an error of ours.
pub(crate) fn into_error(error: defender_emulator::Error) -> Error {
    use defender_emulator::Error as E;
    let kind = match &error {
        E::NotLoopback(_) | E::Listen { .. } | E::Options(_) => ErrorKind::Usage,
        E::Description(_) | E::Faults(_) => ErrorKind::Config,
        // Files: those of the data, too.
        _ => ErrorKind::Io,
    };
    Error::new(kind, "the emulator did not start").with_source(error)
}

fn options(arguments: &EmulatorOptions, given: &Given) -> Result<Options> {
    let mut options = Options::default();
    if let Some(address) = arguments.listen {
        options.listen = address;
    }
    if let Some(address) = arguments.https {
        options.https = Some(address);
    }
    if let Some(address) = arguments.proxy {
        options.proxy = Some(address);
    }
    if let Some(path) = &arguments.tenants {
        Description::read(path)
            .map_err(into_error)?
            .apply(&mut options);
    }
    if let Some(path) = &arguments.faults {
        options.faults = faults(path)?;
    }
    if let Some(path) = &arguments.record {
        options.observer = Some(recorder(path)?);
    }
    if !given.data.is_empty() {
        let places = given.data.iter().map(|one| Place {
            path: one.path.clone(),
            table: one.table.clone(),
            shown: one.shown.clone(),
        });
        options.data = Data::Places(places.collect());
        // Recorded events may be years old; whoever brings them wants to see them.
        options.retention = None;
    }
    Ok(options)
}

/// Writes every request to `path` as soon as it is answered.
fn recorder(path: &Path) -> Result<Observer> {
    let file = open_to_write(path, false).map_err(|error| cannot_write(path, error))?;
    let file = Mutex::new(file);
    Ok(Arc::new(move |request| {
        let Ok(mut line) = serde_json::to_vec(request) else {
            return;
        };
        line.push(b'\n');
        // In one piece, so that whoever reads along sees whole lines. A full disk ends the
        // recording, not the emulator.
        let _ = file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line);
    }))
}

/// The faults that a file lists.
fn faults(path: &Path) -> Result<Faults> {
    use defender_emulator::Error as E;
    let text = read_text_bounded(path, LONGEST).map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot read {}", path.display())).with_source(error)
    })?;
    Faults::parse(&text).map_err(|error| {
        into_error(match error {
            E::Faults(what) => E::Faults(format!("{}: {what}", path.display())),
            other => other,
        })
    })
}

fn introduction(running: &Running) -> String {
    let mut lines = vec![format!("# HTTP        {}", running.http_url())];
    lines.extend(
        running
            .https_url()
            .map(|url| format!("# HTTPS       {url}")),
    );
    lines.extend(
        running
            .proxy_url()
            .map(|url| format!("# proxy       {url}")),
    );
    lines.extend(
        running
            .users()
            .iter()
            .map(|(tenant, users)| format!("# users       {tenant}: {}", users.join(", "))),
    );
    lines.push("# Ctrl-C stops it; until then, in another shell:".to_owned());
    for (name, value) in running.environment() {
        lines.push(format!("export {name}='{}'", value.replace('\'', r"'\''")));
    }
    lines.join("\n")
}
