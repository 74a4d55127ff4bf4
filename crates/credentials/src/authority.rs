//! Who is asked for tokens: a login host and a tenant.

use defender_core::{Error, ErrorKind, Result, WrittenName, is_loopback};
use url::Url;

/// A login host and the tenant that is signed in to.
///
/// ```
/// use defender_credentials::Authority;
/// use url::Url;
///
/// let base = Url::parse("https://login.microsoftonline.com").unwrap();
/// let authority = Authority::new(base, "contoso.onmicrosoft.com").unwrap();
/// assert_eq!(
///     authority.token_url(None).unwrap().as_str(),
///     "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    base: Url,
    tenant: String,
}

impl Authority {
    /// The authority at `base` for `tenant`: its GUID or one of its domains.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when `base` is neither `https` nor on loopback, or `tenant` cannot
    /// be one.
    pub fn new(base: Url, tenant: impl Into<String>) -> Result<Self> {
        let plain = base.scheme() == "http" && is_loopback(&base);
        if !(base.scheme() == "https" || plain) || base.host().is_none() {
            return Err(
                Error::new(ErrorKind::Config, "the authority is not an https address")
                    .with_url(&base)
                    .with_hint("a secret is sent there; http is allowed to localhost only"),
            );
        }
        let tenant = checked(&tenant.into())?.to_owned();
        Ok(Self { base, tenant })
    }

    /// The login host.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Where tokens are asked for, in `tenant` instead of the authority's own if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when `tenant` cannot be one.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-protocols>
    pub fn token_url(&self, tenant: Option<&str>) -> Result<Url> {
        self.endpoint_url(tenant, "token")
    }

    /// The endpoint that is called `name`.
    pub(crate) fn endpoint_url(&self, tenant: Option<&str>, name: &str) -> Result<Url> {
        let tenant = checked(tenant.unwrap_or(&self.tenant))?;
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([tenant, "oauth2", "v2.0", name]);
        }
        Ok(url)
    }
}

/// A tenant goes into a path: what could lead elsewhere is refused.
pub(crate) fn checked(tenant: &str) -> Result<&str> {
    let trimmed = tenant.trim();
    let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '.' || c == '_';
    let possible = trimmed.starts_with(char::is_alphanumeric) && trimmed.chars().all(allowed);
    if possible {
        return Ok(trimmed);
    }
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "{} cannot be a tenant",
            WrittenName::of_words(trimmed).quoted_or("what is given")
        ),
    )
    .with_hint("a tenant is its id (a GUID) or one of its domain names"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(base: &str, tenant: &str) -> Result<Authority> {
        Authority::new(Url::parse(base).unwrap(), tenant)
    }

    #[test]
    fn the_token_address_keeps_a_path_and_drops_a_query() {
        for (base, expected) in [
            (
                "https://login.microsoftonline.us",
                "https://login.microsoftonline.us/t/oauth2/v2.0/token",
            ),
            (
                "https://login.example/adfs/?x=1#y",
                "https://login.example/adfs/t/oauth2/v2.0/token",
            ),
            (
                "http://127.0.0.1:8080/",
                "http://127.0.0.1:8080/t/oauth2/v2.0/token",
            ),
        ] {
            let url = authority(base, " t ").unwrap().token_url(None).unwrap();
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn another_tenant_can_be_asked() {
        let authority = authority("https://login.example", "home").unwrap();
        let url = authority.token_url(Some("customer.example")).unwrap();
        assert_eq!(url.path(), "/customer.example/oauth2/v2.0/token");
        assert!(authority.token_url(Some("../other")).is_err());
    }

    #[test]
    fn no_secret_goes_by_plain_http() {
        for base in [
            "http://login.example",
            "ftp://localhost",
            "data:text/plain,x",
        ] {
            let error = authority(base, "t").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{base}");
        }
    }

    #[test]
    fn a_tenant_that_would_change_the_path_is_refused() {
        for tenant in ["", " ", "a/b", "..", "a?b", "a#b", "a b", "%2e%2e"] {
            let error = authority("https://login.example", tenant).unwrap_err();
            let said = error.to_string();
            assert!(said.ends_with(" cannot be a tenant"), "{said}");
        }
        let said = authority("https://login.example", "a b").unwrap_err();
        assert_eq!(said.to_string(), "'a b' cannot be a tenant");
        let pasted = "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1";
        let said = authority("https://login.example", pasted).unwrap_err();
        assert_eq!(said.to_string(), "what is given cannot be a tenant");
    }
}
