//! From options to connections: which tenants are asked, and as whom.

use std::sync::Arc;

use defender_config::{ConnectionArgs, ConnectionKey, ConnectionString, Origin, Settings};
use defender_core::{DataEnvironment, Error, ErrorKind, ExposeSecret, Result, SecretString};
use defender_emulator::{Data, Emulator, Running};
use defender_query::{
    Connection, HttpOptions, Notice, Options, ProxySettings, QueryProvider, RetryPolicy, Wait,
};

use crate::arguments::{AuthType, ConnectionOptions};
use crate::context::Context;
use crate::emulator::into_error;
use crate::secrets;
use crate::terminal::escape;

/// A tenant to ask.
#[derive(Debug)]
pub(crate) struct Target {
    /// What messages call it; empty when there is only one.
    pub(crate) label: String,
    pub(crate) connection: Connection,
}

/// The tenants that the options name.
pub(crate) fn targets(
    options: &ConnectionOptions,
    environment: DataEnvironment,
    context: &Context,
) -> Result<Vec<Target>> {
    if (options.instance.len() > 1 || options.all_instances) && !options.tenant_id.is_empty() {
        return Err(Error::new(
            ErrorKind::Usage,
            "several instances have tenants of their own",
        )
        .with_hint("leave out --tenant-id, or name one instance"));
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
        return Ok(tenants(options, &call, |args| {
            Connection::from_args(base.clone())
                .with_network_of(&settings)
                .with(args)
        }));
    }
    let settings = context.settings(options.config.as_ref())?;
    let instances = if options.all_instances {
        all_instances(&settings, environment)?
    } else {
        distinct(&options.instance).into_iter().map(Some).collect()
    };
    if instances.len() > 1 {
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
    Ok(tenants(options, &call, |args| {
        Connection::from_settings(&settings, instance.as_deref()).with(args)
    }))
}

/// One target per `--tenant-id`, or one without.
fn tenants(
    options: &ConnectionOptions,
    call: &ConnectionArgs,
    connection: impl Fn(ConnectionArgs) -> Connection,
) -> Vec<Target> {
    let tenant_ids = distinct(&options.tenant_id);
    if tenant_ids.len() < 2 {
        return vec![Target {
            label: String::new(),
            connection: connection(call.clone()),
        }];
    }
    tenant_ids
        .into_iter()
        .map(|tenant| {
            let mut args = call.clone();
            args.tenant_id = Some(tenant.clone());
            Target {
                label: tenant.clone(),
                connection: connection(args),
            }
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
    // Whoever says how a user signs in wants a user to sign in.
    let delegated = options.delegated_auth || options.auth_type.is_some();
    set(
        ConnectionKey::DelegatedAuth,
        "--delegated-auth",
        delegated.then_some("true"),
    )?;
    if let Some(path) = &options.certificate {
        args.certificate = Some(path.clone());
        args.origins.insert(
            ConnectionKey::Certificate,
            Origin::Parameter("--certificate".into()),
        );
    }
    if let Some(path) = &options.private_key {
        args.private_key = Some(path.clone());
        args.origins.insert(
            ConnectionKey::PrivateKey,
            Origin::Parameter("--private-key".into()),
        );
    }
    args.timeout = options.timeout;
    if let Some((option, secret)) = client_secret(options, context)? {
        args.set(
            ConnectionKey::ClientSecret,
            secret.expose_secret(),
            Origin::Parameter(option),
        )?;
    }
    if let Some(variable) = &options.private_key_secret_env {
        let option = "--private-key-secret-env";
        let secret = secrets::from_environment(option, variable, &context.environment)?;
        let origin = Origin::Parameter(option.to_owned());
        args.set(
            ConnectionKey::PrivateKeySecret,
            secret.expose_secret(),
            origin,
        )?;
    }
    Ok(args)
}

fn client_secret(
    options: &ConnectionOptions,
    context: &Context,
) -> Result<Option<(String, SecretString)>> {
    let (option, secret) = if let Some(variable) = &options.client_secret_env {
        let option = "--client-secret-env";
        (
            option,
            secrets::from_environment(option, variable, &context.environment)?,
        )
    } else if let Some(path) = &options.client_secret_file {
        let option = "--client-secret-file";
        (option, secrets::from_file(option, path)?)
    } else if options.client_secret_stdin {
        let option = "--client-secret-stdin";
        (option, secrets::from_stdin(option)?)
    } else {
        return Ok(None);
    };
    Ok(Some((option.to_owned(), secret)))
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
        retry: RetryPolicy {
            attempts: options.retries.saturating_add(1),
            ..RetryPolicy::default()
        },
        environment: context.environment.clone(),
        notice: Arc::new(Waits {
            quiet: context.quiet,
        }),
        ..Options::default()
    };
    QueryProvider::with_options(environment, options)
}

/// An embedded service with sample data, and a connection to it.
pub(crate) async fn demo() -> Result<(Running, Target)> {
    let options = defender_emulator::Options {
        https: None,
        proxy: None,
        data: Data::Sample,
        ..defender_emulator::Options::default()
    };
    let tenant = options.tenants.first().cloned();
    let running = Emulator::start(options).await.map_err(into_error)?;
    let mut args = ConnectionArgs::default();
    let origin = || Origin::Parameter("--demo".to_owned());
    if let Some(tenant) = tenant {
        args.set(ConnectionKey::TenantId, &tenant.id, origin())?;
        if let Some(application) = tenant.applications.first() {
            args.set(ConnectionKey::ClientId, &application.client_id, origin())?;
            if let Some(secret) = application.secrets.first() {
                let secret = secret.value.expose_secret();
                args.set(ConnectionKey::ClientSecret, secret, origin())?;
            }
        }
    }
    args.set(ConnectionKey::Authority, &running.http_url(), origin())?;
    args.set(ConnectionKey::ApiRoot, &running.http_url(), origin())?;
    Ok((
        running,
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
            eprintln!("{}", escape(&wait.to_string()));
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
