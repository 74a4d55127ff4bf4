//! `defender run`: a query of the library, with parameters.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, Result, moment};
use defender_http::SystemClock;
use defender_query::queries::{Definition, Filter, Language, Library, Rendered, Type, Value};
use defender_query::{ResumeFile, Timespan};
use defender_table::ticks;

use crate::arguments::RunOptions;
use crate::context::Context;
use crate::indicator::Indicator;
use crate::limit::DefaultLimit;
use crate::query::{Asked, written_range};
use crate::range::Written;
use crate::{queries, query, value_file};

/// The parameters that hold a query's range of time.
const START: &str = "start";
const END: &str = "end";

/// Renders the query and runs it as `defender query` would.
pub(crate) async fn run(options: &RunOptions, context: &Context) -> Result<ExitCode> {
    if let Some(text) = &options.query.kql {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' is one word too many", text.escape_debug()),
        )
        .with_hint("parameters are given with -p NAME=VALUE"));
    }
    if options.query.file.is_some() {
        return Err(Error::new(ErrorKind::Usage, "-f is for 'defender query'")
            .with_hint("--query-path names files of query definitions"));
    }
    let config = options.query.connection.config.as_ref();
    let library = queries::library(&options.library, config, context)?;
    let environment = query::environment(&options.query)?;
    let asked = asked(&library, options, environment, context)?;
    query::run_asked(asked, &options.query, context).await
}

/// The query of the library as text, and its range of time.
fn asked(
    library: &Library,
    options: &RunOptions,
    environment: DataEnvironment,
    context: &Context,
) -> Result<Asked> {
    let definition = queries::definition(library, &options.name, Some(environment))
        .map_err(|error| query::of_file(&options.name, environment).unwrap_or(error))?;
    queries::say_present_name(library, &options.name, Some(environment), context)?;
    if definition.language != Language::Kql && environment != DataEnvironment::SecurityGraph {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' is not a query of KQL", options.name.escape_debug()),
        )
        .with_hint("run it with --env SecurityGraph"));
    }
    let given = given(options, definition, library, environment, context)?;
    let written = |name: &str| {
        let value = given.iter().rev().find(|(given, _)| given == name);
        value.and_then(|(_, value)| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    };
    let ends = Written {
        start: written(START),
        end: written(END),
    };
    let range = written_range(ends.start, ends.end);
    let has_range = definition.uses(START) && definition.uses(END);
    let begun = match &options.query.resume {
        Some(path) => ResumeFile::begun(path)?,
        None => None,
    };
    // What goes on asks for what was asked before: an hour ago was earlier then.
    let now = begun.map_or_else(whole_ticks, |begun| begun.asked);
    let parameters = given.iter().cloned().collect();
    let rendered = library.render(&options.name, Some(environment), &parameters, now)?;
    say_defaults(&rendered, context);
    let own = if has_range {
        own_range(&rendered, ends)?
    } else {
        None
    };
    let splits = options.query.all_rows
        || options.query.split_by.is_some()
        || options.query.resume.is_some();
    Ok(Asked {
        timespan: match (splits, definition.uses(START)) {
            // Slices are cut from the query's own range.
            (true, true) if own.is_some() => own,
            // The query may look further back than it reports, so the service is told nothing.
            (false, true) => None,
            _ => query::timespan(&options.query, now)?,
        },
        limit: DefaultLimit::of(&rendered),
        text: rendered.text,
        range,
        now,
    })
}

/// Now, as exactly as it can be kept.
fn whole_ticks() -> SystemTime {
    let now = SystemClock.now();
    let ticks = ticks::from_system_time(now);
    ticks.and_then(ticks::to_system_time).unwrap_or(now)
}

/// The parameters as the command line gives them, each once and with a value.
fn given(
    options: &RunOptions,
    definition: &Definition,
    library: &Library,
    environment: DataEnvironment,
    context: &Context,
) -> Result<Vec<(String, Value)>> {
    let mut given = Vec::new();
    for (name, value) in [(START, &options.query.start), (END, &options.query.end)] {
        // --start and --end are the query's own when it has them.
        if let Some(value) = value
            && definition.parameter(name).is_some()
        {
            // A query file may leave out a sign, and then means the future, as MSTICPy has it;
            // the options mean the same in every command.
            moment(value, SystemClock.now())?;
            given.push((name.to_owned(), Value::from(value.as_str())));
        }
    }
    for text in &options.parameters {
        let (name, value) = queries::parameter(text)?;
        let parameter = definition.parameter(&name);
        let is_list = parameter.is_some_and(|parameter| parameter.ty == Type::List);
        let value = match value.strip_prefix('@') {
            Some(path) if path.trim().is_empty() => {
                return Err(
                    wrong(&name, "names no file behind its '@'").with_hint(format!(
                        "write -p {name}=@FILE; a variable that is not set is empty"
                    )),
                );
            }
            Some(path) if is_list => {
                let read = value_file::read(&name, path)?;
                if let Some(doubt) = &read.doubt {
                    context.warn(doubt);
                }
                Value::from(read.values)
            }
            Some(path) if Path::new(path).is_file() => {
                return Err(wrong(&name, "takes one value").with_hint(
                    "only a list takes its values from a file; 'defender queries show' says which \
                     parameters are lists",
                ));
            }
            _ => {
                let is_text = parameter.is_some_and(|parameter| parameter.ty == Type::Str);
                if let Some((count, kind)) = list_of(&value).filter(|_| is_text) {
                    let kind = kind.several();
                    let error = wrong(&name, &format!("takes one value, not {count} {kind}"));
                    return Err(
                        error.with_hint(match with_list(library, environment, &name) {
                            Some(other) => format!("'{other}' takes a list of them"),
                            None => "run the query once for each of them".to_owned(),
                        }),
                    );
                }
                Value::from(value)
            }
        };
        let name = parameter.map_or(name, |parameter| parameter.name.clone());
        if given.iter().any(|(other, _)| *other == name) {
            // Whichever counted, the other would be lost without a word.
            return Err(wrong(&name, "is given twice").with_hint(
                "give each parameter once; of several values make a list, such as -p NAME=a,b",
            ));
        }
        given.push((name, value));
    }
    for (name, value) in &given {
        if let Value::Text(text) = value {
            check_value(definition, name, text)?;
        }
    }
    Ok(given)
}

/// How many values of which kind a text with commas holds, if all are of one kind.
fn list_of(text: &str) -> Option<(usize, Indicator)> {
    let mut parts = text.split(',');
    let kind = Indicator::of(parts.next()?)?;
    let count = 1 + parts.clone().count();
    (count > 1 && parts.all(|part| Indicator::of(part) == Some(kind))).then_some((count, kind))
}

/// A query with a list of what the parameter `name` is one of.
fn with_list<'l>(
    library: &'l Library,
    environment: DataEnvironment,
    name: &str,
) -> Option<&'l str> {
    let filter = Filter {
        environment: Some(environment),
        ..Filter::default()
    };
    let queries = library.queries(&filter);
    let found = queries.into_iter().find(|(_, query)| {
        query.parameters.iter().any(|parameter| {
            parameter.ty == Type::List
                && (parameter.answers_to(name) || parameter.name.starts_with(name))
        })
    });
    found.map(|(path, _)| path)
}

/// Refuses what a variable that is not set leaves of a parameter, and a number of rows below none:
/// both would find nothing.
fn check_value(definition: &Definition, name: &str, value: &str) -> Result<()> {
    let default = definition
        .parameter(name)
        .and_then(|parameter| parameter.default.as_ref());
    let may_be_empty = matches!(default, Some(Value::Text(text)) if text.is_empty());
    if value.trim().is_empty() && !may_be_empty {
        return Err(wrong(name, "is empty")
            .with_hint("leave it out for its default; a variable that is not set is empty"));
    }
    let is_negative = value.trim().parse::<f64>().is_ok_and(|number| number < 0.0);
    if is_negative && matches!(name, "limit" | "take" | "top" | "max_rows") {
        return Err(wrong(name, "is negative").with_hint("give a number of rows, such as 100"));
    }
    Ok(())
}

fn wrong(name: &str, what: &str) -> Error {
    let name = name.escape_debug();
    Error::new(ErrorKind::Usage, format!("the parameter '{name}' {what}"))
}

/// The range of a query that has one as parameters.
fn own_range(rendered: &Rendered, written: Written<'_>) -> Result<Option<Timespan>> {
    let at = |name: &str| {
        let time = rendered.times.get(name)?;
        ticks::from_system_time(*time)
    };
    match (at(START), at(END)) {
        (Some(start), Some(end)) => written.check(start, end).map(Some),
        _ => Ok(None),
    }
}

/// Says the range of time when some of it was filled in.
fn say_defaults(rendered: &Rendered, context: &Context) {
    let is_default = |name: &str| rendered.defaults_filled.contains_key(name);
    let why = match (is_default(START), is_default(END)) {
        (true, true) => "the default: a day back and a day ahead",
        (true, false) => "its start is the default, a day back",
        (false, true) => "its end is the default, a day ahead",
        (false, false) => return,
    };
    let at = |name: &str| {
        let time = rendered.times.get(name)?;
        ticks::from_system_time(*time).map(ticks::format_datetime)
    };
    let range = match (at(START), at(END)) {
        (Some(start), Some(end)) => format!("{start} to {end}"),
        (Some(start), None) => format!("from {start}"),
        (None, Some(end)) => format!("to {end}"),
        (None, None) => return,
    };
    context.note(&format!("Time range: {range} ({why})"));
}
