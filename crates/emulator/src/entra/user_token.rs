//! What a user's sign-in is worth: an access token, and an identity and refresh token with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::directory::{Directory, Version};
use super::grant::{Granted, TokenRequest, UserAnswer};
use super::jwt::Claims;
use super::permissions::check_scope;
use super::proof::Proof;
use super::refusal::Refusal;
use super::resource::{Resource, resource_name};
use super::scope::Scope;
use super::state::{Grant, Memory, Refresh, opaque};
use crate::options::Tenant;
use crate::registration::{Application, SignInPolicy, User, derived_guid};

impl Directory {
    /// Whether the tenant has consented to the application.
    pub(super) fn is_consented(&self, tenant: &Tenant, application: &Application) -> bool {
        application.consented
            || self
                .state
                .lock()
                .consents
                .contains(&consent(tenant, application))
    }

    /// The delegated permissions at `resource` that were granted.
    pub(super) fn permissions(
        &self,
        tenant: &Tenant,
        application: &Application,
        resource: &Resource,
    ) -> Vec<String> {
        let mut granted = Vec::new();
        if self.is_consented(tenant, application) {
            if resource.vault {
                granted.push("user_impersonation".to_owned());
            }
            granted.extend(resource.exposed.iter().cloned());
            granted.extend(
                resource
                    .apis
                    .iter()
                    .filter_map(|api| application.scopes.get(api))
                    .flatten()
                    .cloned(),
            );
        }
        let (tenant, client_id) = consent(tenant, application);
        let memory = self.state.lock();
        granted.extend(
            memory
                .scopes
                .iter()
                .filter(|(of, client, api, _)| {
                    *of == tenant && *client == client_id && resource.apis.contains(api)
                })
                .map(|(_, _, _, name)| name.clone()),
        );
        granted
    }

    /// Which of the permissions that `scope` asks for are missing.
    pub(super) fn missing(
        &self,
        tenant: &Tenant,
        application: &Application,
        resource: &Resource,
        scope: &Scope,
    ) -> bool {
        let granted = self.permissions(tenant, application, resource);
        let has = |wanted: &String| granted.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        if scope.is_default() {
            granted.is_empty()
        } else if scope.permissions.is_empty() {
            !self.is_consented(tenant, application)
        } else {
            !scope.permissions.iter().all(has)
        }
    }

    /// What the policies have against the user now.
    pub(super) fn policy(&self, user: &User) -> SignInPolicy {
        self.state
            .lock()
            .policies
            .get(&user.id)
            .copied()
            .unwrap_or(user.policy)
    }
}

/// How a tenant's consent to an application is remembered.
pub(super) fn consent(tenant: &Tenant, application: &Application) -> (String, String) {
    (
        tenant.id.to_lowercase(),
        application.client_id.to_lowercase(),
    )
}

/// A token for `grant`'s user at the resource of `scope`.
pub(super) fn user_token(
    request: &TokenRequest<'_>,
    application: &Application,
    grant: Grant,
    scope: &Scope,
    proof: Proof,
) -> Result<Granted, Refusal> {
    let tenant = request.tenant;
    let user = tenant
        .users
        .iter()
        .find(|user| user.id == grant.user)
        .ok_or_else(Refusal::revoked)?;
    if let Some(refusal) = Refusal::policy(request.directory.policy(user), grant.second_factor) {
        return Err(refusal);
    }
    if !scope.others.is_empty() {
        return Err(Refusal::several_resources(
            request.field("scope").unwrap_or(&grant.scope),
        ));
    }
    check_scope(request.asked, tenant, application, scope)?;
    let resource = request.resource(&resource_name(tenant, scope))?;
    if request
        .directory
        .missing(tenant, application, &resource, scope)
    {
        return Err(Refusal::consent_missing(application));
    }
    let granted = request
        .directory
        .permissions(tenant, application, &resource);
    let openid: Vec<&str> = ["openid", "profile", "email"]
        .into_iter()
        .filter(|name| scope.asks(name))
        .collect();
    let mut scp: Vec<&str> = granted.iter().map(String::as_str).collect();
    if resource.audience == format!("https://{}", tenant.cloud.graph()) {
        scp.extend(&openid);
    }
    scp.sort_unstable();
    scp.dedup();
    let answered = answered(&resource, scope, &granted, &openid);
    let mut issued = request.directory.issue(
        tenant,
        request.version,
        Claims {
            aud: resource.audience,
            amr: methods(&grant),
            app_displayname: application.name.clone(),
            appid: application.client_id.clone(),
            appidacr: proof.class().to_owned(),
            idtyp: "user".to_owned(),
            name: user.display_name.clone(),
            oid: user.id.clone(),
            scp: scp.join(" "),
            sub: pairwise(user, application),
            unique_name: user.name.clone(),
            upn: user.name.clone(),
            ..Claims::default()
        },
    )?;
    let id_token = scope
        .asks("openid")
        .then(|| id_token(request, application, user, &grant, scope))
        .transpose()?;
    let refresh_token = scope
        .asks("offline_access")
        .then(|| remember(request, &mut request.directory.state.lock(), grant));
    issued.user = Some(UserAnswer {
        scope: answered,
        refresh_token,
        id_token,
        client_info: (request.field("client_info") == Some("1")).then(|| client_info(tenant, user)),
    });
    Ok(issued)
}

/// The scopes as the answer lists them: by their full names, unless they were asked for bare.
fn answered(resource: &Resource, scope: &Scope, granted: &[String], openid: &[&str]) -> String {
    let mut words: Vec<String> = openid.iter().map(|name| (*name).to_owned()).collect();
    words.extend(granted.iter().map(|name| match &scope.resource {
        Some(_) => format!("{}/{name}", resource.audience),
        None => name.clone(),
    }));
    if let (true, Some(written)) = (scope.is_default(), &scope.resource) {
        words.push(format!("{written}/.default"));
    }
    words.join(" ")
}

/// What a client calls the account: the user and the tenant.
pub(super) fn client_info(tenant: &Tenant, user: &User) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.id, "utid": tenant.id}).to_string())
}

/// Notes a new refresh token.
fn remember(request: &TokenRequest<'_>, memory: &mut Memory, grant: Grant) -> String {
    let token = opaque(&request.directory.site, "1.A");
    memory.refresh.insert(
        token.clone(),
        Refresh {
            grant: Grant {
                nonce: None,
                since: request.now(),
                ..grant
            },
            replaced: false,
            revoked: false,
        },
    );
    token
}

fn methods(grant: &Grant) -> Vec<String> {
    let mut methods = vec!["pwd".to_owned()];
    if grant.second_factor {
        methods.push("mfa".to_owned());
    }
    methods
}

/// The subject, which differs from application to application.
fn pairwise(user: &User, application: &Application) -> String {
    URL_SAFE_NO_PAD.encode(derived_guid(&["subject", &user.id, &application.client_id]))
}

/// The identity token of version 2, and of version 1 for its endpoints.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>
fn id_token(
    request: &TokenRequest<'_>,
    application: &Application,
    user: &User,
    grant: &Grant,
    scope: &Scope,
) -> Result<String, Refusal> {
    let tenant = request.tenant;
    let now = request.now();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    put("aud", application.client_id.clone().into());
    put("iat", now.into());
    put("nbf", now.into());
    put("exp", now.saturating_add(3600).into());
    put("sub", pairwise(user, application).into());
    put("tid", tenant.id.clone().into());
    put(
        "uti",
        URL_SAFE_NO_PAD
            .encode(&request.directory.site.identifier().as_bytes()[..16])
            .into(),
    );
    if let Some(nonce) = &grant.nonce {
        put("nonce", nonce.clone().into());
    }
    if scope.asks("email") {
        put("email", user.name.clone().into());
    }
    if scope.asks("profile") {
        put("name", user.display_name.clone().into());
        put("oid", user.id.clone().into());
    }
    match request.version {
        Version::Two => {
            put(
                "iss",
                format!("{}/{}/v2.0", request.asked.origin, tenant.id).into(),
            );
            put("ver", "2.0".into());
            if scope.asks("profile") {
                put("preferred_username", user.name.clone().into());
            }
        }
        Version::One => {
            put(
                "iss",
                format!("{}/{}/", tenant.cloud.issuer(), tenant.id).into(),
            );
            put("ver", "1.0".into());
            put("upn", user.name.clone().into());
            put("unique_name", user.name.clone().into());
        }
    }
    request.directory.signed(tenant.cloud, &claims)
}
