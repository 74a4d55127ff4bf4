//! The password grant, which few tenants still have a use for.

use openssl::memcmp;
use secrecy::ExposeSecret;

use super::grant::{Granted, TokenRequest};
use super::proof::{self, Proof};
use super::refusal::Refusal;
use super::scope::Scope;
use super::state::Grant;
use super::user_token::user_token;

/// Checks user and password, and gives tokens where no second factor is asked for.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    if ["common", "consumers"].contains(&request.authority.as_str()) {
        return Err(Refusal::shared_endpoint());
    }
    let application = request.application()?;
    let proof = proof::without_redirect(request, application)?;
    let name = request.required("username")?;
    let sent = request.required("password")?;
    let scope_text = request
        .scope_text()
        .ok_or_else(|| Refusal::missing("scope"))?;
    let scope = Scope::parse(&scope_text)?;
    let user = request
        .tenant
        .user(name)
        .ok_or_else(|| Refusal::user_unknown(name, request.tenant))?;
    let right = user.password.as_ref().is_some_and(|password| {
        let password = password.expose_secret();
        password.len() == sent.len() && memcmp::eq(password.as_bytes(), sent.as_bytes())
    });
    if !right {
        return Err(Refusal::password(user));
    }
    let grant = Grant {
        tenant: request.tenant.id.clone(),
        client_id: application.client_id.clone(),
        user: user.id.clone(),
        scope: scope_text,
        nonce: None,
        confidential: proof != Proof::Nothing,
        second_factor: false,
        since: request.now(),
    };
    user_token(request, application, grant, &scope, proof)
}
