//! The log: spans and events of our own crates, to standard error or a file.

use defender_core::{Error, ErrorKind, Result, open_to_write, with_folder_hint};
use tracing_subscriber::EnvFilter;

use crate::arguments::GlobalOptions;
use crate::messages::Log;

/// The crates whose log is shown. Others may log headers and bodies, so they never are.
const OURS: [&str; 8] = [
    "defender_credentials",
    "defender_config",
    "defender_drivers",
    "defender_emulator",
    "defender_http",
    "defender_query",
    "defender",
    "kql_engine",
];

/// Starts logging as the options say; without them nothing is logged.
pub(crate) fn start(options: &GlobalOptions) -> Result<()> {
    let level = match (options.verbose, &options.log_file) {
        (0, None) => return Ok(()),
        (0, Some(_)) | (2, _) => "debug",
        (1, _) => "info",
        (3.., _) => "trace",
    };
    let filter = OURS.map(|name| format!("{name}={level}")).join(",");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_ansi(false)
        // It would say on standard error that standard error cannot be written.
        .log_internal_errors(false);
    let started = match &options.log_file {
        None => builder.with_writer(Log::Stderr).try_init(),
        Some(path) => {
            let file = open_to_write(path, true).map_err(|error| {
                let message = format!("cannot write the log to {}", path.display());
                with_folder_hint(Error::new(ErrorKind::Io, message).with_source(error), path)
            })?;
            builder.with_writer(Log::to_file(file, path)).try_init()
        }
    };
    started.map_err(|error| {
        Error::new(ErrorKind::Usage, "logging was started twice").with_source(error)
    })
}
