//! `defender alerts list --watch`, and that of incidents: each new row once, a line each, until somebody ends it.

mod unread;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result, read_bounded};
use defender_query::{CollectionRequest, Collections, Cursor, Watch};
use defender_table::Format;

use crate::arguments::OutputOptions;
use crate::context::Context;
use crate::partial::PartialFile;
use crate::signals::interrupted;
use crate::sink::Sink;
use crate::sink::cannot_write;
use crate::{delivery, failure};

/// The most bytes of a file that a watch keeps what it has told in.
const LONGEST: u64 = 1 << 30;

/// What is watched, since when, and how often.
pub(crate) struct Watched<'w> {
    pub(crate) request: CollectionRequest,
    pub(crate) start: SystemTime,
    pub(crate) interval: Duration,
    /// Where what was printed is kept.
    pub(crate) cursor: Option<&'w Path>,
    pub(crate) output: &'w OutputOptions,
}

/// Looks again and again, until it is interrupted or nobody reads any more.
pub(crate) async fn run(
    collections: Arc<Collections>,
    watched: Watched<'_>,
    context: &Context,
) -> Result<ExitCode> {
    let kept = watched.cursor.map(read).transpose()?.flatten();
    let goes_on = kept.is_some();
    let path = watched.request.path.clone();
    let mut watch = Watch::new(collections, watched.request, watched.start, kept)?;
    context.note(&format!(
        "watching {path} {}; Ctrl-C ends it",
        if goes_on {
            "from where the cursor is".to_owned()
        } else {
            format!("from {}", watch.cursor().start())
        }
    ));
    let mut ended = std::pin::pin!(interrupted());
    let mut unread = std::pin::pin!(unread::unread());
    loop {
        let looked = tokio::select! {
            biased;
            _ = &mut ended => return Ok(interruption()),
            () = &mut unread => return Ok(ExitCode::SUCCESS),
            looked = watch.look() => looked,
        };
        match looked {
            Ok(answer) => {
                let sink = Sink::open(None, false)?;
                let written =
                    delivery::write(answer, Format::Ndjson, watched.output, sink, context).await?;
                if written.is_closed() {
                    return Ok(ExitCode::SUCCESS);
                }
                // Only now are the rows somebody else's: what is printed twice is seen, what is
                // never printed is not.
                if let Some(path) = watched.cursor {
                    keep(path, watch.cursor())?;
                }
            }
            // It was tried again already; the next look covers what this one missed.
            Err(error) if error.is_transient() => context.failure("this look failed", &error),
            Err(error) => return Err(error),
        }
        tokio::select! {
            biased;
            _ = &mut ended => return Ok(interruption()),
            () = &mut unread => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(watched.interval) => {}
        }
    }
}

/// The usual end of a watch, which is no error to talk about.
fn interruption() -> ExitCode {
    ExitCode::from(failure::exit_code(ErrorKind::Interrupted))
}

fn read(path: &Path) -> Result<Option<Cursor>> {
    match read_bounded(path, LONGEST) {
        Ok(json) => Cursor::from_json(&json).map(Some).map_err(|error| {
            // The file may be an export, which is nothing to remove.
            let error = error.reworded(|_| format!("{} is not a cursor", path.display()));
            error.with_hint("name another file for the cursor, such as one that is not there yet")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(
            Error::new(ErrorKind::Io, format!("cannot read {}", path.display())).with_source(error),
        ),
    }
}

/// Puts the cursor in the place of the last one, whole or not at all.
fn keep(path: &Path, cursor: &Cursor) -> Result<()> {
    let write = || {
        let file = PartialFile::beside(path)?;
        file.as_file().write_all(cursor.to_json().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)
    };
    write().map_err(|error: std::io::Error| cannot_write(path, error))
}
