//! The proxies of `msticpy.Proxies`.

use defender_core::{
    Error, ErrorKind, ExposeSecret, Result, SecretRef, SecretResolver, SecretString,
};
use url::Url;

use crate::Finding;
use crate::azure::section;
use crate::node::Place;
use crate::secret::{self, Value};

/// What `msticpy.Proxies` says.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The proxy for `http` addresses.
    pub http: Option<Proxy>,
    /// The proxy for `https` addresses: the one that matters.
    pub https: Option<Proxy>,
}

/// A proxy; each part may be a reference.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The setting's path, for messages.
    pub path: String,
    /// The address; without a scheme it is an `http` proxy.
    pub url: SecretRef,
    /// The user who signs in to the proxy.
    pub user_name: Option<SecretRef>,
    /// The user's password.
    pub password: Option<SecretRef>,
}

/// A proxy whose parts have been fetched.
#[derive(Clone, Debug)]
pub struct ResolvedProxy {
    /// The address, without user and password.
    pub url: Url,
    /// The user who signs in to the proxy.
    pub user_name: Option<String>,
    /// The user's password.
    pub password: Option<SecretString>,
}

impl Proxies {
    pub(crate) fn read(root: &Place<'_>, findings: &mut Vec<Finding>) -> Self {
        let proxies = root
            .find("msticpy")
            .and_then(|place| section(&place, "Proxies", findings));
        let Some(proxies) = proxies else {
            return Self::default();
        };
        Self {
            http: Proxy::read(&proxies, "http", findings),
            https: Proxy::read(&proxies, "https", findings),
        }
    }
}

impl Proxy {
    fn read(proxies: &Place<'_>, name: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        let place = section(proxies, name, findings)?;
        let Some(url) = part(&place, "Url", findings) else {
            findings.push(
                Finding::error(place.path(), place.line(), "has no Url")
                    .with_hint("write Url: http://proxy-host:8080"),
            );
            return None;
        };
        if let SecretRef::Inline(text) = &url
            && split(text.expose_secret()).is_none()
        {
            findings.push(
                Finding::error(
                    format!("{}.Url", place.path()),
                    place.line(),
                    "is not an address",
                )
                .with_hint("write Url: http://proxy-host:8080"),
            );
            return None;
        }
        Some(Self {
            path: place.path(),
            url,
            user_name: part(&place, "UserName", findings),
            password: part(&place, "Password", findings),
        })
    }

    /// The proxy with its parts fetched.
    ///
    /// # Errors
    ///
    /// What `resolver` says, and [`ErrorKind::Config`] when the address is none.
    pub async fn resolve(&self, resolver: &dyn SecretResolver) -> Result<ResolvedProxy> {
        let text = resolver.resolve(&self.url).await?;
        let Some((url, user, password)) = split(text.expose_secret()) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{}.Url is not an address", self.path),
            ));
        };
        let user_name = match &self.user_name {
            Some(reference) => Some(
                resolver
                    .resolve(reference)
                    .await?
                    .expose_secret()
                    .to_owned(),
            ),
            None => user,
        };
        let password = match &self.password {
            Some(reference) => Some(resolver.resolve(reference).await?),
            None => password,
        };
        Ok(ResolvedProxy {
            url,
            user_name,
            password,
        })
    }
}

fn part(place: &Place<'_>, name: &str, findings: &mut Vec<Finding>) -> Option<SecretRef> {
    let place = place.find(name)?;
    match secret::read(&place) {
        Ok(Value::Empty) => None,
        Ok(Value::Text(text)) => Some(SecretRef::Inline(text)),
        Ok(Value::Reference(reference)) => Some(reference),
        Err(message) => {
            findings.push(Finding::error(place.path(), place.line(), message));
            None
        }
    }
}

/// The address of a proxy, and the user and password that stood in it.
pub(crate) fn split(text: &str) -> Option<(Url, Option<String>, Option<SecretString>)> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url = Url::parse(&with_scheme).ok()?;
    url.host()?;
    let user = (!url.username().is_empty()).then(|| decoded(url.username()));
    let password = url.password().map(|password| decoded(password).into());
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url, user, password))
}

/// `text` without its percent signs' escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_and_its_user_apart() {
        for (text, url, user, password) in [
            (
                "proxy.example:8080",
                "http://proxy.example:8080/",
                None,
                None,
            ),
            (
                "https://proxy.example",
                "https://proxy.example/",
                None,
                None,
            ),
            (
                "http://me%40x:p%3Bw@proxy.example:3128",
                "http://proxy.example:3128/",
                Some("me@x"),
                Some("p;w"),
            ),
        ] {
            let (found, found_user, found_password) = split(text).unwrap();
            assert_eq!(found.as_str(), url);
            assert_eq!(found_user.as_deref(), user);
            let found_password = found_password.map(|found| found.expose_secret().to_owned());
            assert_eq!(found_password.as_deref(), password);
        }
        for wrong in ["", "http://", "mailto:x://"] {
            assert!(split(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%41%4"), "%zzA%4");
    }
}
