//! `defender login`, `logout` and `consent-url`.

use defender_core::{DataEnvironment, Error, ErrorKind, ExposeSecret as _, Result};
use defender_query::{Connection, ConnectionArgs, ConnectionKey, Method, claims};
use serde_json::{Value, json};
use url::Url;

use crate::arguments::{ConsentUrlOptions, LoginOptions, LogoutOptions};
use crate::context::Context;
use crate::signals::interruptible;
use crate::token::datetime;
use crate::{listing, target};

/// Signs in to every tenant that is named, one after the other.
pub(crate) async fn run(options: &LoginOptions, context: &Context) -> Result<()> {
    let environment = target::service(&options.connection)?;
    let targets = target::targets(&options.connection, environment, context)?;
    let provider = target::provider(&options.connection, environment, context);
    let several = targets.len() > 1;
    let mut failed = Vec::new();
    let mut done: Vec<Value> = Vec::new();
    for target in targets {
        let connection = as_user_unless_said_otherwise(target.connection, environment)?;
        let signed_in = async {
            let identity = provider.identity(connection.clone()).await?;
            let (token, account) = identity.sign_in().await?;
            Ok::<_, Error>((identity, token, account))
        };
        let (identity, token, account) = match interruptible(signed_in).await {
            Ok(signed_in) => signed_in,
            Err(error) if error.kind() == ErrorKind::Interrupted || !several => {
                return Err(error);
            }
            Err(error) => {
                context.failure(&target.label, &error);
                failed.push(target.label);
                continue;
            }
        };
        let tenant = account
            .as_ref()
            .and_then(|account| account.tenant_id.clone())
            .or_else(|| claims(token.secret.expose_secret()).ok()?.tenant)
            .or_else(|| identity.tenant().map(str::to_owned));
        let who = match (&account, identity.client_id()) {
            (Some(account), _) => account.username.clone(),
            (None, Some(client)) => format!("application {client}"),
            (None, None) => whoever(token.secret.expose_secret()),
        };
        if options.json {
            done.push(json!({
                "user": account.as_ref().map(|account| &account.username),
                "application": identity.client_id(),
                "tenant": tenant,
                "audience": identity.endpoint().audience,
                "expires_at": datetime(token.expires_at),
            }));
        } else {
            let tenant = tenant.map_or_else(String::new, |tenant| format!(" in tenant {tenant}"));
            listing::print_words(&format!("signed in as {who}{tenant}"))?;
            if identity.method() == Some(Method::Delegated) && options.connection.no_token_cache {
                context.note("the sign-in is not kept: --no-token-cache");
            }
        }
    }
    if options.json {
        let value = match done.as_slice() {
            [one] if !several => one.clone(),
            _ => Value::from(done),
        };
        listing::print_json(&value)?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!("not signed in to {}", failed.join(", ")),
    ))
}

/// Whom `token` speaks of, where only that knows: tokens of the machine, of the Azure CLI, or
/// obtained elsewhere.
fn whoever(token: &str) -> String {
    let claims = claims(token).ok();
    let user = claims.as_ref().and_then(|claims| claims.user.clone());
    let application = || {
        Some(format!(
            "application {}",
            claims.as_ref()?.application.as_ref()?
        ))
    };
    user.or_else(application)
        .unwrap_or_else(|| "somebody whom the token does not name".to_owned())
}

/// A person logs in, unless settings or options name another way.
fn as_user_unless_said_otherwise(
    connection: Connection,
    environment: DataEnvironment,
) -> Result<Connection> {
    if connection.says_how_to_sign_in(environment) {
        return Ok(connection);
    }
    Ok(connection.with(ConnectionArgs::default().with(ConnectionKey::DelegatedAuth, true)?))
}

/// Forgets kept sign-ins.
pub(crate) async fn logout(options: &LogoutOptions, context: &Context) -> Result<()> {
    let environment = target::service(&options.connection)?;
    let provider = target::provider(&options.connection, environment, context);
    let connections: Vec<Connection> = if options.all {
        let settings = context.settings(options.connection.config.as_ref())?;
        vec![Connection::from_settings(&settings, None)]
    } else {
        target::targets(&options.connection, environment, context)?
            .into_iter()
            .map(|target| target.connection)
            .collect()
    };
    let mut forgotten = Vec::new();
    for connection in connections {
        forgotten.extend(provider.forget(&connection, options.all).await?);
    }
    if forgotten.is_empty() {
        context.note("nobody was signed in");
        return Ok(());
    }
    let lines: Vec<String> = forgotten
        .into_iter()
        .map(|owner| format!("signed out {owner}"))
        .collect();
    listing::print_words(&lines.join("\n"))
}

/// Prints the address where an administrator consents, one for each tenant.
pub(crate) fn consent_url(options: &ConsentUrlOptions, context: &Context) -> Result<()> {
    let environment = target::service(&options.connection)?;
    let redirect = options
        .redirect_uri
        .as_deref()
        .map(|text| {
            Url::parse(text).map_err(|_| {
                Error::new(ErrorKind::Usage, "--redirect-uri is not an address")
                    .with_hint("write it as it is registered, such as https://contoso.com/done")
            })
        })
        .transpose()?;
    let provider = target::provider(&options.connection, environment, context);
    let mut lines = Vec::new();
    for target in target::targets(&options.connection, environment, context)? {
        let state = options.state.as_deref();
        let url = provider.consent_url(&target.connection, redirect.as_ref(), state)?;
        lines.push(url.to_string());
    }
    listing::print(&lines.join("\n"))
}
