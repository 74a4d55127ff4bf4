//! Which requests go through a proxy, and how it is asked.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use defender_core::{Error, ErrorKind, ExposeSecret, Result, SecretString, is_loopback};
use http::HeaderValue;
use url::Url;

use super::bypass::Bypass;
use super::options::{HttpOptions, ProxySettings};

/// The proxy in use and the hosts that are reached without it.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    /// Where it is, without user and password.
    pub(super) url: Url,
    /// The `Proxy-Authorization` header; marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
    bypass: Bypass,
}

impl Proxy {
    /// The proxy that the options or else the environment name.
    pub(super) fn of(options: &HttpOptions) -> Result<Option<Self>> {
        let variable = |names: &[&'static str]| variable(&options.environment, names);
        let (settings, origin) = if let Some(settings) = &options.proxy {
            (settings.clone(), "the proxy option")
        } else {
            let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
            let Some((name, url)) = variable(&names) else {
                return Ok(None);
            };
            let settings = ProxySettings {
                url: url.to_owned(),
                ..ProxySettings::default()
            };
            (settings, name)
        };
        let bypass = match &settings.no_proxy {
            Some(list) => Bypass::parse(list),
            None => Bypass::parse(variable(&["NO_PROXY", "no_proxy"]).map_or("", |(_, list)| list)),
        };
        let mut url = address(&settings.url, origin)?;
        let authorization = authorization(&url, &settings, origin)?;
        // Neither can fail for a scheme that has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Some(Self {
            url,
            authorization,
            bypass,
        }))
    }

    /// Whether `url` is reached through this proxy.
    pub(super) fn serves(&self, url: &Url) -> bool {
        !is_loopback(url) && !self.bypass.matches(url)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.host_str().unwrap_or_default())?;
        match self.url.port_or_known_default() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The first of these variables that is set to something.
pub(super) fn variable<'a>(
    environment: &'a BTreeMap<String, String>,
    names: &[&'static str],
) -> Option<(&'static str, &'a str)> {
    names.iter().find_map(|name| {
        let value = environment.get(*name)?.trim();
        (!value.is_empty()).then_some((*name, value))
    })
}

fn address(text: &str, origin: &str) -> Result<Url> {
    let text = text.trim();
    let parsed = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    // Neither the text nor the parser's words go into the message: there may be a password.
    let wrong = |message: String| {
        Error::new(ErrorKind::Config, message)
            .with_hint("a proxy is http://host:port or https://host:port")
    };
    let url = parsed.map_err(|_| wrong(format!("{origin} is not an address")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!(
            "{origin} has the scheme '{}', which is not supported",
            url.scheme()
        )));
    }
    Ok(url)
}

fn authorization(url: &Url, settings: &ProxySettings, origin: &str) -> Result<Option<HeaderValue>> {
    let user = match &settings.user {
        Some(user) => user.clone(),
        None if url.username().is_empty() => return Ok(None),
        None => decoded(url.username(), origin)?,
    };
    let password = match (&settings.password, url.password()) {
        (Some(password), _) => password.clone(),
        (None, Some(password)) => SecretString::from(decoded(password, origin)?),
        (None, None) => SecretString::default(),
    };
    let credentials = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    let mut header = HeaderValue::try_from(format!("Basic {credentials}"))
        .map_err(|_| Error::new(ErrorKind::Config, format!("{origin} has an unusable user")))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// Undoes percent-encoding, as `application/x-www-form-urlencoded` does except for `+`.
fn decoded(text: &str, origin: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        (bytes, rest) = match byte {
            Some(byte) => (push(bytes, byte), &after[2..]),
            None => (push(bytes, *first), after),
        };
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("{origin} has a user or password that is not UTF-8"),
        )
    })
}

fn push(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<Proxy>> {
        Proxy::of(&HttpOptions {
            environment: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..HttpOptions::default()
        })
    }

    #[test]
    fn the_environment_names_the_proxy() {
        for (variables, expected) in [
            (&[("HTTPS_PROXY", "http://a:1")][..], Some("a:1")),
            (&[("https_proxy", "a:3128")], Some("a:3128")),
            (&[("ALL_PROXY", "https://a")], Some("a:443")),
            (&[("all_proxy", "http://a")], Some("a:80")),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("ALL_PROXY", "http://b:2")],
                Some("a:1"),
            ),
            (
                &[("HTTPS_PROXY", " "), ("ALL_PROXY", "http://b:2")],
                Some("b:2"),
            ),
            (&[("HTTP_PROXY", "http://a:1")], None),
            (&[], None),
        ] {
            let found = proxy(variables).unwrap().map(|proxy| proxy.to_string());
            assert_eq!(found.as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn an_explicit_proxy_goes_before_the_environment() {
        let options = HttpOptions {
            proxy: Some(ProxySettings {
                url: "http://mine:1".into(),
                no_proxy: Some("direct.example".into()),
                ..ProxySettings::default()
            }),
            environment: [
                ("HTTPS_PROXY".to_owned(), "http://other:2".to_owned()),
                ("NO_PROXY".to_owned(), "*".to_owned()),
            ]
            .into(),
            ..HttpOptions::default()
        };
        let proxy = Proxy::of(&options).unwrap().unwrap();
        assert_eq!(proxy.to_string(), "mine:1");
        assert!(proxy.serves(&Url::parse("https://graph.microsoft.com/").unwrap()));
        assert!(!proxy.serves(&Url::parse("https://direct.example/").unwrap()));
    }

    #[test]
    fn user_and_password_are_decoded_and_leave_the_address() {
        let found = proxy(&[("HTTPS_PROXY", "http://us%40er:can%3Aary%25@p:8080")])
            .unwrap()
            .unwrap();
        let header = found.authorization.as_ref().unwrap();
        assert_eq!(
            header,
            &format!("Basic {}", STANDARD.encode("us@er:can:ary%"))
        );
        assert_eq!(found.url.as_str(), "http://p:8080/");
        assert!(!format!("{found:?}").contains(header.to_str().unwrap()));
    }

    #[test]
    fn a_wrong_proxy_is_named_without_its_text() {
        for value in [
            "http://user:canary@",
            "socks5://user:canary@host",
            "http://user:canary@ho st",
        ] {
            let error = proxy(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().starts_with("HTTPS_PROXY"), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn loopback_is_reached_directly() {
        let found = proxy(&[("HTTPS_PROXY", "http://p")]).unwrap().unwrap();
        for url in [
            "https://localhost:1/",
            "https://127.9.9.9/",
            "https://[::1]/",
        ] {
            assert!(!found.serves(&Url::parse(url).unwrap()), "{url}");
        }
        // A machine's metadata is no exception, unless the list says so.
        let metadata = Url::parse("http://169.254.169.254/metadata").unwrap();
        assert!(found.serves(&metadata));
        let variables = [("HTTPS_PROXY", "http://p"), ("NO_PROXY", "169.254.169.254")];
        assert!(!proxy(&variables).unwrap().unwrap().serves(&metadata));
    }
}
