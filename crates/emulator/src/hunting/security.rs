//! Whether a bearer token opens a hunting API.

use http::StatusCode;
use http::header::AUTHORIZATION;

use super::answer::Refused;
use crate::entra::{Claims, TokenFault};
use crate::hosts::{Api, HOSTS};
use crate::service::{Asked, Place, Service};
use crate::ticks;

/// The application role that hunting needs.
fn required_role(api: Api) -> &'static str {
    match api {
        Api::Graph => "ThreatHunting.Read.All",
        Api::Mde => "AdvancedQuery.Read.All",
        Api::M365d => "AdvancedHunting.Read.All",
    }
}

/// Checks signature, audience, lifetime and roles, in this order.
pub(super) fn authorize(service: &Service, api: Api, asked: &Asked) -> Result<Claims, Refused> {
    let token = asked
        .header(AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| unauthorized(api, "Access token is empty."))?;
    let cloud = match asked.place {
        Place::Host(host) => Some(host.cloud),
        Place::Direct(_) => None,
    };
    let claims = service
        .directory
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
    let now = ticks::unix_seconds(service.now());
    if now < claims.nbf || now >= claims.exp {
        return Err(unauthorized(
            api,
            "Access token has expired or is not yet valid.",
        ));
    }
    let required = required_role(api);
    if !claims.roles.iter().any(|role| role == required) {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!(
                "Missing application roles. API required roles: {required}, application roles: {}.",
                claims.roles.join(",")
            ),
        ));
    }
    Ok(claims)
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
