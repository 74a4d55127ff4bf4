//! What a vault says it wants, in `WWW-Authenticate`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_core::{Scope, is_loopback};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use url::Url;

use crate::location::{Location, is_below};

/// A bearer challenge.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Whom the vault trusts: a sign-in host with a tenant.
    pub(crate) authorization: Option<String>,
    /// What a token has to be made out to.
    pub(crate) resource: Option<String>,
    /// What a further token has to prove, as JSON text.
    pub(crate) claims: Option<String>,
}

impl Challenge {
    /// The first bearer challenge of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(Self::parse)
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim_start().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut challenge = Self::default();
        while let Some((name, value, after)) = parameter(rest) {
            rest = after;
            match name.to_ascii_lowercase().as_str() {
                "authorization" | "authorization_uri" => challenge.authorization = Some(value),
                "resource" => challenge.resource = Some(value),
                // Newer services name a scope where older ones name a resource.
                "scope" if challenge.resource.is_none() => {
                    challenge.resource =
                        Some(value.strip_suffix("/.default").unwrap_or(&value).to_owned());
                }
                "claims" => challenge.claims = decoded(&value),
                _ => {}
            }
        }
        Some(challenge)
    }

    /// The scope of the resource, when the vault's host belongs to it.
    ///
    /// # Errors
    ///
    /// The resource as the vault names it, when the host does not: a token for it would be good
    /// elsewhere.
    pub(crate) fn scope(&self, location: &Location) -> Result<Option<Scope>, &str> {
        let Some(resource) = self.resource.as_deref() else {
            return Ok(None);
        };
        let belongs = Url::parse(resource).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default();
            match url.scheme() {
                "https" => is_below(location.host(), host),
                // On loopback one address is host and resource.
                _ => is_loopback(&url) && url.origin() == location.vault().origin(),
            }
        });
        if belongs {
            Ok(Some(Scope::default_of(resource)))
        } else {
            Err(resource)
        }
    }
}

/// The next `name=value` or `name="value"`, and what follows it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start_matches([' ', ',', '\t']);
    let (name, rest) = text.split_once('=')?;
    let name = name.trim();
    if name.is_empty() || name.contains([' ', ',', '"']) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        return Some((name, rest[..end].to_owned(), &rest[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name, value, &quoted[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    None
}

/// Claims travel in base64, in either alphabet and with or without padding.
fn decoded(text: &str) -> Option<String> {
    let text = text
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use defender_core::{Scope, WrittenName};

    use super::*;
    use crate::Vaults;

    fn location(vault: &str) -> Location {
        Vaults {
            default_vault: None,
            suffix: "vault.azure.net".into(),
            scope: Scope::default_of("https://vault.azure.net"),
        }
        .location(
            Some(&WrittenName::of_words(vault)),
            &WrittenName::of_words("n"),
            None,
            "A.B",
        )
        .unwrap()
    }

    fn of_resource(resource: &str) -> Challenge {
        Challenge {
            resource: Some(resource.to_owned()),
            ..Challenge::default()
        }
    }

    #[test]
    fn the_documented_challenge_is_read() {
        let challenge = Challenge::parse(
            "Bearer authorization=\"https://login.microsoftonline.com/t\", \
             resource=\"https://vault.azure.net\"",
        )
        .unwrap();
        assert_eq!(
            challenge.authorization.as_deref(),
            Some("https://login.microsoftonline.com/t")
        );
        assert_eq!(
            challenge.resource.as_deref(),
            Some("https://vault.azure.net")
        );
        assert_eq!(challenge.claims, None);
    }

    #[test]
    fn other_spellings_are_read() {
        let challenge = Challenge::parse(
            "bearer realm=\"\",scope=https://vault.azure.net/.default, error=\"insufficient_claims\", \
             claims=\"eyJhIjoiPz4ifQ==\", note=\"a \\\"b\\\", c\"",
        )
        .unwrap();
        assert_eq!(
            challenge.resource.as_deref(),
            Some("https://vault.azure.net")
        );
        assert_eq!(challenge.claims.as_deref(), Some(r#"{"a":"?>"}"#));
    }

    #[test]
    fn what_is_no_bearer_challenge_is_none() {
        for text in ["", "Bearer", "Basic realm=\"x\"", "Negotiate"] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
        // What is broken off says nothing.
        let broken = Challenge::parse("Bearer resource=\"https://vault.azure.net").unwrap();
        assert_eq!(broken, Challenge::default());
    }

    #[test]
    fn a_bearer_challenge_is_found_behind_another() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Negotiate".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, "Bearer resource=\"r\"".parse().unwrap());
        assert_eq!(Challenge::of(&headers), Some(of_resource("r")));
    }

    #[test]
    fn a_resource_must_hold_the_vaults_host() {
        let vault = location("contoso");
        assert_eq!(
            of_resource("https://vault.azure.net/").scope(&vault),
            Ok(Some(Scope::default_of("https://vault.azure.net")))
        );
        assert_eq!(Challenge::default().scope(&vault), Ok(None));
        for resource in [
            "https://graph.microsoft.com",
            "https://contoso.vault.azure.net",
            "https://azure.net.evil.example",
            "https://ault.azure.net",
            "http://vault.azure.net",
            "vault.azure.net",
            "http://127.0.0.1:1",
            "",
        ] {
            assert_eq!(of_resource(resource).scope(&vault), Err(resource));
        }
    }

    #[test]
    fn on_loopback_the_resource_is_the_address_itself() {
        let vault = location("http://127.0.0.1:8200/vaults/contoso");
        assert!(of_resource("http://127.0.0.1:8200").scope(&vault).is_ok());
        for resource in [
            "http://127.0.0.1:8201",
            "http://localhost:8200",
            "https://0.0.1",
        ] {
            assert!(of_resource(resource).scope(&vault).is_err(), "{resource}");
        }
    }
}
