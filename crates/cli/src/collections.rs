//! `defender alerts`, `incidents`, `machines` and `api`: lists of a security API.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, Result, moment};
use defender_http::SystemClock;
use defender_query::{
    Answer, Ask, Collection, CollectionRequest, ConnectedProvider, Query, QueryProvider, Timespan,
};
use defender_table::{Format, ticks};

use crate::arguments::{GetOptions, IncidentsOptions, PageOptions, RangeOptions, WatchedOptions};
use crate::context::Context;
use crate::dataset::with_source;
use crate::delivery;
use crate::fan_out::{Pace, Tenants};
use crate::range::Written;
use crate::target::{self, Target};
use crate::watch::{self, Watched};

/// What is listed, and its name.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// Its paths, one for each API that has it.
    paths: &'static [&'static str],
    hint: &'static str,
}

const ALERTS: Kind = Kind {
    name: "alerts",
    paths: &["security/alerts_v2", "alerts"],
    hint: "give --env M365DGraph, --env SecurityGraph or --env MDE",
};
const INCIDENTS: Kind = Kind {
    name: "incidents",
    paths: &["security/incidents"],
    hint: "give --env M365DGraph or --env SecurityGraph",
};
const MACHINES: Kind = Kind {
    name: "machines",
    paths: &["machines"],
    hint: "give --env MDE",
};

impl Kind {
    /// The collection that it is in `environment`.
    fn collection(self, environment: DataEnvironment) -> Result<&'static Collection> {
        let known = QueryProvider::new(environment).collections().ok();
        known
            .and_then(|known| self.paths.iter().find_map(|path| known.collection(path)))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Usage,
                    format!("{environment} has no list of {}", self.name),
                )
                .with_hint(self.hint)
            })
    }
}

/// `defender alerts list`.
pub(crate) async fn alerts(options: &WatchedOptions, context: &Context) -> Result<ExitCode> {
    list_or_watch(options, ALERTS, None, context).await
}

/// `defender incidents list`.
pub(crate) async fn incidents(options: &IncidentsOptions, context: &Context) -> Result<ExitCode> {
    let expand = options.alerts.then_some("alerts");
    list_or_watch(&options.watched, INCIDENTS, expand, context).await
}

/// A list as it is now, or what comes to it.
async fn list_or_watch(
    options: &WatchedOptions,
    kind: Kind,
    expand: Option<&str>,
    context: &Context,
) -> Result<ExitCode> {
    let page = &options.list.page;
    let environment = environment(page, DataEnvironment::M365dGraph);
    let Some(interval) = options.watch else {
        let listing = Listing::of(&options.list, kind, environment, expand)?;
        return list(page, environment, &listing, context).await;
    };
    if page
        .output
        .format
        .is_some_and(|format| format != Format::Ndjson)
    {
        return Err(Error::new(
            ErrorKind::Usage,
            "--watch prints a line of JSON for each row, and no other format",
        )
        .with_hint("leave out --format"));
    }
    page.output.check(Format::Ndjson).map_err(|error| {
        error.with_hint("leave it out: --watch prints lines of JSON, no other format")
    })?;
    let collection = kind.collection(environment)?;
    // The watch has a start of its own.
    let request = CollectionRequest {
        expand: expand.map(str::to_owned),
        filter: options.list.filter.clone(),
        columns: chosen(page),
        ..self::page(page, CollectionRequest::new(collection.path))
    };
    if page.print {
        return print(page, environment, &request, context);
    }
    let now = SystemClock.now();
    let start = match &options.list.start {
        Some(start) => moment(start, now)?,
        None => now,
    };
    let provider = target::provider(&page.connection, environment, context);
    let (mut targets, demo) = targets(page, environment, context).await?;
    let target = match targets.pop() {
        Some(target) if targets.is_empty() => target,
        _ => return Err(target::for_one("a watch")),
    };
    let connected = connect(&provider, &target).await?;
    let watched = Watched {
        request,
        start,
        interval,
        cursor: options.cursor.as_deref(),
        output: &page.output,
    };
    let ended = watch::run(connected.collections()?, watched, context).await;
    drop(demo);
    ended
}

/// `defender machines list`.
pub(crate) async fn machines(options: &RangeOptions, context: &Context) -> Result<ExitCode> {
    let environment = environment(&options.page, DataEnvironment::Mde);
    let listing = Listing::of(options, MACHINES, environment, None)?;
    list(&options.page, environment, &listing, context).await
}

/// `defender api get`.
pub(crate) async fn get(options: &GetOptions, context: &Context) -> Result<ExitCode> {
    let environment = environment(&options.page, DataEnvironment::M365dGraph);
    CollectionRequest::new(&options.path).require_path(environment)?;
    let listing = Listing {
        request: CollectionRequest {
            columns: chosen(&options.page),
            ..page(&options.page, CollectionRequest::new(&options.path))
        },
        shortened: None,
    };
    list(&options.page, environment, &listing, context).await
}

/// What is asked for, and what a table leaves out of it.
struct Listing {
    request: CollectionRequest,
    /// How many columns are shown of how many.
    shortened: Option<(usize, usize)>,
}

impl Listing {
    /// As the options of a known collection have it, `expand` included.
    fn of(
        options: &RangeOptions,
        kind: Kind,
        environment: DataEnvironment,
        expand: Option<&str>,
    ) -> Result<Self> {
        let collection = kind.collection(environment)?;
        let mut request = CollectionRequest {
            expand: expand.map(str::to_owned),
            filter: options.filter.clone(),
            timespan: timespan(options)?,
            columns: chosen(&options.page),
            ..page(&options.page, CollectionRequest::new(collection.path))
        };
        let output = &options.page.output;
        let is_table = delivery::format(output)? == Format::Table;
        let mut shortened = None;
        if is_table && options.page.columns.is_empty() && !output.flatten {
            // A table of every column is nothing that a person can read.
            let brief: Vec<String> = collection
                .brief
                .iter()
                .copied()
                .chain(expand)
                .map(str::to_owned)
                .collect();
            let all = collection.columns.len() + usize::from(expand.is_some());
            shortened = Some((brief.len(), all));
            request.columns = Some(brief);
        }
        Ok(Self { request, shortened })
    }
}

/// The columns that were asked for; `None` for all.
fn chosen(options: &PageOptions) -> Option<Vec<String>> {
    let names = &options.columns;
    let all = names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    (!all).then(|| names.iter().map(|name| name.trim().to_owned()).collect())
}

fn environment(options: &PageOptions, default: DataEnvironment) -> DataEnvironment {
    options.connection.env.unwrap_or(default)
}

fn page(options: &PageOptions, request: CollectionRequest) -> CollectionRequest {
    CollectionRequest {
        top: options.top,
        skip: options.skip,
        count: options.count,
        max_rows: options
            .max_rows
            .map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)),
        datetimes: options.output.datetimes(),
        ..request
    }
}

/// The range of time that was asked for: the service filters by it, and its answer is held against
/// it.
fn timespan(options: &RangeOptions) -> Result<Option<Timespan>> {
    let written = Written {
        start: options.start.as_deref(),
        end: options.end.as_deref(),
    };
    Ok(match written.bounds(SystemClock.now())? {
        (None, None) => None,
        (start, end) => Some(Timespan::new(
            start.unwrap_or(ticks::MIN),
            end.unwrap_or(ticks::MAX),
        )?),
    })
}

/// Lists the same of every tenant.
#[derive(Debug)]
struct Lists(CollectionRequest);

#[async_trait]
impl Ask for Lists {
    async fn ask(&self, _: &str, provider: &ConnectedProvider, _: &Query) -> Result<Answer> {
        provider.collections()?.list(&self.0).await
    }
}

type Demo = Option<target::Demo>;

/// Where the options lead, and the service that has to live as long.
async fn targets(
    options: &PageOptions,
    environment: DataEnvironment,
    context: &Context,
) -> Result<(Vec<Target>, Demo)> {
    if options.demo {
        let (running, target) = target::demo().await?;
        return Ok((vec![target], Some(running)));
    }
    let targets = target::targets(&options.connection, environment, context)?;
    Ok((targets, None))
}

async fn connect(provider: &QueryProvider, target: &Target) -> Result<ConnectedProvider> {
    // Signing in takes much room, and only here.
    Box::pin(provider.connect(target.connection.clone())).await
}

async fn list(
    options: &PageOptions,
    environment: DataEnvironment,
    listing: &Listing,
    context: &Context,
) -> Result<ExitCode> {
    let request = &listing.request;
    if options.print {
        return print(options, environment, request, context);
    }
    let format = delivery::format(&options.output)?;
    delivery::keep_apart(&[
        ("--log-file", context.log_file.as_deref()),
        ("-o", options.output.output.as_deref()),
    ])?;
    let provider = target::provider(&options.connection, environment, context);
    let (targets, demo) = targets(options, environment, context).await?;
    let sink = delivery::sink(&options.output)?;
    let several = targets.len() > 1;
    let (mut targets, tenants) = if several {
        let pace = Pace {
            parallel: options.connection.parallel,
            fail_fast: options.fail_fast,
        };
        let lists = Arc::new(Lists(request.clone()));
        // What is asked is in the lists.
        let query = Query::new(request.path.clone());
        let tenants = Tenants::new(&provider, targets, &query, lists, pace, context)?;
        (Vec::new(), Some(tenants))
    } else {
        (targets, None)
    };
    let one = async {
        let target = targets.pop();
        let target = target
            .ok_or_else(|| Error::new(ErrorKind::Config, "there is nothing to connect to"))?;
        let connected = connect(&provider, &target).await?;
        let answer = connected.collections()?.list(request).await?;
        let listed = options.connection.names_a_list();
        with_source(answer, listed, &options.output.partition_by, &connected)
    };
    let written = delivery::deliver(
        one,
        tenants.as_ref(),
        None,
        format,
        &options.output,
        sink,
        context,
    );
    let (written, failures) = Box::pin(written).await?;
    drop(demo);
    if let Some(count) = written.count() {
        context.note(&format!("{count} in all"));
    }
    if let Some((shown, all)) = listing.shortened {
        context.note(&format!(
            "{shown} of {all} columns; --columns all shows every one"
        ));
    }
    delivery::finish(
        &written,
        &failures,
        delivery::Request::List,
        options.output.fail_on,
        context,
    )
}

/// Says what would be sent, and where; nothing is.
fn print(
    options: &PageOptions,
    environment: DataEnvironment,
    request: &CollectionRequest,
    context: &Context,
) -> Result<ExitCode> {
    let provider = target::provider(&options.connection, environment, context);
    for target in target::targets(&options.connection, environment, context)? {
        if !target.label.is_empty() {
            context.note(&format!("{}:", target.label));
        }
        let endpoint = provider.endpoint(&target.connection)?;
        context.note(&format!(
            "token for {} from {}",
            endpoint.scope(),
            endpoint.authority
        ));
        let url = provider.collection_url(&target.connection, request)?;
        crate::listing::print(&format!("GET {url}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
