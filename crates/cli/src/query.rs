//! `defender query`: what is asked, and of whom.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, Result};
use defender_http::SystemClock;
use defender_query::{
    Answer, CollectionRequest, Connection, ConnectionArgs, ConnectionKey, DateOrder, LocalData,
    Query, QueryProvider, Reading, ResumeFile, Timespan,
};
use defender_table::ticks;

use crate::arguments::{self, QueryOptions};
use crate::context::Context;
use crate::dataset::with_source;
use crate::delivery::{Request, deliver, finish, format, keep_apart, sink};
use crate::fan_out::{Asking, Pace, Tenants};
use crate::given::{self, Given};
use crate::limit::DefaultLimit;
use crate::query_files;
use crate::range::{self, Written};
use crate::split::{Began, Split};
use crate::target::{self, Target};
use crate::{queries, text};

/// Runs the query everywhere it is to run, and writes what comes back.
pub(crate) async fn run(options: &QueryOptions, context: &Context) -> Result<ExitCode> {
    let now = SystemClock.now();
    let asked = Asked {
        text: written(options)?,
        timespan: timespan(options, now)?,
        now,
        range: written_range(options.start.as_deref(), options.end.as_deref()),
        limit: None,
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
    /// How many rows the query keeps where nobody said how many.
    pub(crate) limit: Option<DefaultLimit>,
}

/// A range of time as it was written.
pub(crate) fn written_range(start: Option<&str>, end: Option<&str>) -> String {
    format!("{}/{}", start.unwrap_or_default(), end.unwrap_or_default())
}

/// The target for a query over local data.
fn local(data: Vec<LocalData>, options: &QueryOptions) -> Result<Target> {
    let args = match options.connection.timeout {
        Some(timeout) => ConnectionArgs::default().with(ConnectionKey::Timeout, timeout)?,
        None => ConnectionArgs::default(),
    };
    let connection = Connection::to_data(data)
        .with_reading(reading(options))
        .with(args);
    Ok(Target {
        label: String::new(),
        connection,
    })
}

fn question(asked: &Asked, options: &QueryOptions) -> Query {
    let most = |rows| usize::try_from(rows).unwrap_or(usize::MAX);
    Query {
        timespan: asked.timespan,
        max_rows: options.max_rows.map(most),
        datetimes: options.output.datetimes(),
        text: asked.text.clone(),
        turn: 0,
    }
}

/// Runs `asked` wherever the options say.
pub(crate) async fn run_asked(
    asked: Asked,
    options: &QueryOptions,
    context: &Context,
) -> Result<ExitCode> {
    let environment = environment(options)?;
    keep_apart(&[
        ("--log-file", context.log_file.as_deref()),
        ("--resume", options.resume.as_deref()),
        ("-o", options.output.output.as_deref()),
    ])?;
    if environment == DataEnvironment::SecurityGraph {
        CollectionRequest::new(asked.text.trim()).require_path(environment)?;
    }
    let mut query = question(&asked, options);
    let mut split = Split::of(options, environment, &query, context)?;
    let provider = target::provider(&options.connection, environment, context);
    let format = format(&options.output)?;

    let mut demo = None;
    let mut given = None;
    let targets = if options.demo && !options.print {
        let (running, target) = target::demo().await?;
        demo = Some(running);
        vec![target]
    } else if environment == DataEnvironment::Local {
        let data = if options.print {
            options.data.iter().map(LocalData::new).collect()
        } else {
            let read = given.insert(Given::read(&options.data).await?);
            read.data.clone()
        };
        vec![local(data, options)?]
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
        let settings = context.settings(options.connection.config.as_ref())?;
        let has_settings = settings.path().is_some();
        return print(&provider, &query, split, &targets, has_settings, context);
    }
    let sink = sink(&options.output)?;
    let (targets, tenants) = if targets.len() > 1 {
        let asking = Arc::new(Asking {
            split: split.map(Split::silent),
            limit: asked.limit.clone(),
        });
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
    let one = async {
        let answer = one(&provider, targets, &query, split, options).await;
        match asked.limit.clone() {
            Some(limit) => answer.map(|answer| limit.told(answer)),
            None => answer,
        }
    };
    let one = Box::pin(one);
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
    drop(given);
    let code = finish(
        &written,
        &failures,
        Request::of(environment, split, &query.text),
        options.output.fail_on,
        context,
    )?;
    if let Some(split) = split {
        split.done()?;
    }
    Ok(code)
}

/// How the files of `--data` are read.
fn reading(options: &QueryOptions) -> Reading {
    Reading {
        date_order: options.date_order.map(|order| match order {
            arguments::DateOrder::Mdy => DateOrder::MonthFirst,
            arguments::DateOrder::Dmy => DateOrder::DayFirst,
        }),
        ..Reading::default()
    }
}

/// The query as the options give it.
fn written(options: &QueryOptions) -> Result<String> {
    let dash = Path::new("-");
    let read = |path: &Path| match text::read(path) {
        Ok(read) => Ok(read.text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = path.display();
            let message = format!("cannot read the query from {name}: there is no such file");
            let error = Error::new(ErrorKind::Io, message);
            Err(if query_files::is_a_query(path) {
                error.with_hint("-f takes the name of a file; a query is given without -f")
            } else {
                error
            })
        }
        Err(error) => {
            let what = if path == dash {
                "standard input".to_owned()
            } else {
                path.display().to_string()
            };
            let message = format!("cannot read the query from {what}");
            Err(Error::new(ErrorKind::Io, message).with_source(error))
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
            if given::reads_standard_input(&options.data) {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "standard input cannot hold both the query and the data",
                ));
            }
            read(dash)?
        }
        (Some(text), _) => match of_file(text, environment(options)?) {
            Some(error) => return Err(error),
            None => text.clone(),
        },
        (None, Some(path)) => read(path)?,
    };
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the query is empty"));
    }
    Ok(text)
}

/// What is wrong where the name of a file stands in the place of a query; no query is written so.
pub(crate) fn of_file(text: &str, environment: DataEnvironment) -> Option<Error> {
    let name = text.trim();
    let path = Path::new(name);
    let ends_in = |endings: &[&str]| {
        path.extension().is_some_and(|extension| {
            let mut endings = endings.iter();
            endings.any(|one| extension.eq_ignore_ascii_case(one))
        })
    };
    let is_word =
        !name.contains(|letter: char| letter.is_whitespace() || "|()'\"".contains(letter));
    // The lists of SecurityGraph are paths themselves.
    let is_place =
        is_word && name.contains(['/', '\\']) && environment != DataEnvironment::SecurityGraph;
    let of_queries = ends_in(&["kql", "kusto", "csl"]) && !name.contains(['|', '\n']);
    let is_named_so = is_word && ends_in(&["txt", "yaml", "yml", "md"]);
    if !(is_place || of_queries || is_named_so) {
        return None;
    }
    let shown = format!("'{}'", name.escape_debug());
    if path.is_file() {
        let error = Error::new(
            ErrorKind::Usage,
            format!("{shown} is the name of a file, not a query"),
        );
        return Some(if ends_in(&["yaml", "yml"]) {
            error.with_hint(format!(
                "run a query that it defines with defender run NAME --query-path {}",
                queries::quoted(name)
            ))
        } else {
            error.with_hint(format!(
                "run what is in it with defender query -f {}",
                queries::quoted(name)
            ))
        });
    }
    let missing = Error::new(ErrorKind::Io, format!("there is no file {shown}"));
    Some(missing.with_hint("a query in a file is run with defender query -f FILE"))
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
        (Some(DataEnvironment::Local), true) => Err(Error::new(
            ErrorKind::Usage,
            "--env Local queries files, and none are named",
        )
        .with_hint("name a file or a folder with --data")),
        (environment, true) => Ok(environment.unwrap_or(DataEnvironment::M365dGraph)),
    }
}

pub(crate) fn timespan(options: &QueryOptions, now: SystemTime) -> Result<Option<Timespan>> {
    let written = Written {
        start: options.start.as_deref(),
        end: options.end.as_deref(),
    };
    let (start, end) = match written.bounds(now)? {
        (None, None) => return Ok(None),
        (Some(start), None) => (start, range::ticks_at("now", now)?),
        // The services keep 30 days.
        (None, Some(end)) => (end - 30 * ticks::PER_DAY, end),
        (Some(start), Some(end)) => (start, end),
    };
    Timespan::new(start, end).map(Some)
}

/// Says what would be sent, and where; nothing is.
fn print(
    provider: &QueryProvider,
    query: &Query,
    split: Option<&Split>,
    targets: &[Target],
    has_settings: bool,
    context: &Context,
) -> Result<ExitCode> {
    // What the run refuses is refused here as well.
    let text = match split {
        Some(_) => Split::checked(provider, query)?,
        None => provider.text_sent(query)?,
    };
    for target in targets {
        if !target.label.is_empty() {
            context.note(&format!("{}:", target.label));
        }
        if provider.environment() == DataEnvironment::Local {
            context.note("runs here, over files");
            continue;
        }
        let endpoint = match provider.endpoint(&target.connection) {
            // The text is the same wherever it goes; a file that is wrong is said.
            Err(error) if !has_settings && error.kind() == ErrorKind::Config => {
                context.note(&format!("would be sent nowhere: {error}"));
                continue;
            }
            endpoint => endpoint?,
        };
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
        let within = provider
            .description()
            .is_some_and(|description| !description.takes_timespan);
        let place = if within {
            ", as a line of the query"
        } else {
            ""
        };
        context.note(&format!("timespan {timespan}{place}"));
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
        None => crate::listing::print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(
    provider: &QueryProvider,
    targets: Vec<Target>,
    query: &Query,
    split: Option<&Split>,
    options: &QueryOptions,
) -> Result<Answer> {
    let target = targets
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Config, "there is nothing to connect to"))?;
    let connected = provider.connect(target.connection).await?;
    let answer = match split {
        Some(split) => split.ask(&connected, &target.label, query).await,
        None => connected.query(query).await,
    }?;
    let listed = options.connection.names_a_list();
    with_source(answer, listed, &options.output.partition_by, &connected)
}
