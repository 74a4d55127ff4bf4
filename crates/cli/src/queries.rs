//! `defender queries`: the query library, listed, searched, shown, checked and tested.

mod testing;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use defender_core::{
    Clock as _, DataEnvironment, Error, ErrorKind, Result, nearest, redact_shapes,
};
use defender_http::SystemClock;
use defender_query::lint::{self, FileFinding};
use defender_query::queries::{
    Definition, Entity, Filter, Finding, Language, Library, SCHEMA, Search, Severity,
};
use defender_table::Format;
use serde_json::{Value as Json, json};

use crate::arguments::{
    LibraryOptions, ListOptions, Narrowed, QueriesCommand, SearchOptions, ShowOptions,
    ValidateOptions,
};
use crate::context::Context;
use crate::listing::{self, counted};
use crate::text;

/// Does what the subcommand says.
pub(crate) async fn run(command: &QueriesCommand, context: &Context) -> Result<()> {
    match command {
        QueriesCommand::List(options) => list(options, context),
        QueriesCommand::Search(options) => search(options, context),
        QueriesCommand::Show(options) => show(options, context),
        QueriesCommand::Validate(options) => validate(options, context),
        QueriesCommand::Test(options) => testing::run(options, context).await,
    }
}

/// The built-in queries, those of the folders that the settings name, and those that are given.
///
/// What is wrong with a file is said; its other queries can be used.
pub(crate) fn library(
    options: &LibraryOptions,
    config: Option<&PathBuf>,
    context: &Context,
) -> Result<Library> {
    let mut library = if options.no_built_in {
        Library::new()
    } else {
        Library::built_in()
    };
    let mut paths = context.settings(config)?.query_folders().to_vec();
    paths.extend(options.query_path.iter().cloned());
    for finding in library.import(&paths) {
        let text = finding.to_string();
        if finding.severity == Severity::Notice {
            context.note(&text);
            continue;
        }
        let is_news = context.warn(&text);
        if let (true, Some(hint)) = (is_news, &finding.hint) {
            context.note(&format!("  hint: {hint}"));
        }
    }
    Ok(library)
}

fn list(options: &ListOptions, context: &Context) -> Result<()> {
    let library = narrowed_library(&options.narrowed, context)?;
    let filter = Filter {
        environment: options.narrowed.env,
        substring: options.text.clone(),
        ..Filter::default()
    };
    let mut entities = Vec::new();
    for name in &options.entity {
        entities.push(name.parse::<Entity>()?);
    }
    let takes_all = |query: &Definition| {
        let takes = |entity: &Entity| query.takes(*entity).is_some();
        entities.iter().all(takes)
    };
    let wanted = |filter: &Filter| {
        let mut queries = library.queries(filter);
        queries.retain(|(_, query)| takes_all(query));
        queries
    };
    let queries = wanted(&filter);
    let anywhere = wanted(&Filter {
        environment: None,
        ..filter.clone()
    });
    say_count(&filter, queries.len(), anywhere.len(), context);
    print(&queries, options.narrowed.json)
}

/// Says how many queries there are, and how many more the environment cannot run.
/// A text in quotes is its words, in any order; a regular expression stays whole.
fn words(text: &str) -> Vec<String> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-');
    if !text.contains(' ') || !text.chars().all(is_plain) {
        return vec![text.to_owned()];
    }
    text.split_whitespace().map(str::to_owned).collect()
}

fn say_count(filter: &Filter, listed: usize, anywhere: usize, context: &Context) {
    let queries = counted(listed, "query", "queries");
    match filter.environment {
        Some(environment) if anywhere > listed => {
            let others = anywhere - listed;
            let verb = if others == 1 { "is" } else { "are" };
            context.note(&format!(
                "{queries}; {others} more {verb} left out, which {environment} cannot run"
            ));
        }
        _ => context.note(&queries),
    }
}

fn search(options: &SearchOptions, context: &Context) -> Result<()> {
    let library = narrowed_library(&options.narrowed, context)?;
    let mut entities = Vec::new();
    for written in &options.entity {
        let (kind, value) = match written.split_once('=') {
            Some((kind, value)) => (kind, Some(value)),
            None => (written.as_str(), None),
        };
        entities.push((kind.parse::<Entity>()?, value));
    }
    let search = Search {
        text: options.text.iter().flat_map(|text| words(text)).collect(),
        name: options.name.clone(),
        table: options.table.clone(),
        parameter: options.parameter.clone(),
        technique: options.technique.clone(),
        entity: entities.iter().map(|(entity, _)| *entity).collect(),
        ..Search::default()
    };
    let filter = Filter {
        environment: options.narrowed.env,
        ..Filter::default()
    };
    if search == Search::default() {
        return Err(Error::new(ErrorKind::Usage, "there is nothing to look for")
            .with_hint("give a text, --name, --table, --parameter, --technique or --entity; 'defender queries list' prints every query"));
    }
    let names = library.search(&search, &filter)?;
    let queries: Vec<(&str, &Definition)> = library
        .queries(&filter)
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .collect();
    let anywhere = library.search(&search, &Filter::default())?.len();
    say_count(&filter, names.len(), anywhere, context);
    say_meant(&library, &options.table, &options.parameter, context);
    if entities.iter().any(|(_, value)| value.is_some()) && !options.narrowed.json {
        let mut text = String::new();
        for (name, query) in queries {
            let _ = write!(text, "defender run {name}");
            if query.language == Language::Odata {
                text.push_str(" --env SecurityGraph");
            }
            for (entity, value) in &entities {
                if let (Some(parameter), Some(value)) = (query.takes(*entity), value) {
                    let _ = write!(
                        text,
                        " -p {}",
                        quoted(&format!("{}={value}", parameter.name))
                    );
                }
            }
            for parameter in query.required() {
                let given = entities.iter().any(|(entity, value)| {
                    value.is_some()
                        && query
                            .takes(*entity)
                            .is_some_and(|taken| taken.name == parameter.name)
                });
                if !given && !matches!(parameter.name.as_str(), "start" | "end") {
                    let _ = write!(text, " -p {}=…", parameter.name);
                }
            }
            text.push('\n');
        }
        return listing::print(&text);
    }
    print(&queries, options.narrowed.json)
}

/// Says which table or parameter a word was probably meant for that is none of any query.
fn say_meant(library: &Library, tables: &[String], parameters: &[String], context: &Context) {
    let queries = library.queries(&Filter::default());
    let mut known: BTreeSet<String> = defender_schema::tables()
        .iter()
        .map(|table| table.name.to_owned())
        .collect();
    let of_queries = queries.iter().flat_map(|(_, query)| query.tables());
    known.extend(of_queries.map(str::to_owned));
    let names: BTreeSet<String> = queries
        .iter()
        .flat_map(|(_, query)| &query.parameters)
        .map(|parameter| parameter.name.clone())
        .collect();
    for (words, known) in [(tables, known), (parameters, names)] {
        // A pattern is no misspelt name.
        let is_name = |word: &&String| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        for word in words.iter().filter(is_name) {
            let part = word.to_lowercase();
            let is_known = known.iter().any(|name| name.to_lowercase().contains(&part));
            let near = nearest(word, known.iter().map(String::as_str));
            if let (false, Some(near)) = (is_known, near) {
                context.note(&format!("did you mean '{near}' instead of '{word}'?"));
            }
        }
    }
}

/// A word of a shell's command line.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=./:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn narrowed_library(narrowed: &Narrowed, context: &Context) -> Result<Library> {
    library(&narrowed.library, narrowed.config.as_ref(), context)
}

fn print(queries: &[(&str, &Definition)], as_json: bool) -> Result<()> {
    if queries.is_empty() && !as_json {
        return Ok(());
    }
    if as_json {
        let objects: Json = queries
            .iter()
            .map(|(name, query)| object(name, query))
            .collect();
        return listing::print_json(&objects);
    }
    let rows: Vec<[String; 5]> = queries
        .iter()
        .map(|(name, query)| {
            [
                (*name).to_owned(),
                query.title().unwrap_or(&query.description).to_owned(),
                query.techniques().join(", "),
                parameters(query),
                query.environment_names().join(", "),
            ]
        })
        .collect();
    listing::print(&listing::text(
        ["name", "title", "techniques", "parameters", "environments"],
        &rows,
        Format::Table,
    )?)
}

/// Parameters that nearly every query has, and that are filled in.
const COMMON: [&str; 3] = ["start", "end", "add_query_items"];

/// The parameters that make a difference, the required ones first and marked.
fn parameters(query: &Definition) -> String {
    let required: Vec<&str> = query
        .required()
        .map(|parameter| parameter.name.as_str())
        .filter(|name| !COMMON.contains(name))
        .collect();
    let optional = query
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .filter(|name| query.uses(name) && !required.contains(name) && !COMMON.contains(name));
    required
        .iter()
        .map(|name| format!("{name}*"))
        .chain(optional.map(str::to_owned))
        .collect::<Vec<_>>()
        .join(" ")
}

fn object(name: &str, query: &Definition) -> Json {
    let mut object = serde_json::to_value(query).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("path".to_owned(), json!(name));
        fields.insert("tables".to_owned(), json!(query.tables()));
        fields.insert("runs_in".to_owned(), json!(query.environment_names()));
        let entities: Vec<&str> = Entity::ALL
            .into_iter()
            .filter(|entity| query.takes(*entity).is_some())
            .map(Entity::name)
            .collect();
        fields.insert("entities".to_owned(), json!(entities));
    }
    object
}

/// The query `name` of the library; where there is none, the error says how to look for one.
pub(crate) fn definition<'l>(
    library: &'l Library,
    name: &str,
    environment: Option<DataEnvironment>,
) -> Result<&'l Definition> {
    library.get_query(name, environment).map_err(|error| {
        const SEARCH: &str = "'defender queries search WORD' finds";
        let hint = match error.hint() {
            Some(hint) => format!("{hint} {SEARCH} others"),
            None => format!("{SEARCH} those that there are"),
        };
        // A query of another environment, or a name that several have, was found already.
        if error.to_string().starts_with("there is no query") {
            error.with_hint(hint)
        } else {
            error
        }
    })
}

fn show(options: &ShowOptions, context: &Context) -> Result<()> {
    let library = narrowed_library(&options.narrowed, context)?;
    let environment = options.narrowed.env;
    let query = definition(&library, &options.name, environment)?;
    say_present_name(&library, &options.name, environment, context)?;
    if options.narrowed.json {
        let present = library.renamed(&options.name, environment)?;
        return listing::print_json(&object(present.unwrap_or(&options.name), query));
    }
    listing::print(&shown(&library, &options.name, query, environment)?)
}

/// Says what the query `name` is called now, when it was called so before.
pub(crate) fn say_present_name(
    library: &Library,
    name: &str,
    environment: Option<DataEnvironment>,
    context: &Context,
) -> Result<()> {
    if let Some(present) = library.renamed(name, environment)? {
        context.note(&format!("'{name}' is called '{present}' now"));
    }
    Ok(())
}

fn shown(
    library: &Library,
    name: &str,
    query: &Definition,
    environment: Option<DataEnvironment>,
) -> Result<String> {
    let help = library.query_help(name, environment)?;
    let mut facts = String::new();
    let mut fact = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(facts, "{label}: {value}");
        }
    };
    fact("Title", query.title().unwrap_or_default());
    fact("Techniques", &query.techniques().join(", "));
    fact("Severity", query.severity().unwrap_or_default());
    fact(
        "False positives",
        query.false_positives().unwrap_or_default(),
    );
    fact("Tables", &query.tables().join(", "));
    for reference in query.references() {
        fact("Reference", reference);
    }
    // The help begins with the name; what else is known goes below it.
    Ok(match help.split_once("\n\n") {
        Some((name, rest)) if !facts.is_empty() => format!("{name}\n\n{facts}\n{rest}"),
        _ => help,
    })
}

fn validate(options: &ValidateOptions, context: &Context) -> Result<()> {
    if options.schema {
        return listing::print(SCHEMA);
    }
    if let Some(missing) = options.paths.iter().find(|path| !path.exists()) {
        let message = format!("there is no file or folder {}", missing.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    let (library, findings) = Library::load(&options.paths);
    let broken = broken(&library);
    let severity = |finding: &Finding| match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    };
    if options.json {
        let objects: Json = findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": severity(finding),
                    "file": finding.file,
                    "line": finding.line,
                    "column": Json::Null,
                    "query": finding.source,
                    "message": redact_shapes(&finding.message),
                    "hint": finding.hint.as_deref().map(redact_shapes),
                })
            })
            .chain(broken.iter().map(|(file, finding)| {
                json!({
                    "severity": "error",
                    "file": file,
                    "line": finding.start.line,
                    "column": finding.start.column,
                    "query": finding.query,
                    "message": redact_shapes(&finding.message),
                    "hint": finding.hint.as_deref().map(redact_shapes),
                })
            }))
            .collect();
        listing::print_json(&objects)?;
    } else if !findings.is_empty() || !broken.is_empty() {
        let mut text = String::new();
        let hint = |text: &mut String, hint: &Option<String>| {
            if let Some(hint) = hint {
                let _ = writeln!(text, "  hint: {hint}");
            }
        };
        for finding in &findings {
            let _ = writeln!(text, "{}: {finding}", severity(finding));
            hint(&mut text, &finding.hint);
        }
        for (file, finding) in &broken {
            let (file, start) = (file.display(), finding.start);
            let query = finding.query.as_deref().unwrap_or_default();
            let message = &finding.message;
            let _ = writeln!(
                text,
                "error: {file}:{}:{}: {query}: {message}",
                start.line, start.column
            );
            hint(&mut text, &finding.hint);
        }
        listing::print_words(&text)?;
    }
    let bad = findings.iter().filter(|finding| match finding.severity {
        Severity::Error => true,
        Severity::Warning => options.strict,
        Severity::Notice => false,
    });
    match bad.count() + broken.len() {
        0 => {
            context.note(&format!(
                "{} can be used",
                counted(library.len(), "query", "queries")
            ));
            Ok(())
        }
        count => Err(Error::new(
            ErrorKind::Config,
            format!("{} found", counted(count, "mistake", "mistakes")),
        )),
    }
}

/// What is not KQL in the queries of the library's files; the linter says more.
fn broken(library: &Library) -> Vec<(PathBuf, FileFinding)> {
    let mut files: Vec<&PathBuf> = Vec::new();
    for (_, definition) in library.queries(&Filter::default()) {
        files.extend(&definition.file);
    }
    files.sort();
    files.dedup();
    let mut broken = Vec::new();
    for file in files {
        // It was read a moment ago, and its queries are in the library.
        let Ok(read) = text::read(file) else {
            continue;
        };
        let findings = lint::check_file(&read.text, SystemClock.now()).into_iter();
        broken.extend(
            findings
                .filter(|finding| finding.rule.id == "syntax")
                .map(|finding| (file.clone(), finding)),
        );
    }
    broken
}

/// `name=value`, as the command line gives parameters.
pub(crate) fn parameter(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!("'{}' sets no parameter", text.escape_debug()),
        )
        .with_hint("write it as NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests;
