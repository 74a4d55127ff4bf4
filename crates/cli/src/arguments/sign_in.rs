//! Signing in and out, tokens, consent.

use clap::{Args, ValueEnum};

use super::ConnectionOptions;

#[derive(Debug, Args)]
pub(crate) struct LoginOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    /// Forget every kept sign-in, of all tenants and applications
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConsentUrlOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    /// Where the administrator is sent afterwards; one of the application's redirect addresses
    #[arg(long, value_name = "URL")]
    pub(crate) redirect_uri: Option<String>,
    /// A word that comes back to the redirect address
    #[arg(long, value_name = "TEXT")]
    pub(crate) state: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TokenOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    /// Sign in to an embedded Entra ID
    #[arg(long)]
    pub(crate) demo: bool,
    /// Fail unless the token may do this
    #[arg(long = "for", value_name = "OPERATION")]
    pub(crate) operation: Option<Operation>,
    /// Print the token itself, for a script; it is a secret
    #[arg(long)]
    pub(crate) raw: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "raw")]
    pub(crate) json: bool,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// Running a query
    Hunting,
    /// Reading alerts
    Alerts,
    /// Reading incidents
    Incidents,
    /// Reading machines
    Machines,
}
