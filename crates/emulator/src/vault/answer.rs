//! The vault's side of an exchange: challenge, token, permission, secret.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Response, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{Item, Vault, VaultAccess, VaultSecret};
use crate::entra::Claims;
use crate::hosts;
use crate::options::Tenant;
use crate::reply;
use crate::service::{Asked, Place, Service};
use crate::ticks;

/// The versions of the API that are known.
const API_VERSIONS: [&str; 10] = [
    "2015-06-01",
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
];

/// An error before it is dressed.
///
/// Sources: <https://learn.microsoft.com/azure/key-vault/general/rest-error-codes>,
/// <https://learn.microsoft.com/azure/key-vault/general/common-error-codes>
struct Refused {
    status: StatusCode,
    code: &'static str,
    inner: Option<&'static str>,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            inner: None,
            message: message.into(),
        }
    }

    fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    fn forbidden(inner: &'static str, message: impl Into<String>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
        }
    }

    fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message)
    }

    fn response(&self, asked: &Asked) -> Response<Bytes> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(inner) = self.inner {
            error["innererror"] = json!({"code": inner});
        }
        dressed(reply::json(self.status, &json!({"error": error})), asked)
    }
}

/// Answers a request for something in the vault `name`.
pub(crate) fn answer(service: &Service, asked: &Asked, name: &str, item: &Item) -> Response<Bytes> {
    let cloud = match asked.place {
        Place::Host(host) => Some(host.cloud),
        Place::Direct(_) => None,
    };
    let Some((tenant, vault)) = service.directory.vault(name, cloud) else {
        return reply::text(
            StatusCode::NOT_FOUND,
            &format!("the emulator has no vault {name}"),
        );
    };
    let found =
        authorize(service, asked, tenant).and_then(|claims| serve(asked, vault, item, &claims));
    match found {
        Ok(response) => response,
        Err(refused) => {
            let mut response = refused.response(asked);
            if refused.status == StatusCode::UNAUTHORIZED {
                reply::set(&mut response, "www-authenticate", &challenge(asked, tenant));
            }
            response
        }
    }
}

/// What a vault says it wants.
///
/// Source: <https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses>
fn challenge(asked: &Asked, tenant: &Tenant) -> String {
    let (authority, resource) = match asked.place {
        Place::Host(host) => (
            format!("https://{}", host.cloud.login()),
            format!("https://{}", host.name),
        ),
        Place::Direct(_) => (asked.origin.clone(), asked.origin.clone()),
    };
    format!(
        "Bearer authorization=\"{authority}/{}\", resource=\"{resource}\"",
        tenant.id
    )
}

/// Checks signature, audience, issuer and lifetime, in this order.
///
/// The words for a token that is missing, made out to another audience or by another issuer are
/// Key Vault's; those for a broken or an expired one are not documented.
fn authorize(service: &Service, asked: &Asked, tenant: &Tenant) -> Result<Claims, Refused> {
    let token = asked
        .header(AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| {
            Refused::unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        })?;
    let claims = service
        .directory
        .verified(token, Some(tenant.cloud))
        .map_err(|_| {
            Refused::unauthorized("[BearerReadAccessTokenFailed] Error validating token.")
        })?;
    let expected = match asked.place {
        Place::Host(host) => format!("https://{}", host.name),
        Place::Direct(_) => asked.origin.clone(),
    };
    let audience = claims.aud.trim_end_matches('/');
    // One address stands for the vaults of every cloud there.
    let fits = audience.eq_ignore_ascii_case(&expected)
        || hosts::vault_resource(audience)
            .is_some_and(|cloud| cloud.is_none_or(|cloud| cloud == tenant.cloud));
    if !fits {
        return Err(Refused::unauthorized(format!(
            "AKV10022: Invalid audience. Expected {expected}, found: {}.",
            claims.aud
        )));
    }
    let issuer = format!("{}/{}/", tenant.cloud.issuer(), tenant.id);
    if claims.iss != issuer {
        return Err(Refused::unauthorized(format!(
            "AKV10032: Invalid issuer. Expected one of {issuer}, found {}.",
            claims.iss
        )));
    }
    let now = ticks::unix_seconds(service.now());
    if now < claims.nbf || now >= claims.exp {
        return Err(Refused::unauthorized(
            "[TokenExpired] Error validating token.",
        ));
    }
    Ok(claims)
}

/// Whether the caller may, and what there is.
fn serve(
    asked: &Asked,
    vault: &Vault,
    item: &Item,
    claims: &Claims,
) -> Result<Response<Bytes>, Refused> {
    require_version(asked)?;
    let reads = vault
        .readers
        .iter()
        .any(|reader| reader.eq_ignore_ascii_case(&claims.appid));
    if vault.closed {
        return Err(Refused::forbidden(
            "ForbiddenByFirewall",
            format!(
                "Client address is not authorized and caller is not a trusted service.\r\n\
                 Client address: 127.0.0.1\r\nCaller: {}\r\nVault: {};location=westeurope",
                caller(claims),
                vault.name
            ),
        ));
    }
    match item {
        Item::List => Err(not_permitted(vault, claims, "list", "")),
        Item::Nothing => Err(Refused::bad_parameter(format!(
            "Method GET does not allow operation '{}'",
            asked.uri.path().rsplit('/').next().unwrap_or_default()
        ))),
        Item::Secret { name, .. } if !reads => Err(not_permitted(
            vault,
            claims,
            "get",
            &format!("/secrets/{name}"),
        )),
        Item::Secret { name, version } => {
            let secret = found(vault, name, version.as_deref())?;
            let body = bundle(asked, vault, secret);
            Ok(dressed(reply::json(StatusCode::OK, &body), asked))
        }
    }
}

fn require_version(asked: &Asked) -> Result<(), Refused> {
    let query = asked.uri.query().unwrap_or_default();
    let Some((_, version)) = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
    else {
        return Err(Refused::bad_parameter("api-version must be specified"));
    };
    let released = version
        .split_once("-preview")
        .map_or(&*version, |(front, _)| front);
    if API_VERSIONS.contains(&released) {
        return Ok(());
    }
    Err(Refused::bad_parameter(format!(
        "The specified version ({version}) is not recognized. Consider using the latest \
         supported version ({}).",
        API_VERSIONS[API_VERSIONS.len() - 1]
    )))
}

fn caller(claims: &Claims) -> String {
    format!("appid={};iss={}", claims.appid, claims.iss)
}

fn not_permitted(vault: &Vault, claims: &Claims, operation: &str, below: &str) -> Refused {
    let caller = caller(claims);
    match vault.access {
        VaultAccess::Policies => Refused::forbidden(
            "ForbiddenByPolicy",
            format!(
                "The user, group or application '{caller}' does not have secrets {operation} \
                 permission on key vault '{};location=westeurope'. For help resolving this \
                 issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                vault.name
            ),
        ),
        VaultAccess::Roles => {
            let action = match operation {
                "get" => "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                _ => "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            };
            Refused::forbidden(
                "ForbiddenByRbac",
                format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role \
                     assignments, deny assignments or role definitions were changed recently, \
                     please observe propagation time.\r\nCaller: {caller}\r\nAction: '{action}'\r\n\
                     Resource: '{}{below}'\r\nAssignment: (not found)\r\n\
                     DenyAssignmentId: null\r\nDecisionReason: null \r\n\
                     Vault: {};location=westeurope\r\n",
                    vault.name, vault.name
                ),
            )
        }
    }
}

fn found<'a>(
    vault: &'a Vault,
    name: &str,
    version: Option<&str>,
) -> Result<&'a VaultSecret, Refused> {
    let plain = |text: &str| {
        (1..=127).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !plain(name) {
        return Err(Refused::bad_parameter(format!(
            "The request URI contains an invalid name: {name}"
        )));
    }
    let secret = vault
        .secrets
        .iter()
        .rfind(|secret| {
            secret.name.eq_ignore_ascii_case(name)
                && version.is_none_or(|version| secret.version.eq_ignore_ascii_case(version))
        })
        .ok_or_else(|| {
            let id = match version {
                Some(version) => format!("{name}/{version}"),
                None => name.to_owned(),
            };
            Refused::new(
                StatusCode::NOT_FOUND,
                "SecretNotFound",
                format!(
                    "A secret with (name/id) {id} was not found in this key vault. If you \
                     recently deleted this secret you may be able to recover it using the correct \
                     recovery command. For help resolving this issue, please see \
                     https://go.microsoft.com/fwlink/?linkid=2125182"
                ),
            )
        })?;
    if !secret.enabled {
        return Err(Refused::forbidden(
            "SecretDisabled",
            "Operation get is not allowed on a disabled secret.",
        ));
    }
    Ok(secret)
}

/// The secret as it goes out; one outside its dates is handed out too, as the service does.
///
/// Source: <https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>
fn bundle(asked: &Asked, vault: &Vault, secret: &VaultSecret) -> Value {
    let below = match asked.place {
        Place::Host(_) => String::new(),
        Place::Direct(_) => format!("/vaults/{}", vault.name),
    };
    let mut attributes = Map::new();
    attributes.insert("enabled".to_owned(), json!(secret.enabled));
    for (name, time) in [
        ("nbf", secret.not_before),
        ("exp", secret.expires),
        ("created", Some(secret.created)),
        ("updated", Some(secret.created)),
    ] {
        if let Some(time) = time {
            attributes.insert(name.to_owned(), json!(ticks::unix_seconds(time)));
        }
    }
    attributes.insert("recoveryLevel".to_owned(), json!("Recoverable+Purgeable"));
    attributes.insert("recoverableDays".to_owned(), json!(90));
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(secret.value.expose_secret()));
    if let Some(content_type) = &secret.content_type {
        body.insert("contentType".to_owned(), json!(content_type));
    }
    body.insert(
        "id".to_owned(),
        json!(format!(
            "{}{below}/secrets/{}/{}",
            asked.origin, secret.name, secret.version
        )),
    );
    body.insert("attributes".to_owned(), Value::Object(attributes));
    Value::Object(body)
}

/// What a vault says when it is not well or asked too often.
pub(crate) fn outage(asked: &Asked, status: StatusCode) -> Response<Bytes> {
    let (code, message) = match status.as_u16() {
        429 => (
            "Throttled",
            "Request was not processed because too many requests were received. Reason: \
             VaultRequestTypeLimitReached",
        ),
        401 => (
            "Unauthorized",
            "AKV10000: Request is missing a Bearer or PoP token.",
        ),
        403 => ("Forbidden", "The request was refused by request."),
        503 => (
            "ServiceUnavailable",
            "The service is temporarily unavailable.",
        ),
        500..=599 => ("InternalServerError", "An internal error has occurred."),
        _ => ("BadParameter", "The request was refused by request."),
    };
    Refused::new(status, code, message).response(asked)
}

/// Adds the headers that every answer of a vault has.
fn dressed(mut response: Response<Bytes>, asked: &Asked) -> Response<Bytes> {
    reply::set(&mut response, "cache-control", "no-cache");
    reply::set(&mut response, "x-ms-keyvault-region", "westeurope");
    reply::set(&mut response, "x-ms-request-id", &asked.id);
    if let Some(sent) = asked.header("x-ms-client-request-id") {
        reply::set(&mut response, "x-ms-client-request-id", sent);
    }
    response
}
