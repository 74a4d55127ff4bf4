//! Signs in as an application with an assertion that somebody else signed.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use defender_core::{
    AccessToken, Clock, Credential, Error, ErrorKind, ExposeSecret, Result, SecretString,
    TokenRequest, Transport, is_plain_path, open_file,
};
use defender_http::aside;

use crate::token_endpoint::TokenEndpoint;
use crate::{Authority, assertion_grant};

/// More than any assertion.
const LONGEST: u64 = 64 * 1024;

/// Where an assertion comes from, each time one is needed.
#[async_trait]
pub trait AssertionSource: fmt::Debug + Send + Sync {
    /// An assertion that is valid now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when there is none, with what to change.
    async fn assertion(&self) -> Result<SecretString>;
}

/// A file that a platform keeps up to date, as Kubernetes does for a workload identity.
///
/// It is read again each time: what is in it lives an hour or so.
#[derive(Clone)]
pub struct AssertionFile {
    path: PathBuf,
    setting: String,
    /// What messages call it.
    place: String,
}

impl AssertionFile {
    /// The file at `path`, which `setting` names, for messages.
    pub fn new(path: impl Into<PathBuf>, setting: impl Into<String>) -> Self {
        let (path, setting) = (path.into(), setting.into());
        let shown = path.display().to_string();
        // An assertion in the place of its file's name is not quoted.
        let place = if path.exists() || is_plain_path(&shown) {
            format!("'{shown}' ({setting})")
        } else {
            format!("the file that {setting} names")
        };
        Self {
            path,
            setting,
            place,
        }
    }

    /// The file at a path that was taken from elsewhere than `setting` itself, such as a variable:
    /// it is not quoted.
    pub fn from_elsewhere(path: impl Into<PathBuf>, setting: impl Into<String>) -> Self {
        let setting = setting.into();
        Self {
            path: path.into(),
            place: format!("the file that {setting} names"),
            setting,
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open_file(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

impl fmt::Debug for AssertionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssertionFile({})", self.setting)
    }
}

#[async_trait]
impl AssertionSource for AssertionFile {
    async fn assertion(&self) -> Result<SecretString> {
        let Self { path, place, .. } = self.clone();
        aside(move || {
            let text = read(&path).map_err(|error| {
                Error::new(
                    ErrorKind::Io,
                    format!("the assertion in {place} cannot be read"),
                )
                .with_source(error)
            })?;
            checked(text, &place)
        })
        .await
    }
}

/// An assertion that is given once; it cannot be renewed.
#[derive(Clone)]
pub struct AssertionText {
    text: SecretString,
    setting: String,
}

impl AssertionText {
    /// The assertion `text`, which `setting` holds, for messages.
    pub fn new(text: SecretString, setting: impl Into<String>) -> Self {
        Self {
            text,
            setting: setting.into(),
        }
    }
}

#[async_trait]
impl AssertionSource for AssertionText {
    async fn assertion(&self) -> Result<SecretString> {
        checked(self.text.expose_secret().to_owned(), &self.setting)
    }
}

impl fmt::Debug for AssertionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssertionText({})", self.setting)
    }
}

/// `text` when it looks like a JSON web token; a secret put there by mistake is not sent.
fn checked(text: String, place: &str) -> Result<SecretString> {
    let text = SecretString::from(text);
    let trimmed = text.expose_secret().trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=');
    let parts: Vec<&str> = trimmed.split('.').collect();
    let looks_right = parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(allowed));
    if looks_right {
        return Ok(trimmed.into());
    }
    let what = if trimmed.is_empty() {
        "is empty"
    } else {
        "is not a JSON web token"
    };
    Err(Error::new(
        ErrorKind::Config,
        format!("the assertion in {place} {what}"),
    )
    .with_hint("an assertion is three pieces of base64 with dots between, signed by the platform"))
}

/// Signs in as an application with an assertion that somebody else signed: a workload identity,
/// another cloud's, a build system's.
///
/// # Errors
///
/// Of [`Credential::token`], those of [`ClientSecret`](crate::ClientSecret), and
/// [`ErrorKind::Config`] when the source has no assertion.
///
/// Source: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>
pub struct ClientAssertion {
    endpoint: TokenEndpoint,
    client_id: String,
    source: Arc<dyn AssertionSource>,
}

impl ClientAssertion {
    /// The application `client_id` at `authority`, with assertions of `source`.
    pub fn new(
        authority: Authority,
        client_id: impl Into<String>,
        source: Arc<dyn AssertionSource>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            endpoint: TokenEndpoint {
                authority,
                transport,
                clock,
            },
            client_id: client_id.into(),
            source,
        }
    }

    /// The application `client_id` at `authority`, with the assertion in the file at `path`,
    /// which `setting` names: `AZURE_FEDERATED_TOKEN_FILE` for a workload identity.
    pub fn from_file(
        authority: Authority,
        client_id: impl Into<String>,
        path: &Path,
        setting: &str,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = Arc::new(AssertionFile::new(path, setting));
        Self::new(authority, client_id, source, transport, clock)
    }
}

#[async_trait]
impl Credential for ClientAssertion {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let assertion = self.source.assertion().await?;
        assertion_grant::token(&self.endpoint, &self.client_id, &assertion, request).await
    }
}

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertion")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("source", &self.source)
            .finish()
    }
}

#[cfg(test)]
mod tests;
