//! What a token says about itself.

use std::time::{Duration, SystemTime};

use defender_core::{Error, ErrorKind, Result};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind as Wrong;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a token says about itself, for showing to its owner.
///
/// The signature is not checked, so nothing may be decided by it.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// Whom the token is for (`aud`).
    pub audiences: Vec<String>,
    /// Who issued it (`iss`).
    pub issuer: Option<String>,
    /// The tenant that was signed in to (`tid`).
    pub tenant: Option<String>,
    /// The application that asked (`appid`, `azp`).
    pub application: Option<String>,
    /// The user who signed in (`preferred_username`, `upn`, `unique_name`); `None` for an
    /// application's own token.
    pub user: Option<String>,
    /// The application permissions in it (`roles`).
    pub roles: Vec<String>,
    /// The delegated permissions in it (`scp`).
    pub scopes: Vec<String>,
    /// When it was issued (`iat`).
    pub issued_at: Option<SystemTime>,
    /// When it begins (`nbf`).
    pub not_before: Option<SystemTime>,
    /// When it ends (`exp`).
    pub expires_at: Option<SystemTime>,
}

/// The claims in `token`, unverified.
///
/// # Errors
///
/// [`ErrorKind::Credential`] when `token` is not a JSON web token.
///
/// ```
/// use defender_credentials::claims;
///
/// // Header and signature are not looked at; the claims are {"roles":["ThreatHunting.Read.All"]}.
/// let token = "header.eyJyb2xlcyI6WyJUaHJlYXRIdW50aW5nLlJlYWQuQWxsIl19.signature";
/// assert_eq!(claims(token)?.roles, ["ThreatHunting.Read.All"]);
/// # Ok::<(), defender_core::Error>(())
/// ```
pub fn claims(token: &str) -> Result<Claims> {
    let read: Result<ClaimsWire, _> = unverified(token);
    read.map(Claims::from).map_err(|what| {
        Error::new(
            ErrorKind::Credential,
            format!("the token is not a JSON web token: {what}"),
        )
    })
}

/// The claims of a JSON web token, unverified, or what is wrong with it; never the parser's words,
/// which quote.
pub(crate) fn unverified<T: DeserializeOwned>(token: &str) -> Result<T, &'static str> {
    let token = token.trim();
    // `jsonwebtoken` looks for the claims from the end, however many parts come before them.
    if token.split('.').count() != 3 {
        return Err("it does not have three parts");
    }
    insecure_decode_claims(token).map_err(|error| match error.kind() {
        Wrong::Json(_) => "its claims are not as expected",
        _ => "its claims are not base64",
    })
}

#[derive(Deserialize)]
struct ClaimsWire {
    #[serde(default)]
    aud: OneOrMany,
    iss: Option<String>,
    tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    preferred_username: Option<String>,
    upn: Option<String>,
    unique_name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    scp: Option<String>,
    iat: Option<f64>,
    nbf: Option<f64>,
    exp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl From<ClaimsWire> for Claims {
    fn from(wire: ClaimsWire) -> Self {
        let scopes = wire.scp.as_deref().unwrap_or_default().split_whitespace();
        Self {
            audiences: match wire.aud {
                OneOrMany::One(audience) => vec![audience],
                OneOrMany::Many(audiences) => audiences,
            },
            issuer: wire.iss,
            tenant: wire.tid,
            application: wire.appid.or(wire.azp),
            user: wire.preferred_username.or(wire.upn).or(wire.unique_name),
            roles: wire.roles,
            scopes: scopes.map(str::to_owned).collect(),
            issued_at: wire.iat.and_then(time),
            not_before: wire.nbf.and_then(time),
            expires_at: wire.exp.and_then(time),
        }
    }
}

/// Seconds since 1970, which may be written with a fraction.
fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds.trunc()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
pub(crate) fn token_with(payload: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_token_is_read() {
        let token = token_with(
            r#"{"aud":"https://graph.microsoft.com","iss":"https://sts.windows.net/t/","tid":"t",
                "appid":"a","roles":["ThreatHunting.Read.All","SecurityAlert.Read.All"],
                "iat":1763700000,"nbf":1763700000,"exp":1763703600,"uti":"x","xms_ftd":[1,{}]}"#,
        );
        let claims = claims(&token).unwrap();
        assert_eq!(claims.audiences, ["https://graph.microsoft.com"]);
        assert_eq!(claims.tenant.as_deref(), Some("t"));
        assert_eq!(claims.application.as_deref(), Some("a"));
        assert_eq!(claims.user, None);
        assert_eq!(claims.roles.len(), 2);
        assert_eq!(claims.expires_at, time(1_763_703_600.0));
    }

    #[test]
    fn a_delegated_token_is_read() {
        let token = token_with(
            r#"{"aud":["a","b"],"azp":"app","upn":"ana@contoso.example","scp":"User.Read  ThreatHunting.Read.All","exp":1763703600.75}"#,
        );
        let claims = claims(&token).unwrap();
        assert_eq!(claims.audiences, ["a", "b"]);
        assert_eq!(claims.user.as_deref(), Some("ana@contoso.example"));
        assert_eq!(claims.scopes, ["User.Read", "ThreatHunting.Read.All"]);
        assert_eq!(claims.expires_at, time(1_763_703_600.0));
    }

    #[test]
    fn what_is_no_token_is_an_error_without_its_text() {
        for token in [
            "canary".to_owned(),
            "a.canary".to_owned(),
            "a.b.c.canary".to_owned(),
            "a.%canary%.c".to_owned(),
            token_with("canary"),
            token_with(r#"{"exp":"canary"}"#),
            token_with(r#"["canary"]"#),
        ] {
            let error = claims(&token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credential);
            assert!(
                !format!("{error:?} {error}").contains("canary"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_time_is_in_seconds_since_1970() {
        let day = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let read = claims(&token_with(r#"{"nbf":86400,"iat":86400.9}"#)).unwrap();
        assert_eq!((read.not_before, read.issued_at), (Some(day), Some(day)));
    }

    #[test]
    fn an_impossible_time_is_no_time() {
        for payload in [
            r#"{"exp":-1}"#,
            r#"{"exp":1e300}"#,
            r#"{"exp":18446744073709551615}"#,
        ] {
            assert_eq!(
                claims(&token_with(payload)).unwrap().expires_at,
                None,
                "{payload}"
            );
        }
    }
}
