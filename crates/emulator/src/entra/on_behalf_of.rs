//! The on-behalf-of grant: an API asks for a token for the user who called it.

use super::grant::{Granted, TokenRequest};
use super::jwt::{Claims, TokenFault};
use super::proof;
use super::refusal::Refusal;
use super::scope::Scope;
use super::state::Grant;
use super::user_token::user_token;
use crate::registration::Application;

/// Checks the API's proof and the token that it was called with, and gives one for the next API.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    let application = request.application()?;
    let sent = request.required("assertion")?;
    let usage = request.required("requested_token_use")?;
    if usage != "on_behalf_of" {
        return Err(Refusal::parameter("requested_token_use"));
    }
    let scope_text = request
        .scope_text()
        .ok_or_else(|| Refusal::missing("scope"))?;
    let scope = Scope::parse(&scope_text)?;
    let proof = proof::confidential(request, application)?;
    let claims = checked(request, application, sent)?;
    let grant = Grant {
        tenant: request.tenant.id.clone(),
        client_id: application.client_id.clone(),
        user: claims.oid,
        scope: scope_text,
        nonce: None,
        confidential: true,
        second_factor: claims.amr.iter().any(|method| method == "mfa"),
        since: request.now(),
    };
    user_token(request, application, grant, &scope, proof)
}

/// What the token says, if this tenant's authority gave it for a user of this application.
fn checked(
    request: &TokenRequest<'_>,
    application: &Application,
    token: &str,
) -> Result<Claims, Refusal> {
    let cloud = request.tenant.cloud;
    let claims = request
        .directory
        .verified(token, Some(cloud))
        .map_err(|fault| match fault {
            TokenFault::Malformed => Refusal::token_malformed(),
            TokenFault::Signature => Refusal::token_signature(),
        })?;
    if claims.tid != request.tenant.id || !request.directory.issued(&claims, Some(cloud)) {
        return Err(Refusal::token_signature());
    }
    let names = [
        application.client_id.clone(),
        format!("api://{}", application.client_id),
    ];
    if !names
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&claims.aud))
    {
        return Err(Refusal::token_audience(application, &claims.aud));
    }
    let now = request.now();
    if now < claims.nbf || now >= claims.exp {
        return Err(Refusal::token_expired());
    }
    // There is nobody on whose behalf it could be.
    if claims.idtyp != "user" {
        return Err(Refusal::token_without_user(application));
    }
    Ok(claims)
}
