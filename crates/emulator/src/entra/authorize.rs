//! The authorization endpoint: who signs in, whether they agree, and the way back.

use std::collections::HashMap;

use bytes::Bytes;
use http::Response;

use super::directory::{Directory, Version};
use super::form::{SESSION, cookie, form, parameters};
use super::page;
use super::permissions::check_scope;
use super::redirect::{ResponseMode, registered};
use super::refusal::Refusal;
use super::resource::{resource, resource_name};
use super::scope::Scope;
use super::state::{Code, Grant, opaque};
use super::user_token::{client_info, consent};
use super::wish::{Back, ChallengeMethod, Wish};
use crate::options::Tenant;
use crate::registration::{Application, Platform, SignInPolicy, User};
use crate::reply;
use crate::request::Asked;
use crate::sign_in::Browser;

impl Directory {
    /// `/{tenant}/oauth2/v2.0/authorize`.
    ///
    /// What is wrong with the tenant, the application or the redirect address is said on a page,
    /// since there is nowhere to send the browser; everything else goes back to the application.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
    pub(super) fn authorize(
        &self,
        asked: &Asked,
        authority: &str,
        version: Version,
    ) -> Response<Bytes> {
        let sent = parameters(asked);
        let (tenant, application, back) = match self.way_back(asked, authority, &sent) {
            Ok(found) => found,
            Err(refusal) => return refusal.page(&self.site, asked),
        };
        let wish = wish(asked, authority, version, tenant, application, &back, &sent);
        match wish {
            Ok(wish) => self.decide(asked, tenant, application, wish),
            Err(refusal) => back.refused(&refusal, &self.site, asked),
        }
    }

    /// The tenant, the application and a redirect address that it has registered.
    fn way_back(
        &self,
        asked: &Asked,
        authority: &str,
        sent: &HashMap<String, String>,
    ) -> Result<(&Tenant, &Application, Back), Refusal> {
        let tenant = self.home(authority, asked.place, sent)?;
        let client_id = sent
            .get("client_id")
            .ok_or_else(|| Refusal::missing("client_id"))?;
        let application = tenant
            .application(client_id)
            .ok_or_else(|| Refusal::application_not_found(client_id, tenant))?;
        let redirect_uri = sent
            .get("redirect_uri")
            .ok_or_else(Refusal::redirect_missing)?;
        let known = registered(application, redirect_uri)
            .ok_or_else(|| Refusal::redirect(redirect_uri, application))?;
        let back = Back {
            redirect_uri: redirect_uri.clone(),
            platform: known.platform,
            mode: ResponseMode::named(sent.get("response_mode").map(String::as_str))
                .unwrap_or(ResponseMode::Query),
            state: sent.get("state").cloned(),
        };
        Ok((tenant, application, back))
    }

    /// Lets the user that the options describe have their say.
    fn decide(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        application: &Application,
        wish: Wish,
    ) -> Response<Bytes> {
        let session = self.session(asked, tenant);
        match (wish.prompt.as_deref(), self.sign_in.browser) {
            (Some("none"), _) => {
                let silent = self.silent(asked, tenant, application, &wish, session);
                match silent {
                    Ok(user) => self.complete(asked, tenant, application, &wish, user),
                    Err(refusal) => wish.back.refused(&refusal, &self.site, asked),
                }
            }
            (_, Browser::Deny) => wish
                .back
                .refused(&Refusal::consent_denied(), &self.site, asked),
            (_, Browser::Page) => {
                let context = opaque(&self.site, "");
                let hint = wish.hint.clone();
                let question = format!(
                    "{} wants to sign you in to {} and to use: {}",
                    application.name, tenant.name, wish.scope
                );
                let action = format!("/{}/login", wish.authority);
                self.state.lock().pending.insert(context.clone(), wish);
                let users: Vec<&User> = tenant.users.iter().collect();
                page::choose(
                    "Pick an account",
                    &question,
                    &action,
                    &context,
                    &users,
                    hint.as_deref(),
                )
            }
            (prompt, Browser::Approve) => {
                let session =
                    session.filter(|_| !matches!(prompt, Some("login" | "select_account")));
                let name = self.sign_in.account.as_ref().or(wish.hint.as_ref());
                let user = match (name, session) {
                    (Some(name), _) => self.user(tenant, application, name),
                    (None, Some(user)) => Ok(user),
                    (None, None) => tenant
                        .users
                        .first()
                        .ok_or_else(|| Refusal::user_unknown("of the first sign-in", tenant)),
                };
                match user {
                    Ok(user) => self.complete(asked, tenant, application, &wish, user),
                    Err(refusal) => refusal.page(&self.site, asked),
                }
            }
        }
    }

    /// The user who needs no page.
    fn silent<'a>(
        &self,
        asked: &Asked,
        tenant: &'a Tenant,
        application: &Application,
        wish: &Wish,
        session: Option<&'a User>,
    ) -> Result<&'a User, Refusal> {
        let user = session.ok_or_else(Refusal::session_missing)?;
        let hinted = wish
            .hint
            .as_ref()
            .is_none_or(|hint| hint.eq_ignore_ascii_case(&user.name));
        if !hinted {
            return Err(Refusal::session_missing());
        }
        if let Some(refusal) = Refusal::policy(self.policy(user), true) {
            return Err(refusal.under("interaction_required"));
        }
        if self.lacks_consent(asked, tenant, application, &wish.scope)? {
            return Err(Refusal::consent_missing(application).under("interaction_required"));
        }
        Ok(user)
    }

    /// What the page at `/{tenant}/login` posts.
    pub(super) fn login(&self, asked: &Asked) -> Response<Bytes> {
        let sent = form(asked);
        let context = sent.get("ctx").map(String::as_str).unwrap_or_default();
        // A page is answered once.
        let Some(wish) = self.state.lock().pending.remove(context) else {
            return Refusal::parameter("ctx").page(&self.site, asked);
        };
        if sent.get("decision").map(String::as_str) != Some("approve") {
            return wish
                .back
                .refused(&Refusal::consent_denied(), &self.site, asked);
        }
        let found = self
            .tenants
            .iter()
            .find(|tenant| tenant.id == wish.tenant)
            .ok_or_else(|| Refusal::tenant_not_found(&wish.tenant))
            .and_then(|tenant| {
                let application = tenant
                    .application(&wish.client_id)
                    .ok_or_else(|| Refusal::application_not_found(&wish.client_id, tenant))?;
                let account = sent.get("account").map(String::as_str).unwrap_or_default();
                Ok((
                    tenant,
                    application,
                    self.user(tenant, application, account)?,
                ))
            });
        match found {
            Ok((tenant, application, user)) => {
                self.complete(asked, tenant, application, &wish, user)
            }
            Err(refusal) => refusal.page(&self.site, asked),
        }
    }

    /// Consent and policies, then the code.
    fn complete(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        application: &Application,
        wish: &Wish,
        user: &User,
    ) -> Response<Bytes> {
        let policy = self.policy(user);
        if let Some(refusal) = Refusal::policy(policy, true) {
            return refusal.page(&self.site, asked);
        }
        if let Err(refusal) = self.agree(asked, tenant, application, &wish.scope, user) {
            return wish.back.refused(&refusal, &self.site, asked);
        }
        let code = opaque(&self.site, "1.A");
        let session = opaque(&self.site, "");
        let since = self.site.unix_seconds();
        {
            let mut memory = self.state.lock();
            memory.codes.insert(
                code.clone(),
                Code {
                    grant: Grant {
                        tenant: tenant.id.clone(),
                        client_id: application.client_id.clone(),
                        user: user.id.clone(),
                        scope: wish.scope.clone(),
                        nonce: wish.nonce.clone(),
                        confidential: wish.back.platform == Platform::Web,
                        second_factor: policy != SignInPolicy::Allowed,
                        since,
                    },
                    redirect_uri: wish.back.redirect_uri.clone(),
                    challenge: wish.challenge.clone(),
                    authority: wish.authority.clone(),
                    redeemed: false,
                },
            );
            memory
                .sessions
                .insert(session.clone(), (tenant.id.clone(), user.id.clone()));
        }
        let mut parameters = vec![("code", code)];
        if wish.client_info {
            parameters.push(("client_info", client_info(tenant, user)));
        }
        parameters.push(("session_state", self.site.identifier()));
        let mut response = wish.back.with(parameters);
        let cookie = format!("{SESSION}={session}; path=/; HttpOnly; SameSite=None");
        reply::set(&mut response, "set-cookie", &cookie);
        response
    }

    /// Whether something that `scope` asks for was not consented to.
    fn lacks_consent(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        application: &Application,
        scope: &str,
    ) -> Result<bool, Refusal> {
        for part in parts(Scope::parse(scope)?) {
            let resource = resource(asked, tenant, &resource_name(tenant, &part))?;
            if self.missing(tenant, application, &resource, &part) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Consents where it is missing and the user may.
    pub(super) fn agree(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        application: &Application,
        scope: &str,
        user: &User,
    ) -> Result<(), Refusal> {
        if !self.lacks_consent(asked, tenant, application, scope)? {
            return Ok(());
        }
        if !user.administrator {
            return Err(Refusal::administrator_needed(application));
        }
        self.grant_consent(asked, tenant, application, scope)
    }

    /// Notes consent to everything that `scope` names.
    pub(super) fn grant_consent(
        &self,
        asked: &Asked,
        tenant: &Tenant,
        application: &Application,
        scope: &str,
    ) -> Result<(), Refusal> {
        for part in parts(Scope::parse(scope)?) {
            let resource = resource(asked, tenant, &resource_name(tenant, &part))?;
            let (tenant_id, client_id) = consent(tenant, application);
            let mut memory = self.state.lock();
            for permission in part.permissions.iter().filter(|name| *name != ".default") {
                for api in &resource.apis {
                    memory.scopes.insert((
                        tenant_id.clone(),
                        client_id.clone(),
                        *api,
                        permission.clone(),
                    ));
                }
            }
            memory.consents.insert((tenant_id, client_id));
        }
        Ok(())
    }

    /// The user of this name in `tenant`.
    pub(super) fn user<'a>(
        &self,
        tenant: &'a Tenant,
        application: &Application,
        name: &str,
    ) -> Result<&'a User, Refusal> {
        tenant
            .user(name)
            .ok_or_else(|| match self.user_by_name(name) {
                Some(_) => Refusal::user_foreign(name, tenant, application),
                None => Refusal::user_unknown(name, tenant),
            })
    }

    /// Who is signed in to `tenant` in this browser.
    fn session<'a>(&self, asked: &Asked, tenant: &'a Tenant) -> Option<&'a User> {
        let session = cookie(asked)?;
        let (of, user) = self.state.lock().sessions.get(session).cloned()?;
        if of != tenant.id {
            return None;
        }
        tenant.users.iter().find(|candidate| candidate.id == user)
    }
}

/// The parts of a scope, one for each resource.
fn parts(mut scope: Scope) -> Vec<Scope> {
    let others = std::mem::take(&mut scope.others);
    std::iter::once(scope).chain(others).collect()
}

/// Reads what is wanted.
fn wish(
    asked: &Asked,
    authority: &str,
    version: Version,
    tenant: &Tenant,
    application: &Application,
    back: &Back,
    sent: &HashMap<String, String>,
) -> Result<Wish, Refusal> {
    let field = |name: &str| sent.get(name).map(String::as_str);
    let required = |name: &'static str| field(name).ok_or_else(|| Refusal::missing(name));
    if ResponseMode::named(field("response_mode")).is_none() {
        return Err(Refusal::response_mode(
            field("response_mode").unwrap_or_default(),
        ));
    }
    let response_type = required("response_type")?;
    if response_type != "code" {
        return Err(Refusal::response_type(response_type));
    }
    let scope = match version {
        Version::Two => required("scope")?.to_owned(),
        Version::One => Scope::of_resource(required("resource")?),
    };
    check_scope(asked, tenant, application, &Scope::parse(&scope)?)?;
    let prompt = field("prompt").map(str::to_owned);
    if prompt
        .as_deref()
        .is_some_and(|prompt| !["login", "none", "consent", "select_account"].contains(&prompt))
    {
        return Err(Refusal::parameter("prompt"));
    }
    Ok(Wish {
        tenant: tenant.id.clone(),
        authority: authority.to_owned(),
        client_id: application.client_id.clone(),
        back: back.clone(),
        scope,
        nonce: field("nonce").map(str::to_owned),
        challenge: challenge(field("code_challenge"), field("code_challenge_method"))?,
        hint: field("login_hint").map(str::to_owned),
        prompt,
        client_info: field("client_info") == Some("1"),
    })
}

/// The code challenge; without a method it is the verifier itself.
fn challenge(
    challenge: Option<&str>,
    method: Option<&str>,
) -> Result<Option<(String, ChallengeMethod)>, Refusal> {
    let method = match method {
        None | Some("plain") => ChallengeMethod::Plain,
        Some("S256") => ChallengeMethod::S256,
        Some(_) => return Err(Refusal::challenge_method()),
    };
    let Some(challenge) = challenge else {
        return match method {
            ChallengeMethod::Plain => Ok(None),
            ChallengeMethod::S256 => Err(Refusal::challenge_size()),
        };
    };
    // A digest of SHA-256 has 43 letters, and a verifier at least as many.
    let fits = match method {
        ChallengeMethod::S256 => challenge.len() == 43,
        ChallengeMethod::Plain => (43..=128).contains(&challenge.len()),
    };
    if fits {
        Ok(Some((challenge.to_owned(), method)))
    } else {
        Err(Refusal::challenge_size())
    }
}
