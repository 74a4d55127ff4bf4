//! The one error type of the workspace.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely; each kind says what the caller should do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Call it differently: an argument is wrong or contradicts another.
    Usage,
    /// Fix the setting that the message names.
    Config,
    /// Renew or correct the credential: the authority refused the identity.
    Credential,
    /// Ask an administrator for the permission that the message names.
    Permission,
    /// Wait as long as [`Error::retry_after`] says, then ask again.
    Throttled,
    /// Fix the text of the query.
    Query,
    /// Try again later: the service answered that it cannot serve now.
    Service,
    /// Check the network, then try again: the service was not reached or the answer broke off.
    Transport,
    /// Report it: the service answered something nobody expected.
    Protocol,
    /// Narrow the query or let it be split: there is more than what was returned.
    Incomplete,
    /// Look at the file or stream that the message names.
    Io,
    /// Nothing: the caller cancelled.
    Interrupted,
}

/// What happened, where, and what to do next.
///
/// `Display` is one lower-case phrase; the causes are in [`source`](StdError::source), advice in
/// [`hint`](Self::hint). No error holds a secret. A clone is the same error for another caller.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
    status: Option<u16>,
    url: Option<String>,
    request_id: Option<String>,
    client_request_id: Option<String>,
    retry_after: Option<Duration>,
    transient: bool,
    not_configured: bool,
    hint: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `message` is one lower-case phrase without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            code: None,
            status: None,
            url: None,
            request_id: None,
            client_request_id: None,
            retry_after: None,
            transient: false,
            not_configured: false,
            hint: None,
            source: None,
        }))
    }

    /// What it holds, to be changed; what clones of it hold stays as it is.
    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Changes the message and keeps everything else, such as to say how often it was tried.
    #[must_use]
    pub fn reworded(mut self, change: impl FnOnce(String) -> String) -> Self {
        let inner = self.inner();
        inner.message = change(std::mem::take(&mut inner.message));
        self
    }

    /// This error with `change` made to every text of it. Causes whose words change become text:
    /// what else they hold cannot be changed.
    pub(crate) fn rewritten(mut self, change: &dyn Fn(&str) -> Cow<'_, str>) -> Self {
        let inner = self.inner();
        inner.message = change(&inner.message).into_owned();
        for text in [
            &mut inner.code,
            &mut inner.url,
            &mut inner.request_id,
            &mut inner.client_request_id,
            &mut inner.hint,
        ]
        .into_iter()
        .flatten()
        {
            *text = change(text).into_owned();
        }
        if let Some(source) = &inner.source {
            if let Some(error) = source.downcast_ref::<Self>() {
                inner.source = Some(Arc::new(error.clone().rewritten(change)));
            } else {
                let mut words = vec![source.to_string()];
                let mut next = source.source();
                while let Some(cause) = next {
                    words.push(cause.to_string());
                    next = cause.source();
                }
                let words = words.join(": ");
                let debug = format!("{source:?}");
                let clean = change(&words);
                if *clean != *words || *change(&debug) != *debug {
                    let clean: Box<dyn StdError + Send + Sync> = clean.into();
                    inner.source = Some(Arc::from(clean));
                }
            }
        }
        self
    }

    /// Says what was being done, or where; the message so far becomes the first cause, and
    /// everything else stays.
    ///
    /// ```
    /// # use std::error::Error as _;
    /// # use defender_core::{Error, ErrorKind};
    /// let error = Error::new(ErrorKind::Io, "it is a folder").within("cannot read a.csv");
    /// assert_eq!(error.to_string(), "cannot read a.csv");
    /// assert_eq!(error.source().unwrap().to_string(), "it is a folder");
    /// ```
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        let kind = self.kind();
        let inner = self.inner();
        let mut cause = Self::new(kind, std::mem::replace(&mut inner.message, message.into()));
        cause.inner().source = inner.source.take();
        inner.source = Some(Arc::new(cause));
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner().source = Some(Arc::from(source.into()));
        self
    }

    /// Adds what the reader should do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner().hint = Some(hint.into());
        self
    }

    /// Adds more of what the reader should do, after what is said already.
    #[must_use]
    pub fn with_more_advice(self, advice: impl Into<String>) -> Self {
        let advice = advice.into();
        let hint = match self.hint() {
            Some(hint) => format!("{hint}; {advice}"),
            None => advice,
        };
        self.with_hint(hint)
    }

    /// Adds the service's own code, such as `AADSTS7000215`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.inner().code = Some(code.into());
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner().status = Some(status);
        self
    }

    /// Adds where it happened. Query, fragment and user information are dropped.
    #[must_use]
    pub fn with_url(mut self, url: &url::Url) -> Self {
        self.inner().url = Some(format!(
            "{}{}",
            url.origin().ascii_serialization(),
            url.path()
        ));
        self
    }

    /// Adds the id under which the service logged the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.inner().request_id = Some(id.into());
        self
    }

    /// Adds the id that this client gave the request.
    #[must_use]
    pub fn with_client_request_id(mut self, id: impl Into<String>) -> Self {
        self.inner().client_request_id = Some(id.into());
        self
    }

    /// Adds how long the service asks to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner().retry_after = Some(wait);
        self
    }

    /// Says that the same request may succeed later.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.inner().transient = true;
        self
    }

    /// Says that nobody set this up here, so that another way may be tried instead.
    #[must_use]
    pub fn not_configured(mut self) -> Self {
        self.inner().not_configured = true;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The service's own code, such as `AADSTS7000215` or `TooManyRequests`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Where it happened: an address without its query.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The id under which the service logged the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The id that this client gave the request.
    pub fn client_request_id(&self) -> Option<&str> {
        self.0.client_request_id.as_deref()
    }

    /// How long the service asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Whether nothing was tried because nobody set it up here: the one error after which a chain
    /// of credentials goes on.
    pub fn is_not_configured(&self) -> bool {
        self.0.not_configured
    }

    /// What the reader should do next.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &inner.kind)
            .field("message", &inner.message);
        for (name, value) in [
            ("code", &inner.code),
            ("url", &inner.url),
            ("request_id", &inner.request_id),
            ("client_request_id", &inner.client_request_id),
            ("hint", &inner.hint),
        ] {
            if let Some(value) = value {
                debug.field(name, value);
            }
        }
        if let Some(status) = inner.status {
            debug.field("status", &status);
        }
        if let Some(wait) = inner.retry_after {
            debug.field("retry_after", &wait);
        }
        if let Some(source) = &inner.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_query_and_its_user() {
        let url = url::Url::parse("https://user:canary@host:8443/a/b?secret=canary#x").unwrap();
        let error = Error::new(ErrorKind::Transport, "no answer").with_url(&url);
        assert_eq!(error.url(), Some("https://host:8443/a/b"));
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn a_clone_is_the_whole_error_and_changes_alone() {
        let error = Error::new(ErrorKind::Config, "nothing is set")
            .with_source(std::io::Error::other("the cause"))
            .not_configured();
        let clone = error.clone().reworded(|text| format!("{text} here"));
        assert_eq!(clone.to_string(), "nothing is set here");
        assert!(clone.is_not_configured());
        assert_eq!(StdError::source(&clone).unwrap().to_string(), "the cause");
        assert_eq!(error.to_string(), "nothing is set");
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
