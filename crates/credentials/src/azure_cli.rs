//! Signs in as whoever is signed in to the Azure CLI.

mod answer;
mod command;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Credential, Error, ErrorKind, ExposeSecret, Redaction, Result, TokenRequest,
};

use crate::authority;

pub use command::{CommandOutput, CommandRunner, SystemCommands};

/// The Azure CLI is a Python program that may ask the network.
const LIMIT: Duration = Duration::from_mins(1);

const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };

/// Signs in as whoever is signed in to the Azure CLI (`az login`).
///
/// The CLI keeps the tokens and renews them. Where it is not installed, or nobody is signed in,
/// the error [is "not configured"](Error::is_not_configured).
///
/// # Errors
///
/// Of [`Credential::token`]:
/// - `Config`: the CLI is not installed, or tenant or scope cannot be one.
/// - `Credential`: nobody is signed in, or the authority refused; `code()` is the AADSTS number.
/// - `Protocol`: the CLI answered something else than a token.
///
/// Source: <https://learn.microsoft.com/cli/azure/account#az-account-get-access-token>
pub struct AzureCli {
    tenant: Option<String>,
    runner: Arc<dyn CommandRunner>,
}

impl AzureCli {
    /// The account of the CLI, in `tenant` or in the CLI's own.
    pub fn new(tenant: Option<String>, runner: Arc<dyn CommandRunner>) -> Self {
        Self { tenant, runner }
    }
}

#[async_trait]
impl Credential for AzureCli {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let scope = checked_scope(request.scope.as_str())?;
        let mut arguments = vec!["account", "get-access-token", "--output", "json"];
        match scope.strip_suffix("/.default") {
            Some(resource) => arguments.extend(["--resource", resource]),
            None => arguments.extend(["--scope", scope]),
        }
        if let Some(tenant) = request.tenant.as_deref().or(self.tenant.as_deref()) {
            arguments.extend(["--tenant", authority::checked(tenant)?]);
        }
        if request.claims.is_some() {
            return Err(Error::new(
                ErrorKind::Credential,
                "the service asks for a new sign-in, which the Azure CLI cannot do by itself",
            )
            .with_hint("run `az logout`, then `az login`"));
        }
        let output = self
            .runner
            .run(PROGRAM, &arguments, LIMIT)
            .await
            .map_err(|error| not_run(&error))?;
        if output.code != Some(0) {
            return Err(refused(&output));
        }
        let token = answer::read(output.stdout.expose_secret())?;
        tracing::debug!(scope = %request.scope, "got a token from the Azure CLI");
        Ok(token)
    }
}

impl fmt::Debug for AzureCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCli")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// `scope` when it can be one. On Windows `az` is a batch file, whose arguments go by a shell.
fn checked_scope(scope: &str) -> Result<&str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if scope.starts_with(|c: char| c.is_ascii_alphanumeric()) && scope.chars().all(allowed) {
        return Ok(scope);
    }
    Err(
        Error::new(ErrorKind::Config, format!("'{scope}' cannot be a scope"))
            .with_hint("a scope is an audience followed by /.default"),
    )
}

fn not_run(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => not_installed(),
        io::ErrorKind::TimedOut => Error::new(
            ErrorKind::Credential,
            format!(
                "the Azure CLI did not answer within {} seconds",
                LIMIT.as_secs()
            ),
        )
        .transient(),
        kind => Error::new(
            ErrorKind::Config,
            format!("the Azure CLI cannot be run: {kind}"),
        ),
    }
}

fn not_installed() -> Error {
    Error::new(ErrorKind::Config, "the Azure CLI (az) is not installed")
        .with_hint("install the Azure CLI and run `az login`")
        .not_configured()
}

/// What the CLI says when it has no token. Its words may change; nothing but advice hangs on them.
fn refused(output: &CommandOutput) -> Error {
    // A wrapper around the CLI may print the token that it does not give.
    let token = answer::token(output.stdout.expose_secret());
    let text = Redaction::of(token.as_ref()).apply(&output.stderr);
    let text = text.as_str();
    // A shell between us and the CLI says it in its own way.
    if output.code == Some(127) || text.starts_with("'az' is not recognized") {
        return not_installed();
    }
    let number = text.split("AADSTS").nth(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        &rest[..end.unwrap_or(rest.len())]
    });
    if let Some(number) = number.filter(|number| !number.is_empty()) {
        return Error::new(
            ErrorKind::Credential,
            format!("the Azure CLI was refused a token: {}", answer::line(text)),
        )
        .with_code(format!("AADSTS{number}"))
        .with_hint("run `az login`, with --tenant when it is another tenant than your own");
    }
    if text.contains("az login") || text.contains("az account set") {
        return Error::new(
            ErrorKind::Credential,
            "nobody is signed in to the Azure CLI",
        )
        .with_hint("run `az login`")
        .not_configured();
    }
    Error::new(
        ErrorKind::Credential,
        format!("the Azure CLI gave no token: {}", answer::line(text)),
    )
    .with_hint("try `az account get-access-token` by itself")
}

#[cfg(test)]
mod tests;
