//! The authorization code grant: a code from the browser, redeemed once.

use openssl::memcmp;
use openssl::sha::sha256;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::directory::is_shared;
use super::grant::{Granted, TokenRequest};
use super::proof;
use super::redirect::registered;
use super::refusal::Refusal;
use super::scope::Scope;
use super::state::Code;
use super::user_token::user_token;
use super::wish::ChallengeMethod;
use crate::registration::Platform;

/// Checks the code, its client, its address and its verifier, and gives tokens.
///
/// A code is used up by the tokens that it leads to, not by an attempt.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    let sent = request.required("code")?;
    let redirect_uri = request.required("redirect_uri")?;
    let application = request.application()?;
    let platform = registered(application, redirect_uri)
        .ok_or_else(|| Refusal::redirect(redirect_uri, application))?
        .platform;
    let proof = match platform {
        Platform::Native => proof::public(request)?,
        Platform::Web => proof::confidential(request, application)?,
    };
    let code = request.directory.state.lock().codes.get(sent).cloned();
    let code = code.ok_or_else(Refusal::grant_malformed)?;
    if code.redeemed {
        return Err(Refusal::code_redeemed());
    }
    let age = request.now().saturating_sub(code.grant.since);
    let lifetime = request.directory.sign_in.code_lifetime.as_secs();
    if age >= i64::try_from(lifetime).unwrap_or(i64::MAX) {
        return Err(Refusal::code_expired());
    }
    if !code
        .grant
        .client_id
        .eq_ignore_ascii_case(&application.client_id)
    {
        return Err(Refusal::code_of_another_client());
    }
    if code.grant.tenant != request.tenant.id || !same_authority(request, &code) {
        return Err(Refusal::code_of_another_tenant());
    }
    if code.redirect_uri != redirect_uri {
        return Err(Refusal::redirect_of_code(redirect_uri, &code.redirect_uri));
    }
    verify(&code, request.field("code_verifier"))?;
    let scope = match request.scope_text() {
        Some(text) => Scope::parse(&text)?,
        // Of several resources that were agreed to, the first is what the code is good for.
        None => Scope {
            others: Vec::new(),
            ..Scope::parse(&code.grant.scope)?
        },
    };
    // Taken before the tokens are made, so that of two redemptions at once one fails.
    if let Some(code) = request.directory.state.lock().codes.get_mut(sent)
        && std::mem::replace(&mut code.redeemed, true)
    {
        return Err(Refusal::code_redeemed());
    }
    let granted = user_token(request, application, code.grant, &scope, proof);
    if granted.is_err()
        && let Some(code) = request.directory.state.lock().codes.get_mut(sent)
    {
        code.redeemed = false;
    }
    granted
}

/// Whether the code comes back to the kind of authority that gave it; a tenant has several names.
fn same_authority(request: &TokenRequest<'_>, code: &Code) -> bool {
    code.authority.eq_ignore_ascii_case(&request.authority)
        || !(is_shared(&code.authority) || is_shared(&request.authority))
}

/// Compares the verifier with the challenge.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc7636#section-4.6>
fn verify(code: &Code, verifier: Option<&str>) -> Result<(), Refusal> {
    let Some((challenge, method)) = &code.challenge else {
        return Ok(());
    };
    let verifier = verifier.ok_or_else(Refusal::verifier)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(plain) {
        return Err(Refusal::verifier());
    }
    let computed = match method {
        ChallengeMethod::S256 => URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())),
        ChallengeMethod::Plain => verifier.to_owned(),
    };
    let same =
        computed.len() == challenge.len() && memcmp::eq(computed.as_bytes(), challenge.as_bytes());
    if same {
        Ok(())
    } else {
        Err(Refusal::verifier())
    }
}
