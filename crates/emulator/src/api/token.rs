//! Whether a bearer token opens an API.

use http::StatusCode;

use super::refused::Refused;
use crate::entra::{Claims, Directory, TokenFault};
use crate::hosts::{Api, HOSTS};
use crate::request::{Asked, Place};

/// Checks what [`authenticate`] checks, then the permission; any of `roles` or, where a user takes
/// part, of `scopes` will do.
pub(crate) fn authorize(
    directory: &Directory,
    api: Api,
    asked: &Asked,
    roles: &'static [&'static str],
    scopes: &'static [&'static str],
) -> Result<Claims, Refused> {
    let claims = authenticate(directory, api, asked)?;
    permitted(roles, scopes, &claims)?;
    Ok(claims)
}

/// Checks a token's signature, audience, tenant and lifetime, in this order.
pub(crate) fn authenticate(
    directory: &Directory,
    api: Api,
    asked: &Asked,
) -> Result<Claims, Refused> {
    let token = asked
        .bearer()
        .ok_or_else(|| unauthorized(api, "Access token is empty."))?;
    let cloud = asked.place.cloud();
    let claims = directory
        .verified(token, cloud)
        .map_err(|fault| match fault {
            TokenFault::Malformed => unauthorized(api, "CompactToken parsing failed."),
            TokenFault::Signature => unauthorized(
                api,
                "Access token validation failure. Invalid signature or issuer.",
            ),
        })?;
    if !audience_fits(api, asked, &claims.aud) {
        return Err(unauthorized(
            api,
            "Access token validation failure. Invalid audience.",
        ));
    }
    if !directory.issued(&claims, cloud) {
        return Err(unauthorized(
            api,
            "Access token validation failure. Invalid signature or issuer.",
        ));
    }
    let now = directory.site.unix_seconds();
    if now < claims.nbf || now >= claims.exp {
        return Err(unauthorized(
            api,
            "Access token has expired or is not yet valid.",
        ));
    }
    Ok(claims)
}

/// Whether the role or, where a user takes part, the scope is there.
fn permitted(roles: &[&str], scopes: &[&str], claims: &Claims) -> Result<(), Refused> {
    let forbidden = |message| Refused::new(StatusCode::FORBIDDEN, "Forbidden", message);
    if claims.idtyp == "user" {
        let mut granted = claims.scp.split_whitespace();
        if granted.any(|scope| scopes.contains(&scope)) {
            return Ok(());
        }
        return Err(forbidden(format!(
            "Missing scopes. API required scopes: {}, user scopes: {}.",
            scopes.join(","),
            claims.scp.replace(' ', ",")
        )));
    }
    if claims
        .roles
        .iter()
        .any(|role| roles.contains(&role.as_str()))
    {
        return Ok(());
    }
    Err(forbidden(format!(
        "Missing application roles. API required roles: {}, application roles: {}.",
        roles.join(","),
        claims.roles.join(",")
    )))
}

fn unauthorized(api: Api, message: &str) -> Refused {
    let code = match api {
        Api::Graph => "InvalidAuthenticationToken",
        Api::Mde | Api::M365d => "Unauthorized",
    };
    Refused::new(StatusCode::UNAUTHORIZED, code, message)
}

fn audience_fits(api: Api, asked: &Asked, audience: &str) -> bool {
    match asked.place {
        // An authority tells who a user is to whoever shows a token for Graph.
        Place::Host(host) if host.login => HOSTS
            .iter()
            .filter(|other| other.cloud == host.cloud && other.apis.contains(&api))
            .any(|other| other.takes(api, audience)),
        Place::Host(host) => host.takes(api, audience),
        // One address stands for all hosts of the API there.
        Place::Direct(_) => {
            audience == asked.origin
                || HOSTS
                    .iter()
                    .filter(|host| host.apis.contains(&api))
                    .any(|host| host.takes(api, audience))
        }
    }
}
