//! Refusals: the AADSTS codes and the body they travel in.

mod assertion;
mod user;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::page;
use crate::hosts::Cloud;
use crate::identifiers::is_guid;
use crate::options::Tenant;
use crate::registration::Application;
use crate::reply;
use crate::request::{Asked, Place};
use crate::site::Site;
use crate::ticks;

/// Why the token endpoint says no.
///
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// The OAuth error, which is what a client reacts to.
    error: &'static str,
    /// The number after `AADSTS`.
    code: u64,
    message: String,
    suberror: Option<&'static str>,
    /// What a client has to ask for next, as JSON.
    claims: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, code: u64, message: String) -> Self {
        Self {
            status,
            error,
            code,
            message,
            suberror: None,
            claims: None,
        }
    }

    /// A grant that cannot be taken any more, which is how most of a user's refusals travel.
    fn grant(code: u64, message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            code,
            message.into(),
        )
    }

    fn with_suberror(self, suberror: &'static str) -> Self {
        Self {
            suberror: Some(suberror),
            ..self
        }
    }

    /// The same under another OAuth error.
    pub(super) fn under(self, error: &'static str) -> Self {
        Self { error, ..self }
    }

    pub(super) fn tenant_not_found(name: &str) -> Self {
        let request = StatusCode::BAD_REQUEST;
        if ["common", "organizations", "consumers"].contains(&name) {
            return Self::new(
                request,
                "invalid_request",
                50059,
                "No tenant-identifying information found in either the request or implied by any \
                 provided credentials."
                    .to_owned(),
            );
        }
        if !name.contains('.') && !is_guid(name) {
            return Self::new(
                request,
                "invalid_request",
                900_023,
                format!(
                    "Specified tenant identifier '{name}' is neither a valid DNS name, nor a \
                     valid external domain."
                ),
            );
        }
        Self::new(
            request,
            "invalid_request",
            90002,
            format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and \
                 are signing into the correct cloud. Check with your subscription administrator, \
                 this may happen if there are no active subscriptions for the tenant."
            ),
        )
    }

    /// A tenant of another national cloud, at an endpoint that does not sign in anybody.
    pub(super) fn other_cloud(tenant: &Tenant, asked: Cloud) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            90038,
            format!(
                "The specified tenant '{}' belongs to the National Cloud '{}'. Current cloud \
                 instance '{asked}' does not federate with '{}'.",
                tenant.id, tenant.cloud, tenant.cloud
            ),
        )
    }

    /// The same for an application that proves itself: there is no redirection for those.
    pub(super) fn confidential(self) -> Self {
        if self.code != 90038 {
            return self;
        }
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            900_382,
            "Confidential Client is not supported in Cross Cloud request.".to_owned(),
        )
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(super) fn grant_type(value: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{value}'."),
        )
    }

    pub(super) fn application_not_found(client_id: &str, tenant: &Tenant) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client_id}' was not found in the directory '{}'. \
                 This can happen if the application has not been installed by the administrator \
                 of the tenant or consented to by any user in the tenant. You may have sent your \
                 authentication request to the wrong tenant.",
                tenant.name
            ),
        )
    }

    pub(super) fn no_proof() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'."
                .to_owned(),
        )
    }

    pub(super) fn secret(application: &Application) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is \
                 the client secret value, not the client secret ID, for a secret added to app \
                 '{}'.",
                application.client_id
            ),
        )
    }

    pub(super) fn secret_expired(application: &Application) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            7_000_222,
            format!(
                "The provided client secret keys for app '{}' are expired. Visit the Azure portal \
                 to create new keys for your app: https://aka.ms/NewClientSecret, or consider \
                 using certificate credentials for added security: https://aka.ms/certCreds.",
                application.client_id
            ),
        )
    }

    pub(super) fn scope(scope: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            70011,
            format!(
                "The provided value for the input parameter 'scope' is not valid. The scope \
                 {scope} is not valid."
            ),
        )
    }

    /// A delegated permission that the resource does not have.
    pub(super) fn scope_unknown(application: &Application, scope: &str, resource: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_client",
            650_053,
            format!(
                "The application '{}' asked for scope '{scope}' that doesn't exist on the \
                 resource '{resource}'. Contact the app vendor.",
                application.name
            ),
        )
    }

    /// What one of Microsoft's clients may not have, whoever consents.
    pub(super) fn preauthorization(application: &Application, resource: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            65002,
            format!(
                "Consent between first party application '{}' and first party resource \
                 '{resource}' must be configured via preauthorization - applications owned and \
                 operated by Microsoft must get approval from the API owner before requesting \
                 tokens for that API.",
                application.client_id
            ),
        )
    }

    pub(super) fn scope_without_default(scope: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must \
                 have a scope value with /.default suffixed to the resource identifier \
                 (application ID URI)."
            ),
        )
    }

    pub(super) fn resource(resource: &str, tenant: &Tenant) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_resource",
            500_011,
            format!(
                "The resource principal named {resource} was not found in the tenant named {}. \
                 This can happen if the application has not been installed by the administrator \
                 of the tenant or consented to by any user in the tenant. You might have sent \
                 your authentication request to the wrong tenant.",
                tenant.name
            ),
        )
    }

    /// What the endpoint says when it cannot do its work, or is asked too often.
    pub(super) fn outage(status: StatusCode) -> Self {
        match status.as_u16() {
            429 => Self::new(
                status,
                "temporarily_unavailable",
                90055,
                "The request has been throttled because of too many requests.".to_owned(),
            ),
            503 | 504 => Self::new(
                status,
                "temporarily_unavailable",
                90033,
                "A transient error has occurred. Please try again.".to_owned(),
            ),
            500..=599 => Self::new(
                status,
                "server_error",
                90033,
                "A transient error has occurred. Please try again.".to_owned(),
            ),
            _ => Self::new(
                status,
                "invalid_request",
                900_000,
                "The request was refused by request.".to_owned(),
            ),
        }
    }

    /// The whole body, with the lines that Entra ID appends to every description.
    pub(super) fn response(&self, site: &Site, asked: &Asked) -> Response<Bytes> {
        let timestamp = ticks::stamp(site.now());
        let trace_id = &asked.id;
        let correlation_id = correlation_id(site, asked);
        let authority = match asked.place {
            Place::Host(_) => asked.origin.clone(),
            Place::Direct(_) => format!("https://{}", Cloud::Global.login()),
        };
        let code = self.code;
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(trace_id, &correlation_id, &timestamp),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{authority}/error?code={code}"),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = &self.claims {
            body["claims"] = claims.clone().into();
        }
        let mut response = reply::json(self.status, &body);
        reply::set(&mut response, "x-ms-request-id", trace_id);
        reply::set(&mut response, "client-request-id", &correlation_id);
        reply::set(&mut response, "cache-control", "no-store, no-cache");
        response
    }

    /// The page that a browser gets when it cannot be sent back.
    pub(super) fn page(&self, site: &Site, asked: &Asked) -> Response<Bytes> {
        let description = self.description(
            &asked.id,
            &correlation_id(site, asked),
            &ticks::stamp(site.now()),
        );
        let mut response = page::page(
            StatusCode::BAD_REQUEST,
            "Sorry, but we\u{2019}re having trouble signing you in.",
            &format!("<pre>{}</pre>", page::escaped(&description)),
        );
        reply::set(&mut response, "x-ms-request-id", &asked.id);
        response
    }

    /// The parameters that a browser is sent back with.
    pub(super) fn parameters(&self, site: &Site, asked: &Asked) -> Vec<(&'static str, String)> {
        let description = self.description(
            &asked.id,
            &correlation_id(site, asked),
            &ticks::stamp(site.now()),
        );
        let mut parameters = vec![
            ("error", self.error.to_owned()),
            ("error_description", description),
        ];
        if self.error == "access_denied" {
            parameters.push(("error_subcode", "cancel".to_owned()));
        }
        if let Some(claims) = &self.claims {
            parameters.push(("claims", claims.clone()));
        }
        parameters
    }

    fn description(&self, trace_id: &str, correlation_id: &str, timestamp: &str) -> String {
        format!(
            "AADSTS{}: {}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\n\
             Timestamp: {timestamp}",
            self.code, self.message
        )
    }
}

/// What the client called its request, if it is a GUID.
fn correlation_id(site: &Site, asked: &Asked) -> String {
    match asked.header("client-request-id") {
        Some(sent) if is_guid(sent) => sent.to_owned(),
        _ => site.identifier(),
    }
}
