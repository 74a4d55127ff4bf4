//! Managed identities: the metadata service of a virtual machine, and App Service's endpoint.

use bytes::Bytes;
use http::{Response, StatusCode};
use openssl::memcmp;
use serde_json::{Value, json};

use super::directory::{Directory, Version};
use super::form::parameters;
use super::grant::Granted;
use super::proof::Proof;
use super::refusal::Refusal;
use super::resource::resource;
use crate::options::Tenant;
use crate::registration::{Application, ManagedIdentity};
use crate::reply;
use crate::request::Asked;

/// The versions that the metadata service takes.
const IMDS_VERSIONS: [&str; 12] = [
    "2018-02-01",
    "2018-04-02",
    "2018-10-01",
    "2019-02-01",
    "2019-03-11",
    "2019-06-01",
    "2019-08-01",
    "2019-11-01",
    "2020-06-01",
    "2020-09-01",
    "2021-02-01",
    "2021-12-13",
];

/// Why a machine gets no token.
enum Refused {
    /// Nothing names a resource.
    NoResource,
    /// No identity, or none of that name.
    NoIdentity,
    /// Several, and none is named.
    Ambiguous,
    /// The authority knows no such resource in the tenant.
    Authority { resource: String, tenant: String },
}

impl Directory {
    /// `/metadata/identity/oauth2/token`.
    ///
    /// Source: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
    pub(super) fn imds(&self, asked: &Asked) -> Response<Bytes> {
        let refuse = |error: &str, description: &str| {
            reply::json(
                StatusCode::BAD_REQUEST,
                &json!({"error": error, "error_description": description}),
            )
        };
        if asked.header("metadata") != Some("true") {
            return refuse("bad_request_102", "Required metadata header not specified");
        }
        // What came through another machine is not the machine's own.
        if asked.header("x-forwarded-for").is_some() {
            return refuse(
                "bad_request_102",
                "Request contains an X-Forwarded-For header",
            );
        }
        let sent = parameters(asked);
        let version = sent.get("api-version").map(String::as_str);
        if !version.is_some_and(|version| IMDS_VERSIONS.contains(&version)) {
            return reply::json(
                StatusCode::BAD_REQUEST,
                &json!({
                    "error": "Bad request. api-version is invalid or was not specified in the request.",
                    "newest-versions": IMDS_VERSIONS.iter().rev().take(3).collect::<Vec<_>>(),
                }),
            );
        }
        let names = ["client_id", "object_id", "msi_res_id", "mi_res_id"];
        match self.machine_token(asked, names) {
            Ok(granted) => {
                let mut body = granted.in_text();
                body["refresh_token"] = "".into();
                reply::json(StatusCode::OK, &body)
            }
            Err(Refused::NoResource) => refuse(
                "invalid_request",
                "The request is missing a required parameter, includes an invalid parameter \
                 value, includes a parameter more than once, or is otherwise malformed.",
            ),
            Err(Refused::NoIdentity) => refuse("invalid_request", "Identity not found"),
            Err(Refused::Ambiguous) => refuse(
                "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / \
                 resourceId of the identity in the token request",
            ),
            Err(Refused::Authority { resource, tenant }) => refuse(
                "invalid_resource",
                &format!(
                    "AADSTS50001: The application named {resource} was not found in the tenant \
                     named {tenant}. This can happen if the application has not been installed by \
                     the administrator of the tenant or consented to by any user in the tenant. \
                     You might have sent your authentication request to the wrong tenant."
                ),
            ),
        }
    }

    /// `/msi/token`, the endpoint of App Service, whose callers show a header.
    ///
    /// Source: <https://learn.microsoft.com/azure/app-service/overview-managed-identity>
    pub(super) fn app_service(&self, asked: &Asked) -> Response<Bytes> {
        let refuse = |status: StatusCode, message: &str| {
            reply::json(
                status,
                &json!({"statusCode": status.as_u16(), "message": message}),
            )
        };
        let expected = self.identity_header.as_bytes();
        let shown = asked
            .header("x-identity-header")
            .unwrap_or_default()
            .as_bytes();
        if shown.len() != expected.len() || !memcmp::eq(shown, expected) {
            return refuse(
                StatusCode::UNAUTHORIZED,
                "The X-IDENTITY-HEADER is not valid.",
            );
        }
        let sent = parameters(asked);
        if sent.get("api-version").map(String::as_str) != Some("2019-08-01") {
            return refuse(StatusCode::BAD_REQUEST, "The api-version is not supported.");
        }
        let names = ["client_id", "principal_id", "mi_res_id", "object_id"];
        match self.machine_token(asked, names) {
            Ok(granted) => {
                let body = granted.in_text();
                let client_id = granted.client_id();
                let kept: Value = json!({
                    "access_token": body["access_token"],
                    "expires_on": body["expires_on"],
                    "resource": body["resource"],
                    "token_type": body["token_type"],
                    "client_id": client_id,
                });
                reply::json(StatusCode::OK, &kept)
            }
            Err(Refused::NoResource) => refuse(StatusCode::BAD_REQUEST, "The resource is missing."),
            Err(Refused::NoIdentity) => refuse(
                StatusCode::BAD_REQUEST,
                "No managed identity was found for the specified identity.",
            ),
            Err(Refused::Ambiguous) => refuse(
                StatusCode::BAD_REQUEST,
                "Several managed identities exist; the request has to name one.",
            ),
            Err(Refused::Authority { .. }) => refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "An unexpected error occurred while fetching the AAD Token.",
            ),
        }
    }

    /// A token for the identity that the query names: by client, object or resource identifier.
    fn machine_token(
        &self,
        asked: &Asked,
        [client, object, resource_id, other]: [&str; 4],
    ) -> Result<Granted, Refused> {
        let sent = parameters(asked);
        let name = sent.get("resource").ok_or(Refused::NoResource)?;
        let machines: Vec<(&Tenant, &Application, &ManagedIdentity)> = self
            .tenants
            .iter()
            .flat_map(|tenant| {
                tenant.applications.iter().filter_map(move |application| {
                    Some((tenant, application, application.managed_identity.as_ref()?))
                })
            })
            .collect();
        let is = |parameter: &str, value: &str| {
            sent.get(parameter)
                .map(|sent| sent.eq_ignore_ascii_case(value))
        };
        let named = [client, object, resource_id, other]
            .iter()
            .any(|parameter| sent.contains_key(*parameter));
        let found = if named {
            machines.iter().find(|(tenant, application, identity)| {
                let resource = match identity {
                    ManagedIdentity::User { resource_id } => resource_id.as_str(),
                    ManagedIdentity::System => "",
                };
                let principal = application.object_id(&tenant.id);
                let checks = [
                    is(client, &application.client_id),
                    is(object, &principal),
                    is(resource_id, resource),
                    is(
                        other,
                        if other == "object_id" {
                            &principal
                        } else {
                            resource
                        },
                    ),
                ];
                checks.into_iter().flatten().all(|fits| fits)
            })
        } else {
            let system = machines
                .iter()
                .find(|(_, _, identity)| **identity == ManagedIdentity::System);
            match (system, machines.as_slice()) {
                (Some(system), _) => Some(system),
                (None, [only]) => Some(only),
                (None, []) => None,
                (None, _) => return Err(Refused::Ambiguous),
            }
        };
        let (tenant, application, _) = found.ok_or(Refused::NoIdentity)?;
        let authority = |_: Refusal| Refused::Authority {
            resource: name.clone(),
            tenant: tenant.id.clone(),
        };
        let mut resource = resource(asked, tenant, name).map_err(authority)?;
        resource.audience.clone_from(name);
        let class = Proof::Assertion.class();
        self.application_token(tenant, Version::One, application, resource, class)
            .map_err(authority)
    }
}
