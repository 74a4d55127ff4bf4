//! `defender query`: runs a query and writes its rows.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, Result, moment};
use defender_http::SystemClock;
use defender_query::{
    Answer, CollectionRequest, Completeness, ConnectedProvider, Connection, Event, Failure, Query,
    QueryProvider, ResumeFile, Summary, Table, Timespan,
};
use defender_table::{Format, WriterOptions, flatten, ticks};
use futures::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::arguments::{FailOn, OutputOptions, QueryOptions};
use crate::context::Context;
use crate::dataset::{with_source, with_tenant};
use crate::emulator::interrupted;
use crate::failure::ALARM;
use crate::fan_out::{Asking, Pace, Tenants};
use crate::sink::Sink;
use crate::split::{Began, Split};
use crate::target::{self, Target};
use crate::terminal;
use crate::text;

/// Runs the query everywhere it is to run, and writes what comes back.
pub(crate) async fn run(options: &QueryOptions, context: &Context) -> Result<ExitCode> {
    let now = SystemClock.now();
    let asked = Asked {
        text: written(options)?,
        timespan: timespan(options, now)?,
        now,
        range: written_range(options.start.as_deref(), options.end.as_deref()),
    };
    run_asked(asked, options, context).await
}

/// What is asked.
pub(crate) struct Asked {
    pub(crate) text: String,
    /// The range of time that the service is told, or that slices are cut from.
    pub(crate) timespan: Option<Timespan>,
    /// What relative times count from.
    pub(crate) now: SystemTime,
    /// The range of time as the user wrote it, by which an interrupted export is known again.
    pub(crate) range: String,
}

/// A range of time as it was written.
pub(crate) fn written_range(start: Option<&str>, end: Option<&str>) -> String {
    format!("{}/{}", start.unwrap_or_default(), end.unwrap_or_default())
}

/// Runs `asked` wherever the options say.
pub(crate) async fn run_asked(
    asked: Asked,
    options: &QueryOptions,
    context: &Context,
) -> Result<ExitCode> {
    let environment = environment(options)?;
    let mut query = Query {
        timespan: asked.timespan,
        max_rows: options
            .max_rows
            .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)),
        datetimes: options.output.datetimes(),
        text: asked.text,
        turn: 0,
    };
    let mut split = Split::of(options, environment, &query, context)?;
    let provider = target::provider(&options.connection, environment, context);
    let format = format(&options.output)?;

    let mut demo = None;
    let targets = if options.demo && !options.print {
        let (running, target) = target::demo().await?;
        demo = Some(running);
        vec![target]
    } else if environment == DataEnvironment::Local {
        let connection = Connection::to_folders(&options.data);
        vec![Target {
            label: String::new(),
            connection,
        }]
    } else if options.demo {
        Vec::new()
    } else {
        target::targets(&options.connection, environment, context)?
    };
    if let (Some(split), Some(path)) = (&mut split, &options.resume) {
        let began = Began {
            range: asked.range,
            now: asked.now,
            tenants: target::names(&provider, &targets),
        };
        let timespan = if options.print {
            ResumeFile::begun(path)?.map(|begun| begun.timespan)
        } else {
            Some(split.go_on(path, &query, environment, began, context)?)
        };
        query.timespan = timespan.or(query.timespan);
    }
    let split = split.as_ref();
    if options.print {
        return print(&provider, &query, split, &targets, context);
    }
    let sink = sink(&options.output)?;
    let (targets, tenants) = if targets.len() > 1 {
        let asking = Arc::new(Asking(split.map(Split::silent)));
        let pace = Pace {
            parallel: options.connection.parallel,
            fail_fast: options.fail_fast,
        };
        let tenants = Tenants::new(&provider, targets, &query, asking, pace, context)?;
        (Vec::new(), Some(tenants))
    } else {
        (targets, None)
    };
    // Signing in takes much room.
    let one = Box::pin(one(&provider, targets, &query, split, &options.output));
    let written = deliver(
        one,
        tenants.as_ref(),
        split,
        format,
        &options.output,
        sink,
        context,
    );
    let (written, failures) = Box::pin(written).await?;
    drop(demo);
    let code = finish(
        &written,
        &failures,
        split.is_some(),
        options.output.fail_on,
        context,
    )?;
    if let Some(split) = split {
        split.done()?;
    }
    Ok(code)
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
        result = interrupted() => result.and_then(|()| {
            Err(Error::new(ErrorKind::Interrupted, "interrupted before any row was written"))
        }),
        result = run => result,
    };
    if let Some(tenants) = tenants
        && output.output.is_none()
        && is_terminal()
    {
        // Rows and progress would be on one line.
        tenants.quieten();
    }
    let written = match asked {
        Ok(answer) => write(answer, format, output, sink, context).await,
        Err(error) => Err(error),
    };
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

/// The query as the options give it.
fn written(options: &QueryOptions) -> Result<String> {
    let dash = Path::new("-");
    let read = |path: &Path| match text::read(path) {
        Ok(read) => Ok(read.text),
        Err(error) => {
            let what = if path == dash {
                "standard input".to_owned()
            } else {
                path.display().to_string()
            };
            let message = format!("cannot read the query from {what}");
            Err(Error::new(ErrorKind::Usage, message).with_source(error))
        }
    };
    let text = match (&options.kql, &options.file) {
        (None, None) => {
            return Err(Error::new(ErrorKind::Usage, "there is no query")
                .with_hint("give it as an argument, with -f FILE, or as - on standard input"));
        }
        (kql, file) if kql.as_deref() == Some("-") || file.as_deref() == Some(dash) => {
            if options.connection.reads_standard_input() {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "standard input cannot hold both the query and the secret",
                ));
            }
            read(dash)?
        }
        (Some(text), _) => text.clone(),
        (None, Some(path)) => read(path)?,
    };
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the query is empty"));
    }
    Ok(text)
}

pub(crate) fn environment(options: &QueryOptions) -> Result<DataEnvironment> {
    let given = options.connection.env;
    match (given, options.data.is_empty()) {
        (Some(DataEnvironment::Local) | None, false) => Ok(DataEnvironment::Local),
        (Some(environment), false) => Err(Error::new(
            ErrorKind::Usage,
            format!("--data queries files, and --env {environment} a service"),
        )
        .with_hint("leave out one of them")),
        (Some(DataEnvironment::Local), true) if options.demo => Err(Error::new(
            ErrorKind::Usage,
            "--demo queries an embedded service, and --env Local queries files",
        )
        .with_hint("leave out one of them")),
        (environment, true) => Ok(environment.unwrap_or(DataEnvironment::M365dGraph)),
    }
}

pub(crate) fn timespan(options: &QueryOptions, now: SystemTime) -> Result<Option<Timespan>> {
    let at = |text: &str| -> Result<i64> {
        ticks::from_system_time(moment(text, now)?).ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("'{text}' is outside the years 1 to 9999"),
            )
        })
    };
    let (start, end) = match (&options.start, &options.end) {
        (None, None) => return Ok(None),
        (Some(start), None) => (at(start)?, at("now")?),
        // The services keep 30 days.
        (None, Some(end)) => (at(end)? - 30 * ticks::PER_DAY, at(end)?),
        (Some(start), Some(end)) => (at(start)?, at(end)?),
    };
    Timespan::new(start, end).map(Some)
}

pub(crate) fn format(options: &OutputOptions) -> Result<Format> {
    let format = match (options.format, &options.output) {
        (Some(format), _) => format,
        (None, Some(_)) if !options.partition_by.is_empty() => Format::Parquet,
        (None, None) => Format::Table,
        (None, Some(path)) => Format::from_path(path).ok_or_else(|| {
            let message = format!("the extension of {} names no format", path.display());
            Error::new(ErrorKind::Usage, message).with_hint("say which with --format")
        })?,
    };
    if format.is_binary() && options.output.is_none() && is_terminal() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} is not for a terminal", format.name()),
        )
        .with_hint("write it to a file with -o"));
    }
    Ok(format)
}

/// Where the result goes.
pub(crate) fn sink(options: &OutputOptions) -> Result<Sink> {
    let path = options.output.as_deref();
    match path.filter(|_| !options.partition_by.is_empty()) {
        Some(folder) => Sink::open_folder(folder, options.overwrite, &options.partition_by),
        None => Sink::open(path, options.overwrite),
    }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal()
}

/// Says what would be sent, and where; nothing is.
fn print(
    provider: &QueryProvider,
    query: &Query,
    split: Option<&Split>,
    targets: &[Target],
    context: &Context,
) -> Result<ExitCode> {
    for target in targets {
        if !target.label.is_empty() {
            context.note(&format!("{}:", target.label));
        }
        if provider.environment() == DataEnvironment::Local {
            context.note("runs here, over files");
            continue;
        }
        let endpoint = provider.endpoint(&target.connection)?;
        let line = if provider.environment() == DataEnvironment::SecurityGraph {
            let request = CollectionRequest::from(query);
            let url = provider.collection_url(&target.connection, &request)?;
            format!("GET {url}")
        } else {
            format!("POST {}", endpoint.url())
        };
        context.note(&line);
        context.note(&format!(
            "token for {} from {}",
            endpoint.scope(),
            endpoint.authority
        ));
    }
    if let Some(timespan) = query.timespan {
        context.note(&format!("timespan {timespan}"));
    }
    let slices = match split {
        Some(split) => split.texts(query)?,
        None => None,
    };
    match slices {
        Some(texts) => {
            let noun = if texts.len() == 1 { "slice" } else { "slices" };
            context.note(&format!("{} {noun}", texts.len()));
            crate::listing::print(&texts.join("\n\n"))?;
        }
        None => crate::listing::print(&query.text)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(
    provider: &QueryProvider,
    targets: Vec<Target>,
    query: &Query,
    split: Option<&Split>,
    output: &OutputOptions,
) -> Result<Answer> {
    let target = targets
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Config, "there is nothing to connect to"))?;
    let connected = connect(provider, target.connection).await?;
    let answer = match split {
        Some(split) => split.ask(&connected, &target.label, query).await,
        None => connected.query(query).await,
    }?;
    with_source(answer, &output.partition_by, &connected)
}

async fn connect(provider: &QueryProvider, connection: Connection) -> Result<ConnectedProvider> {
    let connected = provider.connect(connection.clone()).await;
    connected.map_err(|error| target::with_consent(error, provider, &connection))
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
    let to_file = !matches!(sink, Sink::Stdout { .. });
    let width = if to_file {
        None
    } else {
        terminal::width().map(usize::from)
    };
    let progress = Arc::new(Progress::default());
    let writing = tokio::task::spawn_blocking({
        let (runtime, progress) = (Handle::current(), Arc::clone(&progress));
        let flattened = options.flatten;
        move || {
            let options = WriterOptions { width };
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
        result = interrupted() => {
            result?;
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
    for warning in &summary.warnings {
        context.warn(&warning.to_string());
    }
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
    writer.finish()?;
    Ok(summary)
}

pub(crate) fn finish(
    written: &Written,
    failures: &[Failure],
    split: bool,
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
        .with_hint(if split {
            "narrow the query: a shorter time range, fewer columns, or a summarize"
        } else {
            "--all-rows fetches the rest; or narrow the query: a shorter time range, a summarize, \
             or a take of your own"
        }));
    }
    let alarm = match fail_on {
        None => false,
        Some(FailOn::Rows) => written.rows > 0,
        // A reader that left early leaves open whether there would have been rows.
        Some(FailOn::NoRows) => written.rows == 0 && !written.closed,
    };
    Ok(if alarm {
        ExitCode::from(ALARM)
    } else {
        ExitCode::SUCCESS
    })
}
