//! Where an administrator lets an application into a tenant, said where that is what is missing.

use std::sync::Arc;

use async_trait::async_trait;
use defender_config::is_id;
use defender_core::{AccessToken, Credential, Error, ErrorKind, Result, TokenRequest};
use defender_credentials::Authority;
use url::Url;

/// Refusals after which consent helps: the tenant does not know the application, or nobody has
/// agreed to what it asks for.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
const WITHOUT_CONSENT: &[&str] = &[
    "AADSTS65001",
    "AADSTS65005",
    "AADSTS90008",
    "AADSTS90093",
    "AADSTS90094",
    "AADSTS650052",
    "AADSTS650056",
    "AADSTS650057",
    "AADSTS700011",
    "AADSTS700016",
    "AADSTS7000229",
    "consent_required",
    "admin_consent_required",
];

/// The address where an administrator consents to `client_id` in `tenant`, at the host `login`.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
pub(crate) fn address(login: Url, tenant: Option<&str>, client_id: &str) -> Result<Url> {
    if !is_id(client_id) {
        // It may be a secret, and this address is shown.
        let message = "consent is given to an application, and what names it is not its id";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let tenant = tenant.unwrap_or("organizations").trim();
    // Says whether it can be a tenant.
    let mut url = Authority::new(login, tenant)?.base().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([tenant, "adminconsent"]);
    }
    url.query_pairs_mut().append_pair("client_id", client_id);
    Ok(url)
}

/// `error` with `address`, where consent is what is missing.
pub(crate) fn explained(error: Error, address: &Url) -> Error {
    let first: &(dyn std::error::Error + 'static) = &error;
    let is_refused = std::iter::successors(Some(first), |error| error.source())
        .filter_map(|error| error.downcast_ref::<Error>()?.code())
        .any(|code| WITHOUT_CONSENT.contains(&code));
    if !is_refused {
        return error;
    }
    error.with_more_advice(format!("consent is given at {address}"))
}

/// Says with a refusal where consent is given to the application that was refused.
#[derive(Debug)]
pub(crate) struct Consenting {
    inner: Arc<dyn Credential>,
    address: Url,
}

impl Consenting {
    /// `inner`, which signs in as an application that consent is given to at `address`; with no
    /// address it is left as it is.
    pub(crate) fn over(inner: Arc<dyn Credential>, address: Option<&Url>) -> Arc<dyn Credential> {
        match address {
            Some(address) => Arc::new(Self {
                inner,
                address: address.clone(),
            }),
            None => inner,
        }
    }
}

#[async_trait]
impl Credential for Consenting {
    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let token = self.inner.token(request).await;
        token.map_err(|error| explained(error, &self.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    fn at(login: &str, tenant: Option<&str>) -> String {
        let login = login.parse().unwrap();
        address(login, tenant, ID).unwrap().to_string()
    }

    #[test]
    fn consent_is_given_in_the_tenant_and_its_cloud() {
        assert_eq!(
            at("https://login.microsoftonline.us", Some("contoso.us")),
            format!("https://login.microsoftonline.us/contoso.us/adminconsent?client_id={ID}")
        );
        assert_eq!(
            at("https://login.microsoftonline.com/", None),
            format!("https://login.microsoftonline.com/organizations/adminconsent?client_id={ID}")
        );
    }

    #[test]
    fn a_secret_in_the_place_of_the_application_is_in_no_address() {
        let secret = "abc8Q~Zk3x9yPq2WvL0mNt5RsU7iOe4gHjFaSdC1";
        let login = "https://login.example".parse().unwrap();
        let error = address(login, None, secret).unwrap_err();
        assert!(!format!("{error:?}").contains("Zk3x9"), "{error:?}");
    }

    #[test]
    fn only_a_missing_consent_gets_the_address() {
        let url: Url = "https://login.example/t/adminconsent?client_id=c"
            .parse()
            .unwrap();
        let advice = format!("consent is given at {url}");
        for code in WITHOUT_CONSENT {
            let error = Error::new(ErrorKind::Credential, "x").with_code(*code);
            assert_eq!(
                explained(error, &url).hint(),
                Some(advice.as_str()),
                "{code}"
            );
        }
        for error in [
            Error::new(ErrorKind::Credential, "x").with_code("AADSTS7000215"),
            Error::new(ErrorKind::Credential, "x").with_status(401),
            Error::new(ErrorKind::Permission, "x").with_code("AADSTS50105"),
        ] {
            assert_eq!(explained(error, &url).hint(), None);
        }
    }
}
