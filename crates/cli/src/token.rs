//! `defender token`: what a token says, and whether it may do what it is for.

use std::time::SystemTime;

use defender_core::{Clock as _, DataEnvironment, Error, ErrorKind, ExposeSecret as _, Result};
use defender_http::SystemClock;
use defender_query::{Claims, claims};
use defender_table::{Format, ticks};
use serde_json::{Value, json};

use crate::arguments::{Operation, TokenOptions};
use crate::context::Context;
use crate::permissions::{self, Permissions};
use crate::signals::interruptible;
use crate::{listing, target};

/// Prints the claims of one token and what it may do, or with `--raw` the token.
pub(crate) async fn run(options: &TokenOptions, context: &Context) -> Result<()> {
    let environment = target::service(&options.connection)?;
    let mut demo = None;
    let target = if options.demo {
        let (running, target) = target::demo().await?;
        demo = Some(running);
        target
    } else {
        target::only(&options.connection, environment, context, "a token")?
    };
    let provider = target::provider(&options.connection, environment, context);
    let signed_in = async {
        let identity = provider.identity(target.connection.clone()).await?;
        let token = identity.token().await?;
        Ok::<_, Error>((identity, token))
    };
    let (identity, token) = interruptible(signed_in).await?;
    drop(demo);
    if options.raw {
        return listing::print(token.secret.expose_secret());
    }
    let claims = claims(token.secret.expose_secret())?;
    let operation = options.operation.unwrap_or(Operation::Hunting);
    let needed = permissions::needed(environment, operation);
    if needed.is_none() && options.operation.is_some() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{environment} has no {}", name(operation)),
        ));
    }
    let checks = needed.map(|needed| Check::new(operation, needed, &claims));
    let foreign = (!is_meant_for(&claims, &identity.endpoint().audience))
        .then(|| identity.endpoint().audience.clone());
    if options.json {
        listing::print_json(&as_json(&claims, checks.as_ref()))?;
    } else {
        listing::print(&as_table(&claims, checks.as_ref())?)?;
    }
    if let Some(audience) = foreign {
        context.warn(&format!(
            "the token is not for {audience}, which {environment} wants"
        ));
    }
    match checks {
        Some(check) if options.operation.is_some() && check.granted.is_none() => {
            Err(check.error(environment))
        }
        _ => Ok(()),
    }
}

fn name(operation: Operation) -> String {
    format!("{operation:?}").to_lowercase()
}

/// Audiences are addresses, with or without a slash at the end, or the application's id.
fn is_meant_for(claims: &Claims, audience: &str) -> bool {
    let bare = |text: &str| text.trim_end_matches('/').to_lowercase();
    claims
        .audiences
        .iter()
        .any(|found| bare(found) == bare(audience) || !found.contains("://"))
}

/// What a token needs, and whether it has it.
struct Check {
    operation: Operation,
    needed: &'static [&'static str],
    granted: Option<&'static str>,
}

impl Check {
    fn new(operation: Operation, permissions: &Permissions, claims: &Claims) -> Self {
        Self {
            operation,
            needed: permissions.of(claims),
            granted: permissions.granted(claims),
        }
    }

    fn text(&self) -> String {
        match self.granted {
            Some(name) => format!("{name}: granted"),
            None => format!("{}: missing", self.needed.join(" or ")),
        }
    }

    fn error(&self, environment: DataEnvironment) -> Error {
        Error::new(
            ErrorKind::Permission,
            format!(
                "the token has no permission for {} in {environment}",
                name(self.operation)
            ),
        )
        .with_hint(format!(
            "add {} to the application, let an administrator consent (defender consent-url), and \
             sign in again",
            self.needed.first().copied().unwrap_or_default()
        ))
    }
}

fn as_json(claims: &Claims, check: Option<&Check>) -> Value {
    json!({
        "audiences": claims.audiences,
        "issuer": claims.issuer,
        "tenant": claims.tenant,
        "application": claims.application,
        "user": claims.user,
        "roles": claims.roles,
        "scopes": claims.scopes,
        "expires_at": claims.expires_at.and_then(datetime),
        "permission": check.map(|check| json!({
            "operation": name(check.operation),
            "needed": check.needed,
            "granted": check.granted,
        })),
    })
}

fn as_table(claims: &Claims, check: Option<&Check>) -> Result<String> {
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
    .map(|(name, value)| (name.to_owned(), value))
    .chain(check.map(|check| (format!("for {}", name(check.operation)), Some(check.text()))))
    .filter_map(|(name, value)| Some([name, value.filter(|value| !value.is_empty())?]))
    .collect();
    listing::text(["claim", "value"], &rows, Format::Table)
}

pub(crate) fn datetime(time: SystemTime) -> Option<String> {
    ticks::from_system_time(time).map(ticks::format_datetime)
}
