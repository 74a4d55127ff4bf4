//! How connections are made: timeouts, proxy, certificates.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use defender_core::{ExposeSecret as _, SecretString};

/// How connections are made.
///
/// ```
/// use std::time::Duration;
/// use defender_http::HttpOptions;
///
/// let options = HttpOptions {
///     total_timeout: Some(Duration::from_secs(600)),
///     ..HttpOptions::default()
/// };
/// assert_eq!(options.connect_timeout, Duration::from_secs(30));
/// ```
#[derive(Clone)]
pub struct HttpOptions {
    /// How long name, TCP, proxy and TLS may take together; 30 seconds.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin; 5 minutes, since a query runs up to 200 seconds
    /// before its first byte.
    pub answer_timeout: Duration,
    /// How long a body that has begun may be silent; 1 minute.
    pub read_timeout: Duration,
    /// How long a request and its whole answer may take; no limit.
    pub total_timeout: Option<Duration>,
    /// The proxy to use, whatever the environment says.
    pub proxy: Option<ProxySettings>,
    /// A file of root certificates (PEM) trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The environment as it was when the process started. Of it `HTTPS_PROXY`, `ALL_PROXY`,
    /// `NO_PROXY` (or in lower case) and `SSL_CERT_FILE` count, each only where the options
    /// above say nothing. `HTTP_PROXY` has no effect: plain `http` goes to loopback only, and
    /// loopback is never reached through a proxy.
    pub environment: BTreeMap<String, String>,
    /// What the `User-Agent` header says; `defender-query/` and the version.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_mins(5),
            read_timeout: Duration::from_mins(1),
            total_timeout: None,
            proxy: None,
            ca_file: None,
            environment: BTreeMap::new(),
            user_agent: concat!("defender-query/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// Whether connections are made alike.
impl PartialEq for HttpOptions {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            connect_timeout,
            answer_timeout,
            read_timeout,
            total_timeout,
            proxy,
            ca_file,
            environment,
            user_agent,
        } = self;
        *connect_timeout == other.connect_timeout
            && *answer_timeout == other.answer_timeout
            && *read_timeout == other.read_timeout
            && *total_timeout == other.total_timeout
            && *proxy == other.proxy
            && *ca_file == other.ca_file
            && *environment == other.environment
            && *user_agent == other.user_agent
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("proxy", &self.proxy)
            .field("ca_file", &self.ca_file)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// A forward proxy, reached with `CONNECT`.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// Where it is: `http://host:port` or `https://host:port`; `http` when no scheme is given.
    /// A user and password in it count as those below.
    pub url: String,
    /// Who asks.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<SecretString>,
    /// The hosts reached without it, as in `NO_PROXY`: names (with all below them) and addresses,
    /// each with `:port` or for every port, networks such as `10.0.0.0/8`, or `*`. `None` leaves
    /// it to the environment.
    pub no_proxy: Option<String>,
}

impl PartialEq for ProxySettings {
    fn eq(&self, other: &Self) -> bool {
        let same_password = match (&self.password, &other.password) {
            (Some(one), Some(other)) => one.expose_secret() == other.expose_secret(),
            (None, None) => true,
            _ => false,
        };
        same_password
            && self.url == other.url
            && self.user == other.user
            && self.no_proxy == other.no_proxy
    }
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands before the `@` may be a user and a password.
        let place = self
            .url
            .rsplit_once('@')
            .map_or(&*self.url, |(_, host)| host);
        f.debug_struct("ProxySettings")
            .field("url", &place)
            .field("no_proxy", &self.no_proxy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_in_the_debug_output() {
        let options = HttpOptions {
            proxy: Some(ProxySettings {
                url: "http://user:canary@proxy.example:8080".into(),
                user: Some("user".into()),
                password: Some("canary".into()),
                no_proxy: None,
            }),
            environment: [("HTTPS_PROXY".to_owned(), "http://u:canary@p".to_owned())].into(),
            ..HttpOptions::default()
        };
        let text = format!("{options:?}");
        assert!(text.contains("proxy.example:8080"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
