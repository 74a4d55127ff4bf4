//! The documents that an authority publishes about itself.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::directory::{Directory, Version};
use super::form::parameters;
use super::jwt::SigningKey;
use super::refusal::Refusal;
use crate::hosts::{Cloud, Host};
use crate::reply;
use crate::request::{Asked, Place};

/// The network, the cache name and the aliases of each authority that is in use.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
const AUTHORITIES: &[(&str, &str, &[&str])] = &[
    (
        "login.microsoftonline.com",
        "login.windows.net",
        &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    ),
    (
        "login.partner.microsoftonline.cn",
        "login.partner.microsoftonline.cn",
        &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    ),
    (
        "login.microsoftonline.us",
        "login.microsoftonline.us",
        &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    ),
];

impl Directory {
    /// `/{tenant}/v2.0/.well-known/openid-configuration` and its version 1 sibling.
    ///
    /// `common`, `organizations` and `consumers` have one too, with a placeholder for the tenant.
    pub(super) fn openid(&self, asked: &Asked, tenant: &str, version: Version) -> Response<Bytes> {
        let shared = ["common", "organizations", "consumers"].contains(&tenant);
        let (id, home) = if shared {
            ("{tenantid}", cloud_of(asked.place))
        } else {
            match self.tenant(tenant, asked.place) {
                Ok(tenant) => (tenant.id.as_str(), tenant.cloud),
                Err(refusal) => return refusal.response(&self.site, asked),
            }
        };
        let path = if shared { tenant } else { id };
        let origin = &asked.origin;
        let graph = home.graph();
        let user_info = match (version, asked.place) {
            (Version::One, _) => format!("{origin}/{path}/openid/userinfo"),
            (Version::Two, Place::Direct(_)) => format!("{origin}/oidc/userinfo"),
            (Version::Two, Place::Host(_)) => format!("https://{graph}/oidc/userinfo"),
        };
        let (prefix, issuer, keys) = match version {
            Version::One => ("", format!("{}/{id}/", home.issuer()), "discovery/keys"),
            Version::Two => (
                "v2.0/",
                format!("{origin}/{id}/v2.0"),
                "discovery/v2.0/keys",
            ),
        };
        reply::json(
            StatusCode::OK,
            &json!({
                "token_endpoint": format!("{origin}/{path}/oauth2/{prefix}token"),
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": format!("{origin}/{path}/{keys}"),
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": issuer,
                "request_uri_parameter_supported": false,
                "userinfo_endpoint": user_info,
                "authorization_endpoint": format!("{origin}/{path}/oauth2/{prefix}authorize"),
                "device_authorization_endpoint": format!("{origin}/{path}/oauth2/{prefix}devicecode"),
                "http_logout_supported": true,
                "frontchannel_logout_supported": true,
                "end_session_endpoint": format!("{origin}/{path}/oauth2/{prefix}logout"),
                "tenant_region_scope": if home == Cloud::UsGovernment { "USGov" } else { "WW" },
                "cloud_instance_name": home.login().strip_prefix("login.").unwrap_or_default(),
                "msgraph_host": graph,
            }),
        )
    }

    /// `/common/userrealm/{user}`: whether the tenant itself looks after the user's password.
    pub(super) fn user_realm(&self, asked: &Asked, user: &str) -> Response<Bytes> {
        let cloud = cloud_of(asked.place);
        let body = match self.user_by_name(user) {
            Some(user) => json!({
                "ver": "1.0",
                "account_type": "Managed",
                "domain_name": user.name.rsplit('@').next(),
                "cloud_instance_name": cloud.login().strip_prefix("login."),
                "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            }),
            None => json!({"ver": "1.0", "account_type": "Unknown"}),
        };
        reply::json(StatusCode::OK, &body)
    }

    /// The public keys that tokens of the authority are signed with.
    pub(super) fn keys(&self, asked: &Asked) -> Response<Bytes> {
        let clouds: Vec<Cloud> = match asked.place {
            Place::Host(host) => vec![host.cloud],
            Place::Direct(_) => {
                let mut clouds: Vec<Cloud> = Cloud::ALL
                    .into_iter()
                    .filter(|cloud| self.tenants.iter().any(|tenant| tenant.cloud == *cloud))
                    .collect();
                clouds.dedup();
                clouds
            }
        };
        let keys: Vec<Value> = clouds
            .into_iter()
            .filter_map(|cloud| self.key(cloud).and_then(SigningKey::public).ok())
            .collect();
        reply::json(StatusCode::OK, &json!({ "keys": keys }))
    }

    /// `/common/discovery/instance`: whether a host is an authority, and its other names.
    pub(super) fn instance_discovery(&self, asked: &Asked) -> Response<Bytes> {
        let sent = parameters(asked);
        let authority = sent
            .get("authorization_endpoint")
            .and_then(|endpoint| url::Url::parse(endpoint).ok());
        let tenant = authority.as_ref().and_then(|authority| {
            let host = authority.host_str()?;
            let own = asked.origin == authority.origin().ascii_serialization();
            (own || Host::named(host).is_some_and(|host| host.login))
                .then(|| authority.path_segments()?.next().map(str::to_owned))?
        });
        let (Some(authority), Some(tenant)) = (authority, tenant) else {
            let timestamp = crate::ticks::stamp(self.site.now());
            return reply::json(
                StatusCode::BAD_REQUEST,
                &json!({
                    "error": "invalid_instance",
                    "error_description": format!(
                        "AADSTS50049: Unknown or invalid instance.\r\nTrace ID: {}\r\n\
                         Correlation ID: {}\r\nTimestamp: {timestamp}",
                        asked.id, asked.id
                    ),
                    "error_codes": [50049],
                    "timestamp": timestamp,
                    "trace_id": asked.id,
                    "correlation_id": asked.id,
                }),
            );
        };
        let version = sent.get("api-version").map_or("", String::as_str);
        if !["1.0", "1.1", "1.2"].contains(&version) {
            return Refusal::parameter("api-version").response(&self.site, asked);
        }
        let metadata: Vec<Value> = AUTHORITIES
            .iter()
            .map(|(network, cache, aliases)| {
                json!({
                    "preferred_network": network,
                    "preferred_cache": cache,
                    "aliases": aliases,
                })
            })
            .collect();
        reply::json(
            StatusCode::OK,
            &json!({
                "tenant_discovery_endpoint": format!(
                    "{}/{tenant}/v2.0/.well-known/openid-configuration",
                    authority.origin().ascii_serialization()
                ),
                "api-version": version,
                "metadata": metadata,
            }),
        )
    }
}

fn cloud_of(place: Place) -> Cloud {
    match place {
        Place::Host(host) => host.cloud,
        Place::Direct(_) => Cloud::Global,
    }
}
