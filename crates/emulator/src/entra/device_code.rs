//! Device codes: the endpoint that gives them, the page that takes them, the grant that polls.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::directory::{Directory, Version};
use super::form::{form, parameters};
use super::grant::{Granted, TokenRequest};
use super::page;
use super::permissions::check_scope;
use super::proof::{self, Proof};
use super::refusal::Refusal;
use super::scope::Scope;
use super::state::{Device, DeviceAnswer, Grant, opaque};
use super::user_token::user_token;
use crate::hosts::Cloud;
use crate::registration::{SignInPolicy, User};
use crate::reply;
use crate::request::{Asked, Place};
use crate::sign_in::DeviceOutcome;
use crate::site::Site;

/// The letters of a user code; those that look like others are left out.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

impl Directory {
    /// `/{tenant}/oauth2/v2.0/devicecode`.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>
    pub(super) fn device_code(
        &self,
        asked: &Asked,
        authority: &str,
        version: Version,
    ) -> Response<Bytes> {
        match self.new_device(asked, authority, version) {
            Ok(response) => response,
            Err(refusal) => refusal.response(&self.site, asked),
        }
    }

    fn new_device(
        &self,
        asked: &Asked,
        authority: &str,
        version: Version,
    ) -> Result<Response<Bytes>, Refusal> {
        // Version 1 takes its parameters from the query too.
        let mut sent = form(asked);
        if version == Version::One {
            sent.extend(
                url::form_urlencoded::parse(asked.uri.query().unwrap_or_default().as_bytes())
                    .into_owned(),
            );
        }
        let tenant = self.home(authority, asked.place, &sent)?;
        let required = |name: &str| sent.get(name).ok_or_else(|| Refusal::missing(name));
        let client_id = required("client_id")?;
        let application = tenant
            .application(client_id)
            .ok_or_else(|| Refusal::application_not_found(client_id, tenant))?;
        let scope = match version {
            Version::Two => required("scope")?.clone(),
            Version::One => Scope::of_resource(required("resource")?),
        };
        check_scope(asked, tenant, application, &Scope::parse(&scope)?)?;
        let device_code = opaque(&self.site, "");
        let user_code = user_code(&self.site);
        let script = &self.sign_in.device;
        let seconds =
            |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let interval = seconds(script.interval);
        self.state.lock().devices.insert(
            device_code.clone(),
            Device {
                user_code: user_code.clone(),
                tenant: tenant.id.clone(),
                client_id: application.client_id.clone(),
                scope,
                answer: DeviceAnswer::Open,
                begun: self.site.unix_seconds(),
                polls: 0,
                last_poll: None,
                interval,
                redeemed: false,
            },
        );
        let page = match asked.place {
            Place::Direct(_) => format!("{}/devicelogin", asked.origin),
            Place::Host(host) => match host.cloud {
                Cloud::Global => "https://microsoft.com/devicelogin".to_owned(),
                Cloud::UsGovernment => "https://microsoft.com/deviceloginus".to_owned(),
                Cloud::China => "https://microsoft.com/deviceloginchina".to_owned(),
            },
        };
        let message = format!(
            "To sign in, use a web browser to open the page {page} and enter the code \
             {user_code} to authenticate."
        );
        let lifetime = seconds(script.lifetime);
        let body = match version {
            Version::Two => json!({
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri": page,
                "expires_in": lifetime,
                "interval": interval,
                "message": message,
            }),
            Version::One => json!({
                "user_code": user_code,
                "device_code": device_code,
                "verification_url": page,
                "expires_in": lifetime.to_string(),
                "interval": interval.to_string(),
                "message": message,
            }),
        };
        let mut response = reply::json(StatusCode::OK, &body);
        reply::set(&mut response, "cache-control", "no-store, no-cache");
        Ok(response)
    }

    /// `/devicelogin`: takes the code, then the user's answer.
    pub(super) fn device_login(&self, asked: &Asked) -> Response<Bytes> {
        let sent = parameters(asked);
        let code = sent
            .get("otc")
            .or_else(|| sent.get("ctx"))
            .map(|code| code.trim().to_uppercase());
        let Some(code) = code.filter(|_| asked.method == Method::POST) else {
            return page::page(
                StatusCode::OK,
                "Enter code to allow access",
                "<form method=\"post\" action=\"/devicelogin\">\
                 <p><label>Code <input name=\"otc\" autocomplete=\"off\" autofocus></label></p>\
                 <p><button>Next</button></p></form>",
            );
        };
        let found = self.state.lock().device(&code).map(|device| {
            (
                device.tenant.clone(),
                device.client_id.clone(),
                device.scope.clone(),
                device.answer.clone(),
            )
        });
        let unknown = || Refusal::device_unknown().page(&self.site, asked);
        let Some((tenant, client_id, scope, DeviceAnswer::Open)) = found else {
            return unknown();
        };
        let tenant = self.tenants.iter().find(|known| known.id == tenant);
        let Some((tenant, application)) =
            tenant.and_then(|tenant| Some((tenant, tenant.application(&client_id)?)))
        else {
            return unknown();
        };
        let Some(decision) = sent.get("decision") else {
            let question = format!(
                "{} wants to sign you in to {} on another device, and to use: {scope}",
                application.name, tenant.name
            );
            let users: Vec<&User> = tenant.users.iter().collect();
            return page::choose(
                "Pick an account",
                &question,
                "/devicelogin",
                &code,
                &users,
                None,
            );
        };
        let account = sent.get("account").map(String::as_str).unwrap_or_default();
        let answer = if decision == "approve" {
            let user =
                self.user(tenant, application, account).and_then(|user| {
                    match Refusal::policy(self.policy(user), true) {
                        Some(refusal) => Err(refusal),
                        None => self
                            .agree(asked, tenant, application, &scope, user)
                            .map(|()| user),
                    }
                });
            match user {
                Ok(user) => DeviceAnswer::Approved(user.id.clone()),
                Err(refusal) => return refusal.page(&self.site, asked),
            }
        } else {
            DeviceAnswer::Declined
        };
        let text = match answer {
            DeviceAnswer::Declined => "The sign-in was cancelled.",
            _ => "You have signed in on your device.",
        };
        if let Some(device) = self.state.lock().device(&code) {
            device.answer = answer;
        }
        page::page(
            StatusCode::OK,
            text,
            "<p>You may now close this window.</p>",
        )
    }

    /// Answers a user code for the user of this name, or declines it; whether there was one.
    pub(crate) fn answer_device(&self, user_code: &str, user: Option<&str>) -> bool {
        let answer = match user {
            None => DeviceAnswer::Declined,
            Some(name) => match self.user_by_name(name) {
                Some(user) => DeviceAnswer::Approved(user.id.clone()),
                None => return false,
            },
        };
        match self.state.lock().device(user_code) {
            Some(device) => {
                device.answer = answer;
                true
            }
            None => false,
        }
    }
}

fn user_code(site: &Site) -> String {
    site.identifier()
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .collect::<Vec<u8>>()
        .chunks(3)
        .map(|digits| {
            let number = digits
                .iter()
                .fold(0_usize, |sum, digit| sum * 31 + usize::from(*digit));
            char::from(LETTERS[number % LETTERS.len()])
        })
        .take(9)
        .collect()
}

/// One poll: still pending, too soon, declined, too late, or tokens.
pub(super) fn grant(request: &TokenRequest<'_>) -> Result<Granted, Refusal> {
    let sent = match request.field("code") {
        // Version 1 calls it so.
        Some(code) => code,
        None => request.required("device_code")?,
    };
    let application = request.application()?;
    let proof = proof::without_redirect(request, application)?;
    let now = request.now();
    let script = &request.directory.sign_in.device;
    let (device, since) = {
        let mut memory = request.directory.state.lock();
        let device = memory
            .devices
            .get_mut(sent)
            .filter(|device| {
                device
                    .client_id
                    .eq_ignore_ascii_case(&application.client_id)
            })
            .ok_or_else(Refusal::device_unknown)?;
        device.polls = device.polls.saturating_add(1);
        let since = device.last_poll.replace(now).map(|last| now - last);
        (device.clone(), since)
    };
    if device.redeemed {
        return Err(Refusal::code_redeemed());
    }
    let lifetime = i64::try_from(script.lifetime.as_secs()).unwrap_or(i64::MAX);
    if now.saturating_sub(device.begun) >= lifetime {
        return Err(Refusal::device_expired());
    }
    let hasty = script.paced && since.is_some_and(|since| since < device.interval);
    if hasty || script.slow_down.contains(&device.polls) {
        if let Some(device) = request.directory.state.lock().devices.get_mut(sent) {
            // As the standard has it; the documentation says nothing of it.
            device.interval = device.interval.saturating_add(5);
        }
        return Err(Refusal::device_slow_down());
    }
    let slowed = u32::try_from(script.slow_down.len()).unwrap_or(u32::MAX);
    let due = device.polls > script.pending.saturating_add(slowed.min(device.polls - 1));
    let user = match (&device.answer, script.outcome) {
        (DeviceAnswer::Declined, _) => return Err(Refusal::device_declined()),
        (DeviceAnswer::Approved(user), _) => user.clone(),
        (DeviceAnswer::Open, DeviceOutcome::Decline) if due => {
            return Err(Refusal::device_declined());
        }
        (DeviceAnswer::Open, DeviceOutcome::Approve) if due => scripted(request, &device)?,
        (DeviceAnswer::Open, _) => return Err(Refusal::device_pending()),
    };
    let policy = request
        .directory
        .user_by_id(&user)
        .map_or(SignInPolicy::Allowed, |user| request.directory.policy(user));
    let grant = Grant {
        tenant: device.tenant,
        client_id: device.client_id,
        user,
        scope: device.scope.clone(),
        nonce: None,
        confidential: proof != Proof::Nothing,
        second_factor: policy != SignInPolicy::Allowed,
        since: now,
    };
    let scope = Scope {
        others: Vec::new(),
        ..Scope::parse(&device.scope)?
    };
    let granted = user_token(request, application, grant, &scope, proof)?;
    if let Some(device) = request.directory.state.lock().devices.get_mut(sent) {
        device.redeemed = true;
    }
    Ok(granted)
}

/// The user who enters the code by the script, and consents where that is needed.
fn scripted(request: &TokenRequest<'_>, device: &Device) -> Result<String, Refusal> {
    let tenant = request.tenant;
    let application = request.application()?;
    let user = match &request.directory.sign_in.account {
        Some(name) => request.directory.user(tenant, application, name)?,
        None => tenant
            .users
            .first()
            .ok_or_else(|| Refusal::user_unknown("of the first sign-in", tenant))?,
    };
    request
        .directory
        .agree(request.asked, tenant, application, &device.scope, user)?;
    Ok(user.id.clone())
}
