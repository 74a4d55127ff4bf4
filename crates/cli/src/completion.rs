//! Completion in a shell: its script, and what the script asks this command for.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use defender_cloud::Cloud;
use defender_config::{AuthType, Settings};
use defender_core::{DataEnvironment, Error, ErrorKind, Result};
use defender_query::lint::rules;
use defender_query::queries::{Definition, Entity, Filter, Library};
use defender_table::Format;

use crate::arguments::{Arguments, GlobalOptions};
use crate::context::Context;

/// The environment variable by which the script says that it is asking.
const VARIABLE: &str = "DEFENDER_COMPLETE";

/// The script that makes `shell` ask this command.
pub(crate) fn script(shell: Shell) -> Result<String> {
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string()).ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("{shell} cannot ask for completions"),
        )
    })?;
    let mut script = Vec::new();
    let (name, command) = ("defender", "defender");
    completer
        .write_registration(VARIABLE, name, command, command, &mut script)
        .map_err(|error| {
            Error::new(ErrorKind::Io, "the script cannot be written").with_source(error)
        })?;
    Ok(String::from_utf8_lossy(&script).trim().to_owned())
}

/// Whether a script asked, and got its answer.
pub(crate) fn answered() -> clap::error::Result<bool> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let line = Line::of(&words);
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(|| command(&line))
        .var(VARIABLE)
        .try_complete(words, folder.as_deref())
}

/// The command with what is known of queries.
fn command(line: &Line) -> Command {
    let names = || {
        let line = line.clone();
        ArgValueCompleter::new(move |current: &OsStr| line.names(current))
    };
    let parameters = {
        let line = line.clone();
        ArgValueCompleter::new(move |current: &OsStr| line.parameters(current))
    };
    with_values(Arguments::command())
        .mut_subcommand("run", |run| {
            run.mut_arg("name", |name| name.add(names()))
                .mut_arg("parameters", |option| option.add(parameters))
        })
        .mut_subcommand("queries", |queries| {
            let entity = |command: Command| {
                command.mut_arg("entity", |option| {
                    option.add(ArgValueCompleter::new(entities))
                })
            };
            queries
                .mut_subcommand("show", |show| {
                    show.mut_arg("name", |name| name.add(names()))
                })
                .mut_subcommand("list", entity)
                .mut_subcommand("search", entity)
        })
}

/// The command, where options of the same name take the same values at every subcommand.
fn with_values(command: Command) -> Command {
    command
        .mut_args(|arg| match values(arg.get_id().as_str()) {
            // What lists its values is completed by them.
            Some(values) if arg.get_possible_values().is_empty() => {
                arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                    beginning(values(), current)
                }))
            }
            _ => arg,
        })
        .mut_subcommands(with_values)
}

/// Values of an option that need no library or settings to be known.
fn values(option: &str) -> Option<fn() -> Vec<&'static str>> {
    let values: fn() -> Vec<&'static str> = match option {
        "format" => || Format::ALL.map(Format::name).to_vec(),
        "env" => || DataEnvironment::ALL.map(DataEnvironment::name).to_vec(),
        "cloud" => || Cloud::ALL.map(Cloud::name).to_vec(),
        "auth_type" => || AuthType::ALL.map(AuthType::name).to_vec(),
        "allow" => || rules().iter().map(|rule| rule.id).collect(),
        "table" => || {
            let tables = defender_schema::tables().iter();
            tables.map(|table| table.name).collect()
        },
        _ => return None,
    };
    Some(values)
}

fn entities(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(Entity::ALL.map(Entity::name).to_vec(), current)
}

/// Those of the names that begin as the word does; case is no difference, as it is none in options.
fn beginning(names: Vec<&'static str>, current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy().to_lowercase();
    names
        .into_iter()
        .filter(|name| name.to_lowercase().starts_with(&*current))
        .map(CompletionCandidate::new)
        .collect()
}

/// The command line as far as it is written.
#[derive(Clone, Debug, Default)]
struct Line {
    words: Vec<String>,
}

impl Line {
    /// What stands behind the `--` of the script's question.
    fn of(words: &[OsString]) -> Self {
        let words = words
            .iter()
            .skip_while(|word| *word != "--")
            .skip(1)
            .map(|word| word.to_string_lossy().into_owned());
        Self {
            words: words.collect(),
        }
    }

    /// The values of an option, as `--option value` and as `--option=value`.
    fn values(&self, option: &str) -> Vec<&str> {
        let mut values = Vec::new();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word == option {
                values.extend(words.next().map(String::as_str));
            } else if let Some(value) = word
                .strip_prefix(option)
                .and_then(|rest| rest.strip_prefix('='))
            {
                values.push(value);
            }
        }
        values
    }

    fn environment(&self) -> Option<DataEnvironment> {
        self.values("--env").last()?.parse().ok()
    }

    /// The queries that the command would know; what is wrong is said when it runs.
    fn library(&self) -> Library {
        let mut library = if self.words.iter().any(|word| word == "--no-built-in") {
            Library::new()
        } else {
            Library::built_in()
        };
        let context = Context::new(&GlobalOptions::default());
        let config = self.values("--config").last().map(PathBuf::from);
        let mut paths = Settings::load(&context.sources(config.as_ref()))
            .map(|settings| settings.query_folders().to_vec())
            .unwrap_or_default();
        paths.extend(self.values("--query-path").into_iter().map(PathBuf::from));
        library.import(&paths);
        library
    }

    /// Names that begin so, with their families; without one, queries' own names.
    fn names(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let current = current.to_string_lossy();
        let library = self.library();
        let queries = library.queries(&Filter {
            environment: self.environment(),
            ..Filter::default()
        });
        let candidate = |name: &str, query: &Definition| {
            let title = query.title().unwrap_or(&query.description);
            CompletionCandidate::new(name).help(Some(title.to_owned().into()))
        };
        let whole: Vec<CompletionCandidate> = queries
            .iter()
            .filter(|(name, _)| name.starts_with(&*current))
            .map(|(name, query)| candidate(name, query))
            .collect();
        if !whole.is_empty() {
            return whole;
        }
        queries
            .iter()
            .filter(|(_, query)| query.name.starts_with(&*current))
            .map(|(_, query)| candidate(&query.name, query))
            .collect()
    }

    /// The parameters of the query that the line names, but those that it sets.
    fn parameters(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let current = current.to_string_lossy();
        let library = self.library();
        let environment = self.environment();
        let query = self
            .words
            .iter()
            .skip_while(|word| *word != "run")
            .skip(1)
            .find_map(|word| library.get_query(word, environment).ok());
        let Some(query) = query else {
            return Vec::new();
        };
        let set: Vec<&str> = ["-p", "--param"]
            .iter()
            .flat_map(|option| self.values(option))
            .filter_map(|value| Some(value.split_once('=')?.0))
            .collect();
        query
            .parameters
            .iter()
            .filter(|parameter| query.uses(&parameter.name))
            .filter(|parameter| parameter.name.starts_with(&*current))
            .filter(|parameter| !set.contains(&parameter.name.as_str()))
            .map(|parameter| {
                let help = parameter.description.clone();
                CompletionCandidate::new(format!("{}=", parameter.name)).help(Some(help.into()))
            })
            .collect()
    }
}
