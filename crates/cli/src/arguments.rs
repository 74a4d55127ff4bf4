//! The command line: subcommands and their options.

mod collections;
mod connection;
mod output;
mod queries;
mod settings;
mod sign_in;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use collections::{
    AlertsCommand, ApiCommand, GetOptions, IncidentsCommand, IncidentsOptions, MachinesCommand,
    PageOptions, RangeOptions, WatchedOptions,
};
pub(crate) use connection::ConnectionOptions;
pub(crate) use output::{FailOn, OutputOptions, is_workbook};
pub(crate) use queries::{
    LibraryOptions, ListOptions, Narrowed, QueriesCommand, RunOptions, SearchOptions, ShowOptions,
    TestOptions, ValidateOptions,
};
pub(crate) use settings::{
    ConfigCommand, ConfigEditOptions, ConfigInitOptions, ConfigSetOptions, SettingsOptions,
};
pub(crate) use sign_in::{ConsentUrlOptions, LoginOptions, LogoutOptions, Operation, TokenOptions};

/// Asks Microsoft Defender questions in KQL.
///
/// Results go to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(name = "defender", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 a file could not be read or written, 2 usage, 3 configuration, 4 sign-in, \
5 permission, 6 throttled, 7 query rejected, 8 service or network, 9 incomplete result, \
10 --fail-on met, 130 interrupted (143 by SIGTERM, 129 by SIGHUP).";

#[derive(Debug, Default, Args)]
pub(crate) struct GlobalOptions {
    /// Say more: -v what is done, -vv requests, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Write the log to this file instead of standard error
    #[arg(long, global = true, value_name = "FILE", value_parser = output::file())]
    pub(crate) log_file: Option<PathBuf>,
    /// Print only errors, and warnings that rows are missing or values could not be read
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print an error as one JSON object
    #[arg(long, global = true)]
    pub(crate) json_errors: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a query and print its rows
    Query(Box<QueryOptions>),
    /// Run a query of the library and print its rows
    Run(Box<RunOptions>),
    /// Look at the query library, check it, test it
    #[command(subcommand)]
    Queries(Box<QueriesCommand>),
    /// Alerts of Microsoft Graph or Defender for Endpoint
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// Incidents of Microsoft Graph
    #[command(subcommand)]
    Incidents(IncidentsCommand),
    /// Machines of Defender for Endpoint
    #[command(subcommand)]
    Machines(MachinesCommand),
    /// Any other path of the security APIs
    #[command(subcommand)]
    Api(ApiCommand),
    /// Print every environment's endpoints for every cloud
    Clouds(CloudsOptions),
    /// Look at the settings file, or change it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Sign in, and keep the sign-in for later runs
    Login(Box<LoginOptions>),
    /// Forget a kept sign-in
    Logout(Box<LogoutOptions>),
    /// Print the address where an administrator lets the application into a tenant
    ConsentUrl(Box<ConsentUrlOptions>),
    /// Print the hunting tables, or the columns of one
    Schema(SchemaOptions),
    /// Print what a token says, and whether it may do what it is for
    Token(Box<TokenOptions>),
    /// Check queries without running them: syntax, names, types, what is slow or will not last
    Lint(LintOptions),
    /// Lay queries out
    Fmt(FmtOptions),
    /// Run an embedded Entra ID and Defender
    Emulator(EmulatorOptions),
    /// Print a completion script for a shell: it completes names of queries and parameters too
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write manual pages, one for each command
    Man {
        /// The folder to write them into, such as ~/.local/share/man/man1; without it, the page of
        /// the whole command goes to standard output
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct QueryOptions {
    /// The query; `-` reads it from standard input
    #[arg(value_name = "KQL", conflicts_with = "file")]
    pub(crate) kql: Option<String>,
    /// Read the query from this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Only rows from this time on: 2026-11-20T08:00Z, 2026-11-20, -7d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) start: Option<String>,
    /// Only rows up to this time [default: now, when --start is given]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) end: Option<String>,
    /// Keep at most this many rows of each tenant
    #[arg(long, value_name = "N", value_parser = connection::rows)]
    pub(crate) max_rows: Option<u64>,
    /// Fetch every row, in as many slices of time as that takes
    #[arg(long)]
    pub(crate) all_rows: bool,
    /// Fetch every row in slices of this width first: 6h, 1d, 30m
    #[arg(long, value_name = "WIDTH")]
    pub(crate) split_by: Option<String>,
    /// Keep finished slices in this file, and go on from it after an interruption
    #[arg(long, value_name = "FILE", value_parser = output::file())]
    pub(crate) resume: Option<PathBuf>,
    /// End with the first tenant that fails, instead of asking the others
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Query this file, or the files of this folder, instead of a service; `NAME=PATH` names the
    /// table, `-` reads standard input; may be given again
    #[arg(long, value_name = "[NAME=]PATH", conflicts_with_all = ["instance", "all_instances", "tenant_id", "cloud", "config", "client_id", "client_secret", "certificate", "connection_text", "authority", "api_root", "api_version", "proxy", "username", "auth_type", "delegated_auth", "tenants", "access_token", "assertion_file"])]
    pub(crate) data: Vec<PathBuf>,
    /// What comes first in dates such as 05/03/2024 in files of --data whose column does not tell
    #[arg(long, value_name = "ORDER", value_enum, requires = "data")]
    pub(crate) date_order: Option<DateOrder>,
    /// Query an embedded Defender with sample data
    #[arg(long, conflicts_with_all = ["data", "instance", "all_instances", "tenant_id", "cloud", "config", "client_id", "client_secret", "certificate", "connection_text", "authority", "api_root", "api_version", "proxy", "username", "auth_type", "delegated_auth", "tenants", "access_token", "assertion_file"])]
    pub(crate) demo: bool,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// The order of day and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DateOrder {
    /// The month, as in the United States: 05/03/2024 is the 3rd of May
    Mdy,
    /// The day: 05/03/2024 is the 5th of March
    Dmy,
}

#[derive(Debug, Args)]
pub(crate) struct CloudsOptions {
    /// table, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "markdown", "json"])]
    pub(crate) format: String,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaOptions {
    /// The table whose columns to print
    #[arg(value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct LintOptions {
    /// Files of queries, parted by empty lines, files of query definitions (YAML) or detection rules
    /// (YAML, JSON), Markdown pages with blocks of `kql`, folders of them; `-`, or none, reads
    /// queries from standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Know the tables of this JSON file too: {"SigninLogs": {"TimeGenerated": "datetime"}}, or what
    /// `defender schema --json` prints; may be given again
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Vec<PathBuf>,
    /// Allow what a Microsoft Sentinel workspace brings that is connected in the Defender portal:
    /// TimeGenerated, tables such as SigninLogs, watchlists, arg(); rules of Sentinel need it
    #[expect(clippy::doc_markdown, reason = "the docs are the help text")]
    #[arg(long)]
    pub(crate) sentinel: bool,
    /// Fail for warnings too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Leave out what this rule finds; may be given again
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print SARIF 2.1.0, as code scanning reads it
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
    /// Print every rule, and why it is there
    #[arg(long, conflicts_with_all = ["files", "json", "sarif"])]
    pub(crate) rules: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FmtOptions {
    /// Files of queries, parted by empty lines, and folders of them (.kql, .csl, .kusto), changed in
    /// place; definitions, rules and pages stay as they are; `-`, or none, goes from standard input
    /// to standard output
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing, and fail when something would change
    #[arg(long)]
    pub(crate) check: bool,
    /// How long a line may become
    #[arg(long, value_name = "COLUMNS", default_value = "100")]
    pub(crate) width: usize,
}

#[derive(Debug, Args)]
pub(crate) struct EmulatorOptions {
    /// Where to serve HTTP [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where to serve HTTPS with a certificate of a throw-away authority
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) https: Option<SocketAddr>,
    /// Where to serve as a forward proxy for Microsoft's own host names
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) proxy: Option<SocketAddr>,
    /// Serve the table of this file, or the tables of this folder, instead of the sample data;
    /// `NAME=PATH` names the table, `-` reads standard input; may be given again
    #[arg(long, value_name = "[NAME=]PATH")]
    pub(crate) data: Vec<PathBuf>,
    /// Tenants and applications, as YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) tenants: Option<PathBuf>,
    /// Faults to inject, as YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Write what is asked to this file, a line of JSON for each request, secrets left out
    #[arg(long, value_name = "FILE", value_parser = output::file())]
    pub(crate) record: Option<PathBuf>,
    /// Run this command with everything set to reach the emulator, then stop
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[cfg(test)]
mod tests;
