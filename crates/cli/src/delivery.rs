//! From an answer to what the user gets: the format, the place, the exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_query::{Answer, Completeness, Event, Failure, Splitting, Summary, Table};
use defender_table::{Format, Warning, WarningKind, WriterOptions, flatten};
use futures::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::arguments::{FailOn, OutputOptions, is_workbook};
use crate::context::Context;
use crate::dataset::with_tenant;
use crate::failure::ALARM;
use crate::fan_out::Tenants;
use crate::signals::interrupted;
use crate::sink::{Packing, Sink};
use crate::split::Split;
use crate::terminal;

pub(crate) fn format(options: &OutputOptions) -> Result<Format> {
    if !options.partition_by.is_empty() && options.path().is_none() {
        return Err(Error::new(
            ErrorKind::Usage,
            "--partition-by writes a folder, and -o - is standard output",
        )
        .with_hint("name a folder with -o"));
    }
    let format = match (options.format, options.path()) {
        (Some(format), _) => format,
        (None, Some(path)) if !options.partition_by.is_empty() => partitioned(path)?,
        (None, None) => Format::Table,
        (None, Some(path)) => {
            Format::from_path(&Packing::of(path).1).ok_or_else(|| without_format(path))?
        }
    };
    if format.is_binary() && options.path().is_none() && is_terminal() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} is not for a terminal", format.name()),
        )
        .with_hint("write it to a file with -o"));
    }
    if let Some(path) = options.path()
        && format.is_binary()
        && options.partition_by.is_empty()
        && let (Some(_), name) = Packing::of(path)
    {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "{}: only text is compressed as a whole, and the format is {format}",
                path.display()
            ),
        )
        .with_hint(format!("leave out the ending: {}", name.display())));
    }
    if let (Some(format), Some(path)) = (options.format, &options.output) {
        check_ending(format, path)?;
    }
    options.check(format)?;
    Ok(format)
}

/// What to say of a file whose name does not say how it is written.
fn without_format(path: &Path) -> Error {
    let named = Packing::of(path).1;
    let message = format!("the extension of {} names no format", path.display());
    let known = Format::ALL.map(Format::name).join(", ");
    let mut hint = format!("say which with --format: {known}");
    let extension = named.extension().and_then(|extension| extension.to_str());
    if extension.is_some_and(is_workbook) {
        let csv = named.with_extension("csv");
        hint = format!(
            "{hint}; Excel opens CSV with a byte order mark: -o {} --bom",
            csv.display()
        );
    }
    Error::new(ErrorKind::Usage, message).with_hint(hint)
}

/// Refuses a format that the file's ending contradicts: nobody opens Parquet as `result.csv`.
fn check_ending(format: Format, path: &Path) -> Result<()> {
    let Some(ending) = Format::from_path(&Packing::of(path).1) else {
        return Ok(());
    };
    let is_json = |format| matches!(format, Format::Json | Format::Ndjson);
    let fits = ending == format
        || (ending == Format::Table && !format.is_binary())
        || (is_json(ending) && is_json(format));
    if fits {
        return Ok(());
    }
    let message = format!(
        "{}: its ending names {ending}, and --format {format}",
        path.display()
    );
    Err(Error::new(ErrorKind::Usage, message)
        .with_hint("leave --format out, or give the file another ending"))
}

/// The format of the files in a folder that is written by `--partition-by`.
fn partitioned(folder: &Path) -> Result<Format> {
    match Format::from_path(&Packing::of(folder).1) {
        None | Some(Format::Parquet | Format::Table) => Ok(Format::Parquet),
        Some(other) => {
            let message = format!(
                "{}: its extension names {other}, and --partition-by writes a folder of Parquet files",
                folder.display()
            );
            Err(Error::new(ErrorKind::Usage, message)
                .with_hint("name a folder, or leave --partition-by out"))
        }
    }
}

/// Refuses one file for two things: the later one would take the place of the other.
///
/// Pipes and devices, such as a terminal, take both.
pub(crate) fn keep_apart(files: &[(&str, Option<&Path>)]) -> Result<()> {
    let mut places: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in files {
        let Some(path) = path else { continue };
        let Some(place) = place(path) else { continue };
        if let Some((other, _)) = places.iter().find(|(_, known)| *known == place) {
            let message = format!("{} is given for {other} and {option}", path.display());
            let hint = format!("name another file with {option}");
            return Err(Error::new(ErrorKind::Usage, message).with_hint(hint));
        }
        places.push((option, place));
    }
    Ok(())
}

/// Where a file is, or would be; `None` for what is no file.
fn place(path: &Path) -> Option<PathBuf> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => None,
        Ok(_) => path.canonicalize().ok(),
        Err(_) => {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        }
    }
}

/// Where the result goes.
pub(crate) fn sink(options: &OutputOptions) -> Result<Sink> {
    let path = options.path();
    match path.filter(|_| !options.partition_by.is_empty()) {
        Some(folder) => Sink::open_folder(folder, options.overwrite, &options.partition_by),
        None => Sink::open(path, options.overwrite),
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal()
}

/// Waits for the answer of `one` tenant, or of several, and writes it; those that failed are
/// returned.
pub(crate) async fn deliver(
    one: impl Future<Output = Result<Answer>>,
    tenants: Option<&Tenants>,
    split: Option<&Split>,
    format: Format,
    output: &OutputOptions,
    sink: Sink,
    context: &Context,
) -> Result<(Written, Vec<Failure>)> {
    let run = async {
        match tenants {
            Some(tenants) => tenants.answer(context).await,
            None => one.await,
        }
    };
    let asked = tokio::select! {
        // Listening comes first, so that nothing is sent that cannot be interrupted.
        biased;
        _ = interrupted() => {
            Err(Error::new(ErrorKind::Interrupted, "interrupted before any row was written"))
        }
        result = run => result,
    };
    if let Some(tenants) = tenants
        && output.path().is_none()
        && is_terminal()
    {
        // Rows and progress would be on one line.
        tenants.quieten();
    }
    let written = match asked {
        Ok(answer) => write(answer, format, output, sink, context).await,
        Err(error) => Err(error),
    };
    let written = written.map_err(|error| match (error.kind(), split) {
        (ErrorKind::Interrupted, Some(split)) => error.with_hint(split.after_interruption()),
        _ => error,
    });
    if let Some(split) = split {
        split.quieten();
    }
    let Some(tenants) = tenants else {
        return Ok((written?, Vec::new()));
    };
    tenants.quieten();
    let failures = tenants.failures();
    let written = written.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => tenants.interrupted(error),
        _ => error,
    })?;
    Ok((written, failures))
}

/// What was written.
pub(crate) struct Written {
    rows: usize,
    summary: Summary,
    /// The reader went away before the end.
    closed: bool,
}

impl Written {
    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many rows there are in all, where the service was asked and said so.
    pub(crate) fn count(&self) -> Option<u64> {
        self.summary.stats.as_ref()?.get("count")?.as_u64()
    }
}

/// What the thread that writes and the one that waits for it tell each other.
#[derive(Default)]
struct Progress {
    rows: AtomicUsize,
    stop: AtomicBool,
    /// Told with `stop`: an answer may keep its next rows for long.
    stopped: Notify,
}

/// Writes on a thread of its own: whoever reads standard output may be slow, and Ctrl-C is heard
/// all the same.
pub(crate) async fn write(
    answer: Answer,
    format: Format,
    options: &OutputOptions,
    sink: Sink,
    context: &Context,
) -> Result<Written> {
    let to_file = sink.is_whole();
    let width = match sink {
        Sink::Stdout { .. } => terminal::width().map(usize::from),
        _ => None,
    };
    let progress = Arc::new(Progress::default());
    let writing = tokio::task::spawn_blocking({
        let (runtime, progress) = (Handle::current(), Arc::clone(&progress));
        let flattened = options.flatten;
        let options = WriterOptions {
            width,
            ..options.writer_options()
        };
        move || {
            let copied = copy(answer, format, flattened, &options, &sink, &progress);
            let copied = async {
                tokio::select! {
                    biased;
                    () = progress.stopped.notified() => {
                        Err(Error::new(ErrorKind::Interrupted, "interrupted"))
                    }
                    copied = copied => copied,
                }
            };
            (runtime.block_on(copied), sink)
        }
    });
    let mut writing = std::pin::pin!(writing);
    let interruption = || {
        let rows = progress.rows.load(Ordering::Relaxed);
        Error::new(
            ErrorKind::Interrupted,
            if to_file {
                format!("interrupted after {rows} rows; the file was not written")
            } else {
                format!("interrupted after {rows} rows")
            },
        )
    };
    let done = tokio::select! {
        biased;
        _ = interrupted() => {
            // A file's writer ends by itself, and takes its unfinished file with it. Writing to
            // standard output may hang for as long as its reader likes.
            progress.stop.store(true, Ordering::Relaxed);
            progress.stopped.notify_one();
            if to_file {
                let _ = writing.await;
            }
            return Err(interruption());
        }
        done = &mut writing => done,
    };
    let (result, sink) = done.map_err(|error| {
        Error::new(ErrorKind::Io, "the writing of the rows broke off").with_source(error)
    })?;
    if sink.is_closed() {
        // Whoever read has seen enough.
        return Ok(Written {
            rows: progress.rows.load(Ordering::Relaxed),
            summary: Summary::default(),
            closed: true,
        });
    }
    let summary = result?;
    sink.commit()?;
    tell(&summary.warnings, context);
    Ok(Written {
        rows: progress.rows.load(Ordering::Relaxed),
        summary,
        closed: false,
    })
}

async fn copy(
    answer: Answer,
    format: Format,
    flattened: bool,
    options: &WriterOptions,
    sink: &Sink,
    progress: &Progress,
) -> Result<Summary> {
    let mut answer = if flattened {
        flatten(&Table::collect(answer).await?)?.into_answer()
    } else {
        answer
    };
    if let Sink::Folder { columns, .. } = sink {
        // Only the whole answer says which tenant it is of, when the connection did not.
        answer = with_tenant(answer, columns).await?;
    }
    let mut writer = sink.rows(format, &answer.schema, options)?;
    let mut summary = Summary::default();
    while let Some(event) = answer.events.next().await {
        if progress.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        match event? {
            Event::Batch(batch) => {
                progress.rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
                writer.write(&batch)?;
            }
            Event::Summary(last) => summary = *last,
        }
    }
    summary.warnings.extend(writer.finish()?);
    Ok(summary)
}

/// Says what the reader of the rows should know; of digits that are cut off in one line, since
/// most tables have several times.
fn tell(warnings: &[Warning], context: &Context) {
    let (imprecise, others): (Vec<_>, Vec<_>) = warnings
        .iter()
        .partition(|warning| warning.kind == WarningKind::Precision);
    for warning in others {
        if warning.is_about_rows() {
            context.caution(&warning.to_string());
        } else {
            context.warn(&warning.to_string());
        }
    }
    let counts: Vec<String> = imprecise
        .iter()
        .filter_map(|warning| {
            let column = warning.column.as_ref()?;
            let plural = if warning.count == 1 { "" } else { "s" };
            Some(format!("{} value{plural} of {column}", warning.count))
        })
        .collect();
    if !counts.is_empty() {
        context.warn(&format!(
            "the digits behind the microseconds are cut off in {}; \
             --parquet-timestamps ns keeps them, for readers other than Spark",
            counts.join(", ")
        ));
    }
}

/// What was requested, as far as the way to the missing rows differs.
#[derive(Clone, Copy)]
pub(crate) enum Request {
    /// `splits` says whether the query can be asked in slices.
    Query {
        splits: bool,
    },
    Slices,
    List,
}

impl Request {
    /// A query in an environment, in slices or as a whole.
    pub(crate) fn of(environment: DataEnvironment, split: Option<&Split>, text: &str) -> Self {
        match split {
            _ if environment == DataEnvironment::SecurityGraph => Self::List,
            Some(_) => Self::Slices,
            None => Self::Query {
                splits: Splitting::of(text).is_ok(),
            },
        }
    }

    /// How to get what is missing for `reason`.
    fn remedy(self, summary: &Summary, reason: &str) -> &'static str {
        if reason.starts_with("no file of the data is") {
            return "the query looks into no file that was given: give the files of its tables, or ask the table that they have";
        }
        if summary.provenance.environment == Some(DataEnvironment::Local) {
            return "the rows up to there are read: fetch the file again, or have it written to its end";
        }
        let is_capped = summary.completeness.is_capped();
        match self {
            _ if reason.contains("the service reports an error") => {
                "the rows before the error are there; run it again, or ask for less"
            }
            Self::Query { splits: true } if is_capped => {
                "--all-rows fetches the rest; or narrow the query: a shorter time range, a \
                 summarize, or a take of your own"
            }
            Self::Query { .. } if is_capped => {
                "narrow the query: a shorter time range, a summarize, or a take of your own"
            }
            Self::Query { .. } => {
                "run it again; where it stays so, narrow the query: a shorter time range, fewer \
                 columns, or a summarize"
            }
            Self::Slices => "narrow the query: a shorter time range, fewer columns, or a summarize",
            Self::List => "run it again, or narrow the list: a shorter time range, or --filter",
        }
    }
}

pub(crate) fn finish(
    written: &Written,
    failures: &[Failure],
    request: Request,
    fail_on: Option<FailOn>,
    context: &Context,
) -> Result<ExitCode> {
    if !failures.is_empty() {
        for failure in failures {
            context.failure(&failure.alias, &failure.error);
        }
        let names: Vec<&str> = failures
            .iter()
            .map(|failure| failure.alias.as_str())
            .collect();
        return Err(Error::new(
            ErrorKind::Incomplete,
            format!("the rows of {} are missing", names.join(", ")),
        ));
    }
    if let Completeness::Incomplete { reason } = &written.summary.completeness {
        return Err(Error::new(
            ErrorKind::Incomplete,
            format!("the result is incomplete: {reason}"),
        )
        .with_hint(request.remedy(&written.summary, reason)));
    }
    let alarm = match fail_on {
        None => false,
        Some(FailOn::Rows) => written.rows > 0,
        // A reader that left early leaves open whether there would have been rows, and so does a
        // result that was cut before the first one.
        Some(FailOn::NoRows) => written.rows == 0 && !written.closed && !written.summary.is_cut(),
    };
    Ok(if alarm {
        ExitCode::from(ALARM)
    } else {
        ExitCode::SUCCESS
    })
}
