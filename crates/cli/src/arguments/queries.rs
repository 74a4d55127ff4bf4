//! The options of `defender queries` and `defender run`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use defender_core::DataEnvironment;

use super::QueryOptions;

/// Where queries come from, besides the built-in ones.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LibraryOptions {
    /// Queries of this file, or of the files of this folder, too; may be given again
    #[arg(long, value_name = "PATH")]
    pub(crate) query_path: Vec<PathBuf>,
    /// Leave out the built-in queries
    #[arg(long)]
    pub(crate) no_built_in: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueriesCommand {
    /// List queries: name, title, techniques, parameters, environments
    List(ListOptions),
    /// Find queries by text, table, parameter, technique or entity
    Search(SearchOptions),
    /// Print what a query asks and takes, and its text
    Show(ShowOptions),
    /// Check files of query definitions
    Validate(ValidateOptions),
    /// Run tests of queries over the rows they bring: rows in, query, rows out
    Test(TestOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only names that hold this text
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// Only queries that take this as a parameter: ip, host, account, hash, file, url, process,
    /// message, alert; may be given again
    #[arg(long, value_name = "KIND")]
    pub(crate) entity: Vec<String>,
    #[command(flatten)]
    pub(crate) narrowed: Narrowed,
}

/// Which queries, and how they are printed.
#[derive(Debug, Args)]
pub(crate) struct Narrowed {
    /// Only queries that this environment can run
    #[arg(long, value_name = "NAME", value_parser = super::connection::environment)]
    pub(crate) env: Option<DataEnvironment>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The settings file, whose QueryDefinitions.Custom names folders
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) library: LibraryOptions,
}

#[derive(Debug, Args)]
pub(crate) struct SearchOptions {
    /// A regular expression, looked for everywhere: name, title, description, tags, techniques,
    /// parameters, tables, text; of several, each must be found
    #[arg(value_name = "REGEX")]
    pub(crate) text: Vec<String>,
    /// In the dotted name
    #[arg(long, value_name = "REGEX")]
    pub(crate) name: Vec<String>,
    /// In the names of the tables that it reads
    #[arg(long, value_name = "REGEX")]
    pub(crate) table: Vec<String>,
    /// In the names of its parameters
    #[arg(long, value_name = "REGEX")]
    pub(crate) parameter: Vec<String>,
    /// In the numbers of its MITRE ATT&CK techniques
    #[arg(long, value_name = "REGEX")]
    pub(crate) technique: Vec<String>,
    /// Takes this as a parameter: ip, host, account, hash, file, url, process, message, alert; with
    /// =VALUE the commands to run are printed
    #[arg(long, value_name = "KIND[=VALUE]")]
    pub(crate) entity: Vec<String>,
    #[command(flatten)]
    pub(crate) narrowed: Narrowed,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// The query, with its family where several have it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) narrowed: Narrowed,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateOptions {
    /// Files of query definitions, or folders of them
    #[arg(value_name = "PATH", required_unless_present = "schema")]
    pub(crate) paths: Vec<PathBuf>,
    /// Fail for warnings too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the JSON Schema of such files instead
    #[arg(long, conflicts_with_all = ["strict", "json"])]
    pub(crate) schema: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Files of tests, or folders of them [default: the tests of the built-in queries]
    #[arg(value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// Only tests of queries whose names hold this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Leave out each `where` of each query in turn, and fail when no test notices
    #[arg(long)]
    pub(crate) mutate: bool,
    /// Write the results as `JUnit` XML
    #[arg(long, value_name = "FILE", value_parser = super::output::file())]
    pub(crate) junit: Option<PathBuf>,
    /// The settings file, whose QueryDefinitions.Custom names folders
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) library: LibraryOptions,
}

#[derive(Debug, Args)]
#[command(
    mut_arg("kql", |arg| arg.hide(true).index(2)),
    mut_arg("file", |arg| arg.hide(true)),
)]
pub(crate) struct RunOptions {
    /// The query, with its family where several have it
    #[arg(value_name = "NAME", index = 1)]
    pub(crate) name: String,
    /// Set a parameter; may be given again; NAME=@FILE takes a list's values from a file, one a line
    /// or the first column of a CSV
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    #[command(flatten)]
    pub(crate) library: LibraryOptions,
    #[command(flatten)]
    pub(crate) query: QueryOptions,
}
