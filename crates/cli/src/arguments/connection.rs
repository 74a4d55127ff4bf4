//! Which service, which tenant, as whom, and over which network.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use defender_config::AuthType;
use defender_core::{DataEnvironment, Error};

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[expect(clippy::doc_markdown, reason = "the docs are the help text")]
pub(crate) struct ConnectionOptions {
    /// The data environment: M365DGraph, MDE (MDATP), M365D, SecurityGraph (MSGraph), Local [default: M365DGraph, for machines MDE]
    #[arg(long, value_name = "NAME", value_parser = environment)]
    pub(crate) env: Option<DataEnvironment>,
    /// An instance of the settings file: MicrosoftDefender-NAME; may be given again
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) instance: Vec<String>,
    /// Every instance of the settings file
    #[arg(long, conflicts_with = "instance")]
    pub(crate) all_instances: bool,
    /// The tenant, by id or domain; may be given again
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) tenant_id: Vec<String>,
    /// A CSV file of tenants to ask with one application: tenant,name,cloud
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tenant_id", "all_instances"])]
    pub(crate) tenants: Option<PathBuf>,
    /// How many connections work at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: u16,
    /// The cloud, see `defender clouds`
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// The settings file [default: $MSTICPYCONFIG, ./msticpyconfig.yaml, ~/.msticpy/msticpyconfig.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The application's id
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The environment variable that holds the application's secret
    #[arg(long, value_name = "VARIABLE", group = "client_secret")]
    pub(crate) client_secret_env: Option<String>,
    /// The file that holds the application's secret
    #[arg(long, value_name = "FILE", group = "client_secret")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Read the application's secret from standard input
    #[arg(long, groups = ["client_secret", "standard_input"])]
    pub(crate) client_secret_stdin: bool,
    /// Ask for the application's secret, without showing it
    #[arg(long, group = "client_secret", conflicts_with = "no_input")]
    pub(crate) client_secret_prompt: bool,
    /// The application's certificate: PEM, DER or PFX
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key, when it is in a file of its own
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) private_key: Option<PathBuf>,
    /// The environment variable that holds the private key's password
    #[arg(long, value_name = "VARIABLE", group = "private_key_secret")]
    pub(crate) private_key_secret_env: Option<String>,
    /// The file that holds the private key's password
    #[arg(long, value_name = "FILE", group = "private_key_secret")]
    pub(crate) private_key_secret_file: Option<PathBuf>,
    /// Read the private key's password from standard input
    #[arg(long, groups = ["private_key_secret", "standard_input"])]
    pub(crate) private_key_secret_stdin: bool,
    /// Ask for the private key's password, without showing it
    #[arg(long, group = "private_key_secret", conflicts_with = "no_input")]
    pub(crate) private_key_secret_prompt: bool,
    /// The environment variable that holds a token obtained elsewhere
    #[arg(long, value_name = "VARIABLE", group = "access_token", conflicts_with_all = ["client_secret", "certificate"])]
    pub(crate) access_token_env: Option<String>,
    /// The file that holds a token obtained elsewhere
    #[arg(long, value_name = "FILE", group = "access_token", conflicts_with_all = ["client_secret", "certificate"])]
    pub(crate) access_token_file: Option<PathBuf>,
    /// Read a token obtained elsewhere from standard input
    #[arg(long, groups = ["access_token", "standard_input"], conflicts_with_all = ["client_secret", "certificate"])]
    pub(crate) access_token_stdin: bool,
    /// The file that holds an assertion signed for the application: a workload identity
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_secret", "certificate", "access_token"])]
    pub(crate) assertion_file: Option<PathBuf>,
    /// Sign in as a user
    #[arg(long, conflicts_with_all = ["client_secret", "certificate", "access_token", "assertion_file"])]
    pub(crate) delegated_auth: bool,
    /// How to sign in: browser or interactive, device, client-secret, certificate, environment,
    /// workload-identity, managed-identity or msi, cli
    #[arg(long, value_name = "TYPE", value_parser = auth_type)]
    pub(crate) auth_type: Option<AuthType>,
    /// The user to sign in as
    #[arg(long, value_name = "UPN", conflicts_with_all = ["client_secret", "certificate", "access_token", "assertion_file"])]
    pub(crate) username: Option<String>,
    /// Keep an application's tokens for the next run too, encrypted
    #[arg(long, overrides_with = "no_token_cache")]
    pub(crate) token_cache: bool,
    /// Keep no sign-in for the next run
    #[arg(long, overrides_with = "token_cache")]
    pub(crate) no_token_cache: bool,
    /// The environment variable that holds a connection string
    #[arg(long, value_name = "VARIABLE", group = "connection_text")]
    pub(crate) connection_string_env: Option<String>,
    /// The file that holds a connection string
    #[arg(long, value_name = "FILE", group = "connection_text")]
    pub(crate) connection_string_file: Option<PathBuf>,
    /// A connection string; it holds a secret, and other users of this machine can see it
    #[arg(long, value_name = "STRING", group = "connection_text", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) connection_string: Option<String>,
    /// Another login host: https, or http on loopback
    #[arg(long, value_name = "URL")]
    pub(crate) authority: Option<String>,
    /// Another API root: https, or http on loopback
    #[arg(long, value_name = "URL")]
    pub(crate) api_root: Option<String>,
    /// Another API version
    #[arg(long, value_name = "VERSION")]
    pub(crate) api_version: Option<String>,
    /// The proxy to go through [default: $HTTPS_PROXY, then the settings]
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// More certificate authorities to trust, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// How long one request and its whole answer may take: 30s, 3m [default: the settings; without
    /// one, 5 minutes to the first byte and 1 minute of silence]
    #[arg(long, value_name = "DURATION", value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    /// How often a request that failed for the moment is repeated; 0 never
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) retries: u32,
    /// How many calls per minute an application makes in a tenant [default: 45, the service's quota]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_calls_per_minute: Option<u32>,
    /// How many calls per hour [default: 1500, the service's quota]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_calls_per_hour: Option<u32>,
    /// The longest wait for a quota [default: 1h for calls counted here, 5m where the service asks]
    #[arg(long, value_name = "DURATION", value_parser = time)]
    pub(crate) max_wait: Option<Duration>,
    /// Never ask a question: whoever is not signed in already fails
    #[arg(long)]
    pub(crate) no_input: bool,
}

impl ConnectionOptions {
    /// Whether a list names the tenants, of which there may be one or many: then the rows say whose
    /// they are.
    pub(crate) fn names_a_list(&self) -> bool {
        self.tenants.is_some() || self.all_instances
    }

    /// The option that reads a secret from standard input, when one does.
    pub(crate) fn reads_standard_input(&self) -> bool {
        self.client_secret_stdin || self.private_key_secret_stdin || self.access_token_stdin
    }
}

fn auth_type(text: &str) -> Result<AuthType, String> {
    text.parse().map_err(said)
}

pub(super) fn environment(text: &str) -> Result<DataEnvironment, String> {
    text.parse().map_err(said)
}

/// How long to wait, or how often: in the one notation of durations, or a number of seconds.
/// A number of rows.
pub(super) fn rows(text: &str) -> Result<u64, String> {
    let number = text.trim().parse();
    number.map_err(|_| "it takes a whole number of rows, such as 100".to_owned())
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    defender_config::timeout(text).map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it")]
fn said(error: Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}
