//! What an authority grants a user: a token, what renews it, and who they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use defender_core::{
    AccessToken, Error, ErrorKind, ExposeSecret, Result, SecretString, TokenRequest,
};
use serde::Deserialize;

use crate::claims::unverified;
use crate::token_endpoint::{Posted, Refused};
use crate::{Account, PublicClient, SignedIn};

/// What is asked for besides the token: what renews it, and who the user is.
const BESIDES: &str = "offline_access openid profile";

/// The scopes of `request` and what every sign-in of a user asks for.
pub(crate) fn scopes(request: &TokenRequest) -> String {
    format!("{} {BESIDES}", request.scope)
}

/// What an authority granted.
pub(crate) struct Grant {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) identity: Option<Identity>,
}

/// Who signed in, as the id token says, and the number that binds it to a request.
pub(crate) struct Identity {
    pub(crate) account: Account,
    #[cfg(feature = "browser")]
    pub(crate) nonce: Option<String>,
}

impl From<Grant> for SignedIn {
    fn from(grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            account: grant.identity.map(|identity| identity.account),
        }
    }
}

impl PublicClient {
    /// Redeems what `form` holds for a token.
    pub(crate) async fn redeem(
        &self,
        request: &TokenRequest,
        form: &[(&str, &str)],
    ) -> Result<Grant, Refused> {
        let mut whole = vec![("client_id", self.client_id.as_str()), ("client_info", "1")];
        whole.extend_from_slice(form);
        let posted = self.endpoint.grant(request, &whole).await?;
        Ok(self.granted(request, &posted)?)
    }

    /// Redeems a refresh token for the scope of `request`, whatever it was given for.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>
    pub(crate) async fn refresh(
        &self,
        request: &TokenRequest,
        token: &SecretString,
    ) -> Result<Grant, Refused> {
        let form = [
            ("grant_type", "refresh_token"),
            ("scope", &scopes(request)),
            ("refresh_token", token.expose_secret()),
        ];
        self.redeem(request, &form).await
    }

    fn granted(&self, request: &TokenRequest, posted: &Posted) -> Result<Grant> {
        let access_token = posted.token(request)?;
        let wire: GrantWire = serde_json::from_slice(&posted.body)
            .map_err(|_| posted.unexpected("holds no token"))?;
        let identity = match wire.id_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => Some(self.identity(request, token, wire.client_info.as_deref())?),
            None => None,
        };
        let refresh_token = wire.refresh_token.filter(|token| !token.is_empty());
        Ok(Grant {
            access_token,
            refresh_token: refresh_token.map(SecretString::from),
            identity,
        })
    }

    /// Whom an id token speaks of. It came straight from the authority over TLS, which stands
    /// for its signature; that it is meant for this application is checked.
    ///
    /// Source: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>
    fn identity(
        &self,
        request: &TokenRequest,
        token: &str,
        client_info: Option<&str>,
    ) -> Result<Identity> {
        let unusable = |what: &str| {
            Error::new(ErrorKind::Protocol, format!("the id token {what}"))
                .with_url(self.authority().base())
                .with_hint("begin the sign-in again; check the authority's address")
        };
        let wire: IdentityWire = unverified(token)
            .map_err(|what| unusable(&format!("is not a JSON web token: {what}")))?;
        if !wire.aud.eq_ignore_ascii_case(self.client_id.trim()) {
            return Err(unusable("is meant for another application"));
        }
        let tenant = request.tenant.as_deref();
        let tenant = tenant.unwrap_or(self.authority().tenant()).trim();
        if let (Ok(asked), Some(Ok(given))) = (
            uuid::Uuid::parse_str(tenant),
            wire.tid.as_deref().map(uuid::Uuid::parse_str),
        ) && asked != given
        {
            return Err(unusable("is of another tenant than was asked"));
        }
        let home = client_info.and_then(home_id);
        let home = home.or_else(|| match (&wire.oid, &wire.tid) {
            (Some(object), Some(tenant)) => Some(format!("{object}.{tenant}")),
            _ => wire.sub.clone(),
        });
        let Some(home_id) = home else {
            return Err(unusable("does not say whose it is"));
        };
        let names = [wire.preferred_username, wire.upn, wire.email];
        let username = names.into_iter().flatten().find(|name| !name.is_empty());
        Ok(Identity {
            account: Account {
                username: username.unwrap_or_else(|| home_id.clone()),
                object_id: wire.oid,
                tenant_id: wire.tid,
                home_id,
            },
            #[cfg(feature = "browser")]
            nonce: wire.nonce,
        })
    }
}

/// `<uid>.<utid>` of the client information.
fn home_id(client_info: &str) -> Option<String> {
    let text = URL_SAFE_NO_PAD
        .decode(client_info.trim_end_matches('='))
        .ok()?;
    let wire: ClientInfoWire = serde_json::from_slice(&text).ok()?;
    Some(format!("{}.{}", wire.uid, wire.utid))
}

#[derive(Deserialize)]
struct GrantWire {
    refresh_token: Option<String>,
    id_token: Option<String>,
    client_info: Option<String>,
}

/// Source: <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>
#[derive(Deserialize)]
struct IdentityWire {
    aud: String,
    #[cfg(feature = "browser")]
    nonce: Option<String>,
    oid: Option<String>,
    sub: Option<String>,
    tid: Option<String>,
    preferred_username: Option<String>,
    upn: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct ClientInfoWire {
    uid: String,
    utid: String,
}
