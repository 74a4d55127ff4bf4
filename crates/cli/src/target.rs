//! From options to connections: which tenants are asked, and as whom.

use std::path::Path;
use std::sync::Arc;

use defender_config::{
    AuthType, ConnectionArgs, ConnectionKey, ConnectionString, Origin, Settings,
};
use defender_core::{
    DataEnvironment, Error, ErrorKind, ExposeSecret, Result, SecretString, redact_shapes,
};
use defender_emulator::{Data, Emulator, Running};
use defender_query::{
    Connection, HttpOptions, Notice, Options, Pacer, PacerOptions, Pause, ProxySettings,
    QueryProvider, RetryPolicy, Wait,
};

use crate::arguments::ConnectionOptions;
use crate::context::Context;
use crate::emulator::into_error;
use crate::leftovers::{self, Leftover, Note};
use crate::person::Person;
use crate::secrets::{self, Given, Ways};
use crate::signals::interruptible;
use crate::{messages, tenants};

/// A tenant to ask.
#[derive(Debug)]
pub(crate) struct Target {
    /// What messages call it; empty when there is only one, and no list that names it.
    pub(crate) label: String,
    pub(crate) connection: Connection,
}

/// The tenants that the options name.
pub(crate) fn targets(
    options: &ConnectionOptions,
    environment: DataEnvironment,
    context: &Context,
) -> Result<Vec<Target>> {
    let names_tenants = !options.tenant_id.is_empty() || options.tenants.is_some();
    if (options.instance.len() > 1 || options.all_instances) && names_tenants {
        return Err(Error::new(
            ErrorKind::Usage,
            "several instances have tenants of their own",
        )
        .with_hint("leave out --tenant-id and --tenants, or name one instance"));
    }
    let call = call(options, context)?;
    if let Some(text) = connection_string(options, context)? {
        if !options.instance.is_empty() || options.all_instances {
            return Err(Error::new(
                ErrorKind::Usage,
                "a connection string and an instance each name a tenant",
            )
            .with_hint("give one of them"));
        }
        let base = ConnectionString::parse(text.expose_secret())?.into_args();
        let settings = context.settings(options.config.as_ref())?;
        return tenants(options, &call, |args| {
            Connection::from_args(base.clone())
                .with_network_of(&settings)
                .with(args)
        });
    }
    let settings = context.settings(options.config.as_ref())?;
    let instances = if options.all_instances {
        all_instances(&settings, environment)?
    } else {
        distinct(&options.instance).into_iter().map(Some).collect()
    };
    if instances.len() > 1 || options.all_instances {
        // A name that the settings do not have is wrong for the run, not for one tenant of it.
        for name in instances.iter().flatten() {
            settings.instance(environment, name)?;
        }
        return Ok(instances
            .into_iter()
            .map(|instance| Target {
                label: instance.clone().unwrap_or_else(|| "Default".to_owned()),
                connection: Connection::from_settings(&settings, instance.as_deref())
                    .with(call.clone()),
            })
            .collect());
    }
    let instance = instances.into_iter().next().flatten();
    tenants(options, &call, |args| {
        Connection::from_settings(&settings, instance.as_deref()).with(args)
    })
}

/// One target per tenant of `--tenant-id` or `--tenants`, or one without.
fn tenants(
    options: &ConnectionOptions,
    call: &ConnectionArgs,
    connection: impl Fn(ConnectionArgs) -> Connection,
) -> Result<Vec<Target>> {
    if let Some(path) = &options.tenants {
        let origin = || Origin::Parameter("--tenants".to_owned());
        return tenants::read(path)?
            .into_iter()
            .map(|tenant| {
                let mut args = call.clone();
                args.set(ConnectionKey::TenantId, &tenant.id, origin())?;
                if let Some(cloud) = &tenant.cloud {
                    args.set(ConnectionKey::Cloud, cloud, origin())?;
                }
                let connection = connection(args);
                Ok(match tenant.name {
                    Some(name) => Target {
                        connection: connection.called(&name),
                        label: name,
                    },
                    None => Target {
                        connection,
                        label: tenant.id,
                    },
                })
            })
            .collect();
    }
    let tenant_ids = distinct(&options.tenant_id);
    if tenant_ids.len() < 2 {
        return Ok(vec![Target {
            label: String::new(),
            connection: connection(call.clone()),
        }]);
    }
    tenant_ids
        .into_iter()
        .map(|tenant| {
            let mut args = call.clone();
            let origin = Origin::Parameter("--tenant-id".to_owned());
            args.set(ConnectionKey::TenantId, &tenant, origin)?;
            Ok(Target {
                label: tenant,
                connection: connection(args),
            })
        })
        .collect()
}

/// The names without those that are there already: a tenant asked twice would answer every row
/// twice.
fn distinct(names: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            distinct.push(name.clone());
        }
    }
    distinct
}

fn all_instances(settings: &Settings, environment: DataEnvironment) -> Result<Vec<Option<String>>> {
    let instances: Vec<_> = settings
        .instances(environment)?
        .into_iter()
        .map(|instance| instance.name)
        .collect();
    if instances.is_empty() {
        // Says which file was read and what is missing in it.
        settings.provider(environment, None)?;
    }
    Ok(instances)
}

/// The keys that are given as options.
#[expect(clippy::too_many_lines, reason = "a table of keys and options")]
fn call(options: &ConnectionOptions, context: &Context) -> Result<ConnectionArgs> {
    let mut args = ConnectionArgs::default();
    let mut set = |key, option: &str, value: Option<&str>| match value {
        Some(value) => args.set(key, value, Origin::Parameter(option.to_owned())),
        None => Ok(()),
    };
    set(
        ConnectionKey::TenantId,
        "--tenant-id",
        options.tenant_id.first().map(String::as_str),
    )?;
    set(
        ConnectionKey::ClientId,
        "--client-id",
        options.client_id.as_deref(),
    )?;
    set(ConnectionKey::Cloud, "--cloud", options.cloud.as_deref())?;
    set(
        ConnectionKey::Username,
        "--username",
        options.username.as_deref(),
    )?;
    set(
        ConnectionKey::Authority,
        "--authority",
        options.authority.as_deref(),
    )?;
    set(
        ConnectionKey::ApiRoot,
        "--api-root",
        options.api_root.as_deref(),
    )?;
    set(
        ConnectionKey::ApiVersion,
        "--api-version",
        options.api_version.as_deref(),
    )?;
    set(
        ConnectionKey::AuthType,
        "--auth-type",
        options.auth_type.map(AuthType::name),
    )?;
    let as_application = options.client_secret_env.is_some()
        || options.client_secret_file.is_some()
        || options.client_secret_stdin
        || options.client_secret_prompt
        || options.certificate.is_some();
    // Whoever says how a user signs in wants a user to sign in.
    let delegated = options.delegated_auth || options.auth_type.is_some_and(AuthType::is_delegated);
    set(
        ConnectionKey::DelegatedAuth,
        "--delegated-auth",
        delegated.then_some("true"),
    )?;
    if delegated && as_application {
        return Err(Error::new(
            ErrorKind::Usage,
            "a user signs in without the application's secret or certificate",
        )
        .with_hint("leave out --auth-type, or the secret or certificate"));
    }
    let cache = match (options.token_cache, options.no_token_cache) {
        (true, _) => Some(("--token-cache", "true")),
        (_, true) => Some(("--no-token-cache", "false")),
        _ => None,
    };
    if let Some((option, value)) = cache {
        set(ConnectionKey::TokenCache, option, Some(value))?;
    }
    for (key, option, path) in [
        (
            ConnectionKey::Certificate,
            "--certificate",
            &options.certificate,
        ),
        (
            ConnectionKey::PrivateKey,
            "--private-key",
            &options.private_key,
        ),
        (
            ConnectionKey::AssertionFile,
            "--assertion-file",
            &options.assertion_file,
        ),
    ] {
        if let Some(path) = path {
            if is_key_itself(path) {
                context.warn(&format!(
                    "a certificate or key among the arguments shows to other users of this \
                     machine and to the shell's history; give {option} the name of a file"
                ));
            }
            let path = path.to_str().ok_or_else(|| {
                Error::new(
                    ErrorKind::Usage,
                    format!("the path of {option} is not Unicode"),
                )
            })?;
            args.set(key, path, Origin::Parameter(option.to_owned()))?;
        }
    }
    if let Some(timeout) = options.timeout {
        args = args.with(ConnectionKey::Timeout, timeout)?;
    }
    for (key, secret) in [
        (
            ConnectionKey::ClientSecret,
            client_secret(options, context)?,
        ),
        (
            ConnectionKey::PrivateKeySecret,
            private_key_secret(options, context)?,
        ),
        (ConnectionKey::AccessToken, access_token(options, context)?),
    ] {
        if let Some((option, secret)) = secret {
            let origin = Origin::Parameter(option.to_owned());
            args.set_secret(key, secret, origin)?;
        }
    }
    Ok(args)
}

/// Whether the text of a certificate, a key or an assertion stands where the name of its file
/// belongs.
fn is_key_itself(path: &Path) -> bool {
    /// No file has so long a name.
    const LONGEST_NAME: usize = 255;
    let text = path.to_string_lossy();
    text.contains("-----BEGIN ")
        || !matches!(redact_shapes(&text), std::borrow::Cow::Borrowed(_))
        || text.split('/').any(|name| name.len() > LONGEST_NAME)
}

fn client_secret(options: &ConnectionOptions, context: &Context) -> Result<Option<Given>> {
    Ways {
        variable: ("--client-secret-env", options.client_secret_env.as_deref()),
        file: (
            "--client-secret-file",
            options.client_secret_file.as_deref(),
        ),
        stdin: ("--client-secret-stdin", options.client_secret_stdin),
        prompt: ("--client-secret-prompt", options.client_secret_prompt),
        what: "Client secret",
    }
    .read(context)
}

fn private_key_secret(options: &ConnectionOptions, context: &Context) -> Result<Option<Given>> {
    Ways {
        variable: (
            "--private-key-secret-env",
            options.private_key_secret_env.as_deref(),
        ),
        file: (
            "--private-key-secret-file",
            options.private_key_secret_file.as_deref(),
        ),
        stdin: (
            "--private-key-secret-stdin",
            options.private_key_secret_stdin,
        ),
        prompt: (
            "--private-key-secret-prompt",
            options.private_key_secret_prompt,
        ),
        what: "Password of the private key",
    }
    .read(context)
}

fn access_token(options: &ConnectionOptions, context: &Context) -> Result<Option<Given>> {
    Ways {
        variable: ("--access-token-env", options.access_token_env.as_deref()),
        file: ("--access-token-file", options.access_token_file.as_deref()),
        stdin: ("--access-token-stdin", options.access_token_stdin),
        prompt: ("--access-token-prompt", false),
        what: "Access token",
    }
    .read(context)
}

fn connection_string(
    options: &ConnectionOptions,
    context: &Context,
) -> Result<Option<SecretString>> {
    if let Some(variable) = &options.connection_string_env {
        let option = "--connection-string-env";
        return secrets::from_environment(option, variable, &context.environment).map(Some);
    }
    if let Some(path) = &options.connection_string_file {
        return secrets::from_file("--connection-string-file", path).map(Some);
    }
    Ok(options.connection_string.as_ref().map(|text| {
        context.warn(
            "a connection string among the arguments shows its secret to other users of this \
             machine and to the shell's history; --connection-string-env and \
             --connection-string-file do not",
        );
        text.clone().into()
    }))
}

/// A provider that takes the process's environment and the options' network.
pub(crate) fn provider(
    options: &ConnectionOptions,
    environment: DataEnvironment,
    context: &Context,
) -> QueryProvider {
    let http = HttpOptions {
        proxy: options.proxy.as_ref().map(|url| ProxySettings {
            url: url.clone(),
            ..ProxySettings::default()
        }),
        ca_file: options.ca_file.clone(),
        environment: context.environment.clone(),
        ..HttpOptions::default()
    };
    let options = Options {
        http,
        retry: retry(options),
        pacer: Arc::new(Pacer::new(pace(options))),
        environment: context.environment.clone(),
        notice: Arc::new(Waits {
            quiet: context.quiet,
        }),
        input: !options.no_input,
        prompt: Arc::new(person(context)),
        ..Options::default()
    };
    QueryProvider::with_options(environment, options)
}

fn retry(options: &ConnectionOptions) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let attempts = options.retries.saturating_add(1);
    RetryPolicy {
        attempts,
        longest_asked: options.max_wait.unwrap_or(usual.longest_asked),
        // Each attempt may have to wait as long.
        total: match options.max_wait {
            Some(wait) => usual.total.max(wait.saturating_mul(attempts)),
            None => usual.total,
        },
        ..usual
    }
}

fn pace(options: &ConnectionOptions) -> PacerOptions {
    let usual = PacerOptions::default();
    PacerOptions {
        calls_per_minute: options.max_calls_per_minute,
        calls_per_hour: options.max_calls_per_hour,
        longest: options.max_wait.unwrap_or(usual.longest),
        ..usual
    }
}

/// The person who may be asked, and is told what is doubtful.
pub(crate) fn person(context: &Context) -> Person {
    Person::new(context.quiet, context.is_styled())
}

/// The one target of a command that is for one tenant.
pub(crate) fn only(
    options: &ConnectionOptions,
    environment: DataEnvironment,
    context: &Context,
    what: &str,
) -> Result<Target> {
    let mut targets = targets(options, environment, context)?;
    match targets.pop() {
        Some(target) if targets.is_empty() => Ok(target),
        _ => Err(for_one(what)),
    }
}

/// Who the targets are, as far as is known before anybody signs in: two runs with the same names
/// ask the same tenants.
pub(crate) fn names(provider: &QueryProvider, targets: &[Target]) -> Vec<String> {
    let mut connections = provider.clone().connections();
    for (index, target) in targets.iter().enumerate() {
        // A number is a name that no other has.
        let _ = connections.add_connection(index.to_string(), target.connection.clone());
    }
    let known = connections.list_connections();
    let names = targets.iter().zip(known).map(|(target, known)| {
        let parts = [Some(target.label.clone()), known.instance, known.tenant];
        let mut parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.retain(|part| !part.is_empty());
        parts.dedup();
        parts.join(" ")
    });
    names.collect()
}

/// What a command for one tenant says when there are several.
pub(crate) fn for_one(what: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{what} is for one tenant"))
        .with_hint("name one instance or tenant")
}

/// The environment of a command that signs in.
pub(crate) fn service(options: &ConnectionOptions) -> Result<DataEnvironment> {
    match options.env.unwrap_or(DataEnvironment::M365dGraph) {
        DataEnvironment::Local => Err(Error::new(ErrorKind::Usage, "Local needs no token")),
        environment => Ok(environment),
    }
}

/// An embedded service; dropping it stops it.
pub(crate) struct Demo {
    _running: Running,
    _noted: Note,
}

/// An embedded service with sample data, and a connection to it.
pub(crate) async fn demo() -> Result<(Demo, Target)> {
    let options = defender_emulator::Options {
        https: None,
        proxy: None,
        data: Data::Sample,
        ..defender_emulator::Options::default()
    };
    let tenant = options.tenants.first().cloned();
    let running =
        interruptible(async { Emulator::start(options).await.map_err(into_error) }).await?;
    let noted = leftovers::note(Leftover::Folder(running.folder().to_owned()));
    let mut args = ConnectionArgs::default();
    let origin = || Origin::Parameter("--demo".to_owned());
    if let Some(tenant) = tenant {
        args.set(ConnectionKey::TenantId, &tenant.id, origin())?;
        if let Some(application) = tenant.applications.first() {
            args.set(ConnectionKey::ClientId, &application.client_id, origin())?;
            if let Some(secret) = application.secrets.first() {
                args.set_secret(ConnectionKey::ClientSecret, secret.value.clone(), origin())?;
            }
        }
    }
    args.set(ConnectionKey::Authority, &running.http_url(), origin())?;
    args.set(ConnectionKey::ApiRoot, &running.http_url(), origin())?;
    Ok((
        Demo {
            _running: running,
            _noted: noted,
        },
        Target {
            label: String::new(),
            connection: Connection::from_args(args),
        },
    ))
}

/// Says on standard error why nothing happens.
#[derive(Debug)]
struct Waits {
    quiet: bool,
}

impl Notice for Waits {
    fn waiting(&self, wait: &Wait<'_>) {
        if !self.quiet {
            messages::say(&wait.to_string());
        }
    }

    fn pausing(&self, pause: &Pause<'_>) {
        if !self.quiet {
            messages::say(&pause.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn a_name_given_twice_is_asked_once() {
        let names = ["Second", "second", "Third"].map(str::to_owned);
        assert_eq!(distinct(&names), ["Second", "Third"]);
    }
}
