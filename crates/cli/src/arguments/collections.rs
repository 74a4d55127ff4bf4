//! `defender alerts`, `incidents`, `machines` and `api`: what to list, and how much of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ConnectionOptions, OutputOptions};

#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    /// Print alerts, or each new one as it comes
    List(Box<WatchedOptions>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentsCommand {
    /// Print incidents, or each new one as it comes
    List(Box<IncidentsOptions>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum MachinesCommand {
    /// Print the machines of Defender for Endpoint
    List(Box<RangeOptions>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Get a path of the API, every page of it
    Get(Box<GetOptions>),
}

#[derive(Debug, Args)]
pub(crate) struct RangeOptions {
    /// Only what is from this time on: 2026-11-20T08:00Z, 2026-11-20, -48h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) start: Option<String>,
    /// Only what is up to this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) end: Option<String>,
    /// An OData filter: "severity eq 'high'"
    #[arg(long, value_name = "ODATA")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) page: PageOptions,
}

#[derive(Debug, Args)]
pub(crate) struct WatchedOptions {
    #[command(flatten)]
    pub(crate) list: RangeOptions,
    /// Look again and again, so often (1m, 30s), and print what is new, once each, as lines of JSON
    #[arg(long, value_name = "INTERVAL", value_parser = super::connection::time, conflicts_with_all = ["end", "max_rows", "top", "skip", "count", "output", "fail_on", "flatten", "partition_by", "fail_fast"])]
    pub(crate) watch: Option<Duration>,
    /// Keep in this file what was printed, and go on from there the next time
    #[arg(long, value_name = "FILE", requires = "watch", value_parser = super::output::file())]
    pub(crate) cursor: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct IncidentsOptions {
    #[command(flatten)]
    pub(crate) watched: WatchedOptions,
    /// With the alerts of each, as a column
    #[arg(long)]
    pub(crate) alerts: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GetOptions {
    /// The path below the API's version, with OData options: "machines?$filter=riskScore eq 'High'"
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) page: PageOptions,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct PageOptions {
    /// Keep at most this many rows of each tenant
    #[arg(long, value_name = "N")]
    pub(crate) max_rows: Option<u64>,
    /// OData's $top: the size of a page for Graph, the number of rows for MDE
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<u64>,
    /// OData's $skip: leave out the first rows
    #[arg(long, value_name = "N")]
    pub(crate) skip: Option<u64>,
    /// Ask how many there are in all, and say so
    #[arg(long)]
    pub(crate) count: bool,
    /// Only these columns, in this order; `all` for every one, where a table shows a few
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// End with the first tenant that fails, instead of asking the others
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// List from an embedded Defender with sample data
    #[arg(long, conflicts_with_all = ["instance", "all_instances", "tenant_id", "tenants", "cloud", "config", "client_id", "client_secret", "certificate", "connection_text", "authority", "api_root", "api_version", "proxy", "username", "auth_type", "delegated_auth", "access_token", "assertion_file"])]
    pub(crate) demo: bool,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}
