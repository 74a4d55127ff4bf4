//! The refresh token grant: a new token, and a new refresh token with it.

use super::grant::{Granted, TokenRequest};
use super::proof;
use super::refusal::Refusal;
use super::scope::Scope;
use super::user_token::user_token;
use crate::ticks;

/// Checks the token and its client, and gives tokens for what was consented to.
///
/// The service does not revoke the old token when it gives a new one.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    let sent = request.required("refresh_token")?;
    let application = request.application()?;
    let known = request.directory.state.lock().refresh.get(sent).cloned();
    let known = known.ok_or_else(Refusal::grant_malformed)?;
    let grant = known.grant;
    if !grant.client_id.eq_ignore_ascii_case(&application.client_id) {
        return Err(Refusal::code_of_another_client());
    }
    let proof = if grant.confidential {
        proof::confidential(request, application)?
    } else {
        proof::public(request)?
    };
    let sign_in = &request.directory.sign_in;
    let age = request.now().saturating_sub(grant.since);
    if age >= i64::try_from(sign_in.refresh_lifetime.as_secs()).unwrap_or(i64::MAX) {
        let mut issued = Vec::new();
        ticks::write_datetime(&mut issued, ticks::from_unix_seconds(grant.since));
        return Err(Refusal::refresh_expired(&String::from_utf8_lossy(&issued)));
    }
    if known.revoked {
        return Err(Refusal::revoked());
    }
    if known.replaced && !sign_in.refresh_tokens_reusable {
        return Err(Refusal::refresh_replaced());
    }
    if grant.tenant != request.tenant.id {
        let name = request
            .directory
            .user_by_id(&grant.user)
            .map_or(grant.user.as_str(), |user| user.name.as_str());
        return Err(Refusal::user_foreign(name, request.tenant, application));
    }
    let mut scope = match request.scope_text() {
        Some(text) => Scope::parse(&text)?,
        None => Scope {
            others: Vec::new(),
            ..Scope::parse(&grant.scope)?
        },
    };
    // Whoever has a refresh token gets the next one, asked for or not.
    if !scope.asks("offline_access") {
        scope.openid.push("offline_access");
    }
    let granted = user_token(request, application, grant, &scope, proof)?;
    if let Some(known) = request.directory.state.lock().refresh.get_mut(sent) {
        known.replaced = true;
    }
    Ok(granted)
}
