//! Refusals where a user takes part: redirects, codes, consents, policies.

use http::StatusCode;
use serde_json::json;

use super::Refusal;
use crate::options::Tenant;
use crate::registration::{Application, SignInPolicy, User};

impl Refusal {
    fn asked(error: &'static str, code: u64, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, code, message.into())
    }

    pub(in crate::entra) fn redirect_missing() -> Self {
        Self::asked("invalid_request", 900_971, "No reply address provided.")
    }

    pub(in crate::entra) fn redirect(uri: &str, application: &Application) -> Self {
        Self::asked(
            "invalid_request",
            50011,
            format!(
                "The redirect URI '{uri}' specified in the request does not match the redirect \
                 URIs configured for the application '{}'. Make sure the redirect URI sent in the \
                 request matches one added to your application in the Azure portal. Navigate to \
                 https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot \
                 this error.",
                application.client_id
            ),
        )
    }

    /// A token is asked for with another address than the code was.
    pub(in crate::entra) fn redirect_of_code(sent: &str, asked: &str) -> Self {
        Self::asked(
            "invalid_grant",
            500_112,
            format!(
                "The reply address '{sent}' does not match the reply address '{asked}' provided \
                 when requesting Authorization code."
            ),
        )
    }

    pub(in crate::entra) fn response_type(value: &str) -> Self {
        if value.split_whitespace().any(|part| part == "id_token") {
            return Self::asked(
                "unsupported_response_type",
                700_054,
                "response_type 'id_token' is not enabled for the application.",
            );
        }
        Self::asked(
            "unsupported_response_type",
            70005,
            format!("The app returned an unsupported response type '{value}'."),
        )
    }

    pub(in crate::entra) fn response_mode(value: &str) -> Self {
        Self::asked(
            "invalid_request",
            70007,
            format!(
                "'{value}' is not a supported value of 'response_mode' when requesting a token."
            ),
        )
    }

    pub(in crate::entra) fn parameter(name: &str) -> Self {
        Self::asked(
            "invalid_request",
            90100,
            format!("{name} parameter is empty or not valid."),
        )
    }

    pub(in crate::entra) fn challenge_size() -> Self {
        Self::asked(
            "invalid_request",
            50147,
            "The size of the code challenge parameter is not valid.",
        )
    }

    pub(in crate::entra) fn challenge_method() -> Self {
        Self::asked(
            "invalid_request",
            501_491,
            "Invalid Code_Challenge_method parameter: it is 'S256' or 'plain'.",
        )
    }

    pub(in crate::entra) fn scope_mixed() -> Self {
        Self::asked(
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid. .default scope \
             can't be combined with resource-specific scopes.",
        )
    }

    pub(in crate::entra) fn several_resources(scope: &str) -> Self {
        Self::asked(
            "invalid_scope",
            700_022,
            format!(
                "The provided value for the input parameter scope '{scope}' is not valid because \
                 it contains more than one resource."
            ),
        )
    }

    pub(in crate::entra) fn user_unknown(name: &str, tenant: &Tenant) -> Self {
        Self::grant(
            50034,
            format!(
                "The user account {name} does not exist in the {} directory. To sign into this \
                 application, the account must be added to the directory.",
                tenant.id
            ),
        )
    }

    /// Someone of another tenant.
    pub(in crate::entra) fn user_foreign(
        name: &str,
        tenant: &Tenant,
        application: &Application,
    ) -> Self {
        Self::grant(
            50020,
            format!(
                "User account '{name}' from identity provider '{}' does not exist in tenant '{}' \
                 and cannot access the application '{}'({}) in that tenant. The account needs to \
                 be added as an external user in the tenant first. Sign out and sign in again \
                 with a different Azure Active Directory user account.",
                tenant.cloud.issuer(),
                tenant.name,
                application.client_id,
                application.name
            ),
        )
    }

    pub(in crate::entra) fn session_missing() -> Self {
        Self::asked(
            "login_required",
            50058,
            "A silent sign-in request was sent but no user is signed in.",
        )
    }

    pub(in crate::entra) fn consent_denied() -> Self {
        Self::asked(
            "access_denied",
            65004,
            "User declined to consent to access the app.",
        )
    }

    pub(in crate::entra) fn consent_missing(application: &Application) -> Self {
        Self::grant(
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID '{}' \
                 named '{}'. Send an interactive authorization request for this user and resource.",
                application.client_id, application.name
            ),
        )
        .with_suberror("consent_required")
    }

    /// An assertion of the on-behalf-of grant that is no token.
    pub(in crate::entra) fn token_malformed() -> Self {
        Self::grant(50027, "JWT token is invalid or malformed.")
    }

    pub(in crate::entra) fn token_signature() -> Self {
        Self::grant(
            50013,
            "Assertion failed signature validation. [Reason - The key was not found.]",
        )
    }

    pub(in crate::entra) fn token_audience(application: &Application, audience: &str) -> Self {
        let id = &application.client_id;
        Self::grant(
            500_131,
            format!(
                "Assertion audience does not match the Client app presenting the assertion. The \
                 audience in the assertion was '{audience}' and the expected audience is \
                 'api://{id}' or one of the Application Uris of this application with App ID \
                 '{id}'({}). The downstream client must request a token for the expected audience \
                 (the application that made the OBO request) and this application should use that \
                 token as the assertion.",
                application.name
            ),
        )
    }

    pub(in crate::entra) fn token_expired() -> Self {
        Self::grant(
            500_133,
            "Assertion is not within its valid time range. Ensure that the access token is not \
             expired before using it for user assertion, or request a new token.",
        )
    }

    /// A token that an application got for itself.
    pub(in crate::entra) fn token_without_user(application: &Application) -> Self {
        Self::grant(
            7_000_114,
            format!(
                "Application '{}' is not allowed to make application on-behalf-of calls.",
                application.client_id
            ),
        )
    }

    /// Someone who may not consent was asked to.
    pub(in crate::entra) fn administrator_needed(application: &Application) -> Self {
        Self::asked(
            "access_denied",
            90094,
            format!(
                "An administrator of the tenant has to grant consent for '{}'.",
                application.client_id
            ),
        )
    }

    /// Whether a policy lets the user pass where nobody can ask for a second factor.
    pub(in crate::entra) fn policy(policy: SignInPolicy, second_factor: bool) -> Option<Self> {
        let audience = "00000003-0000-0000-c000-000000000000";
        let needed = |code, message: &str| {
            let claims = json!({"access_token": {"capolids": {"essential": true,
                "values": ["aaaabbbb-0000-4000-8000-dddd2222eeee"]}}});
            Self {
                claims: Some(claims.to_string()),
                ..Self::asked(
                    "interaction_required",
                    code,
                    format!(
                        "Due to a configuration change made by your administrator, or because you \
                         moved to a new location, you must {message} to access '{audience}'."
                    ),
                )
            }
            .with_suberror("basic_action")
        };
        match policy {
            SignInPolicy::Allowed => None,
            SignInPolicy::SecondFactor | SignInPolicy::SecondFactorRegistration
                if second_factor =>
            {
                None
            }
            SignInPolicy::SecondFactor => Some(needed(50076, "use multi-factor authentication")),
            SignInPolicy::SecondFactorRegistration => {
                Some(needed(50079, "enroll in multi-factor authentication"))
            }
            SignInPolicy::ConditionalAccess => Some(
                Self::grant(
                    53003,
                    "Access has been blocked by Conditional Access policies. The access policy \
                     does not allow token issuance.",
                )
                .with_suberror("message_only"),
            ),
            SignInPolicy::Disabled => Some(Self::grant(50057, "The user account is disabled.")),
            SignInPolicy::PasswordExpired => Some(
                Self::grant(50055, "The password is expired.")
                    .with_suberror("user_password_expired"),
            ),
        }
    }

    pub(in crate::entra) fn password(user: &User) -> Self {
        Self::grant(
            50126,
            format!(
                "Error validating credentials due to invalid username or password for '{}'.",
                user.name
            ),
        )
    }

    pub(in crate::entra) fn shared_endpoint() -> Self {
        Self::asked(
            "invalid_request",
            9_001_023,
            "The grant type is not supported over the /common or /consumers endpoints. Please use \
             the /organizations or tenant-specific endpoint.",
        )
    }

    /// A code or token that nobody gave out.
    pub(in crate::entra) fn grant_malformed() -> Self {
        Self::grant(
            9_002_313,
            "Invalid request. Request is malformed or invalid.",
        )
    }

    pub(in crate::entra) fn code_expired() -> Self {
        Self::grant(
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send \
             a new interactive authorization request for this user and resource.",
        )
    }

    pub(in crate::entra) fn code_redeemed() -> Self {
        Self::grant(
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code \
             or use an existing refresh token.",
        )
    }

    pub(in crate::entra) fn code_of_another_tenant() -> Self {
        Self::grant(
            700_005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected. \
             OAuth2 Authorization Code must be redeemed against same tenant it was acquired for \
             (/common or /{tenant-ID} as appropriate).",
        )
    }

    pub(in crate::entra) fn code_of_another_client() -> Self {
        Self::grant(
            70000,
            "Provided grant is invalid: it was issued to another client.",
        )
    }

    pub(in crate::entra) fn verifier() -> Self {
        Self::grant(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization \
             request.",
        )
    }

    pub(in crate::entra) fn refresh_expired(issued: &str) -> Self {
        Self::grant(
            700_082,
            format!(
                "The refresh token has expired due to inactivity. The token was issued on \
                 {issued} and was inactive for 90.00:00:00."
            ),
        )
        .with_suberror("bad_token")
    }

    pub(in crate::entra) fn refresh_replaced() -> Self {
        Self::grant(70000, "The refresh token isn't valid: it was replaced.")
            .with_suberror("bad_token")
    }

    pub(in crate::entra) fn revoked() -> Self {
        Self::grant(
            50173,
            "The provided grant has expired due to it being revoked, a fresh auth token is \
             needed. The user might have changed or reset their password.",
        )
        .with_suberror("bad_token")
    }

    pub(in crate::entra) fn device_pending() -> Self {
        Self::asked(
            "authorization_pending",
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    }

    pub(in crate::entra) fn device_slow_down() -> Self {
        Self::asked(
            "slow_down",
            70016,
            "OAuth 2.0 device flow error. The device polls too often.",
        )
    }

    pub(in crate::entra) fn device_declined() -> Self {
        Self::asked(
            "authorization_declined",
            65004,
            "User declined to consent to access the app.",
        )
    }

    pub(in crate::entra) fn device_expired() -> Self {
        Self::asked(
            "expired_token",
            70019,
            "Verification code expired. Have the user retry the sign-in.",
        )
    }

    pub(in crate::entra) fn device_unknown() -> Self {
        Self::asked(
            "bad_verification_code",
            70018,
            "Invalid verification code due to User typing in wrong user code for device code flow.",
        )
    }
}
