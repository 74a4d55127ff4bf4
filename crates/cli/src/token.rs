//! `defender token`: signs in and prints what the token says.

use std::time::SystemTime;

use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, ExposeSecret as _, Result};
use defender_http::SystemClock;
use defender_query::{Claims, claims};
use defender_table::{Format, ticks};
use serde_json::json;

use crate::arguments::TokenOptions;
use crate::context::Context;
use crate::{listing, target};

/// Prints the claims of one token, or with `--raw` the token.
pub(crate) async fn run(options: &TokenOptions, context: &Context) -> Result<()> {
    let environment = options
        .connection
        .env
        .unwrap_or(DataEnvironment::M365dGraph);
    if environment == DataEnvironment::Local {
        return Err(Error::new(ErrorKind::Usage, "Local needs no token"));
    }
    let mut demo = None;
    let target = if options.demo {
        let (running, target) = target::demo().await?;
        demo = Some(running);
        target
    } else {
        let mut targets = target::targets(&options.connection, environment, context)?;
        match targets.pop() {
            Some(target) if targets.is_empty() => target,
            _ => {
                return Err(Error::new(ErrorKind::Usage, "a token is for one tenant")
                    .with_hint("name one instance or tenant"));
            }
        }
    };
    let provider = target::provider(&options.connection, environment, context);
    let connected = provider.connect(target.connection).await?;
    let token = connected.token().await?;
    let text = if options.raw {
        token.secret.expose_secret().to_owned()
    } else {
        let claims = claims(token.secret.expose_secret())?;
        if options.json {
            as_json(&claims)
        } else {
            as_table(&claims)?
        }
    };
    drop(demo);
    listing::print(&text)
}

fn as_json(claims: &Claims) -> String {
    let value = json!({
        "audiences": claims.audiences,
        "issuer": claims.issuer,
        "tenant": claims.tenant,
        "application": claims.application,
        "user": claims.user,
        "roles": claims.roles,
        "scopes": claims.scopes,
        "expires_at": claims.expires_at.and_then(datetime),
    });
    format!("{value:#}")
}

fn as_table(claims: &Claims) -> Result<String> {
    let expiry = claims.expires_at.map(|end| {
        let left = end.duration_since(SystemClock.now()).unwrap_or_default();
        format!(
            "{} ({} minutes left)",
            datetime(end).unwrap_or_default(),
            left.as_secs() / 60
        )
    });
    let rows: Vec<[String; 2]> = [
        ("audience", Some(claims.audiences.join(", "))),
        ("issuer", claims.issuer.clone()),
        ("tenant", claims.tenant.clone()),
        ("application", claims.application.clone()),
        ("user", claims.user.clone()),
        ("roles", Some(claims.roles.join(", "))),
        ("scopes", Some(claims.scopes.join(", "))),
        ("expires", expiry),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some([name.to_owned(), value.filter(|value| !value.is_empty())?]))
    .collect();
    listing::text(["claim", "value"], &rows, Format::Table)
}

fn datetime(time: SystemTime) -> Option<String> {
    ticks::from_system_time(time).map(ticks::format_datetime)
}
