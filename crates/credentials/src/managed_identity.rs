//! Signs in as the Azure machine, application or Arc server that this runs on.

mod answer;
mod arc;
mod source;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{
    AccessToken, Body, Clock, Credential, Error, ErrorKind, Redaction, Result, TokenRequest,
    Transport,
};
use defender_http::require_runtime;
use http::{HeaderValue, StatusCode};
use url::Url;

use crate::claims;
use source::Source;

/// Which identity, where a machine or application has several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityId {
    /// The one of the machine or application itself.
    #[default]
    System,
    /// A user-assigned identity, by its client id.
    Client(String),
    /// A user-assigned identity, by its object (principal) id.
    Object(String),
    /// A user-assigned identity, by its Azure resource id.
    Resource(String),
}

/// How a managed identity is looked for.
#[derive(Clone, Debug)]
pub struct ManagedIdentityOptions {
    /// Which identity; the machine's own.
    pub identity: IdentityId,
    /// How long the metadata service of virtual machines may take to show that it is there;
    /// 1 second. Elsewhere than in Azure nobody answers at its address.
    pub probe: Duration,
    /// Where Azure Arc puts the files that prove who asks; where its agent puts them.
    pub arc_folder: Option<PathBuf>,
}

impl Default for ManagedIdentityOptions {
    fn default() -> Self {
        Self {
            identity: IdentityId::System,
            probe: Duration::from_secs(1),
            arc_folder: None,
        }
    }
}

/// Signs in as the Azure machine, application or Arc server that this runs on.
///
/// Where it runs, the environment says: `IDENTITY_ENDPOINT` with `IDENTITY_HEADER` (App Service,
/// Functions, Container Apps), `IDENTITY_ENDPOINT` with `IMDS_ENDPOINT` (Azure Arc), otherwise
/// the metadata service of virtual machines, or of `AZURE_POD_IDENTITY_AUTHORITY_HOST`. Where
/// nobody answers, the error [is "not configured"](Error::is_not_configured).
///
/// Give it a transport without a proxy: these addresses are the machine's own.
///
/// # Errors
///
/// Of [`Credential::token`]:
/// - `Config`: there is no managed identity here, or not the one that is asked for.
/// - `Throttled`, `Service`: transient; see `retry_after()`.
/// - `Credential`: the request was refused; `Transport`, `Protocol`.
///
/// Source: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
pub struct ManagedIdentity {
    source: Result<Source, String>,
    options: ManagedIdentityOptions,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// Whether the metadata service has answered before.
    seen: AtomicBool,
}

impl ManagedIdentity {
    /// The identity of the place that `variable` describes.
    pub fn new(
        variable: impl Fn(&str) -> Option<String>,
        options: ManagedIdentityOptions,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            source: Source::find(&variable, options.arc_folder.clone()),
            options,
            transport,
            clock,
            seen: AtomicBool::new(false),
        }
    }

    /// Whether there is a metadata service at all: asked in a way that it refuses at once.
    async fn probe(&self, source: &Source) -> Result<()> {
        if !source.needs_probe() || self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let request = source.probe()?;
        require_runtime()?;
        let answer = tokio::time::timeout(self.options.probe, self.transport.send(request)).await;
        let what = match answer {
            Ok(Ok(answer)) if answer::is_from_metadata_service(&answer) => {
                self.seen.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Ok(Ok(answer)) => format!("something else answered {}", answer.status().as_u16()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "nobody answered".to_owned(),
        };
        Err(Error::new(
            ErrorKind::Config,
            format!("there is no managed identity here: {what}"),
        )
        .with_url(source.url())
        .not_configured())
    }

    async fn ask(
        &self,
        source: &Source,
        resource: &str,
    ) -> Result<(http::Response<Body>, Redaction)> {
        let request = source.request(resource, &self.options.identity, None)?;
        let redaction = Redaction::of_request(&request);
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| redaction.error(error))?;
        let Source::Arc { folder, .. } = source else {
            return Ok((answer, redaction));
        };
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok((answer, redaction));
        }
        let proof = arc::proof(answer.headers(), folder)
            .await
            .map_err(|error| redaction.error(error.with_url(source.url())))?;
        let request = source.request(resource, &self.options.identity, Some(&proof))?;
        let redaction = Redaction::of_request(&request);
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| redaction.error(error))?;
        Ok((answer, redaction))
    }
}

#[async_trait]
impl Credential for ManagedIdentity {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let source = self
            .source
            .as_ref()
            .map_err(|what| Error::new(ErrorKind::Config, what.clone()))?;
        source.check(&self.options.identity)?;
        let scope = request.scope.as_str();
        let Some(resource) = scope.strip_suffix("/.default") else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("a managed identity cannot ask for '{scope}'"),
            )
            .with_hint("a scope is an audience followed by /.default"));
        };
        self.probe(source).await?;
        let start = self.clock.now();
        let (answer, redaction) = self.ask(source, resource).await?;
        let context = answer::Context {
            url: source.url(),
            identity: &self.options.identity,
            start,
            now: self.clock.now(),
            redaction: &redaction,
        };
        let token = answer::read(answer, &context).await?;
        check_tenant(&token, request.tenant.as_deref())?;
        tracing::debug!(url = %source.url(), scope, "got a token of the managed identity");
        Ok(token)
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self
            .source
            .as_ref()
            .ok()
            .map(|source| source.url().as_str());
        f.debug_struct("ManagedIdentity")
            .field("url", &url)
            .field("identity", &self.options.identity)
            .finish_non_exhaustive()
    }
}

/// A managed identity knows its own tenant only, and nobody refuses the wish for another.
fn check_tenant(token: &AccessToken, wanted: Option<&str>) -> Result<()> {
    use defender_core::ExposeSecret;
    let (Some(wanted), Ok(claims)) = (wanted, claims(token.secret.expose_secret())) else {
        return Ok(());
    };
    let is_id = uuid::Uuid::parse_str(wanted.trim()).is_ok();
    match claims.tenant {
        Some(own) if is_id && !own.eq_ignore_ascii_case(wanted.trim()) => Err(Error::new(
            ErrorKind::Config,
            format!("the managed identity is of tenant {own} and cannot sign in to {wanted}"),
        )
        .with_hint("leave out tenant_id, or sign in with an application's secret or certificate")),
        _ => Ok(()),
    }
}

/// A request to `url`, its headers given.
fn get(url: &Url, headers: &[(&'static str, &HeaderValue)]) -> Result<http::Request<Bytes>> {
    let mut request = http::Request::get(url.as_str());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            "the address of the managed identity cannot be used",
        )
        .with_url(url)
    })
}

#[cfg(test)]
mod tests;
