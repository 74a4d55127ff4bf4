"""In what our requests differ from those of Microsoft's clients, and why that is right."""

import scene
from comparison import ABSENT

Expected = dict[str, tuple[str, str, str]]

_TELEMETRY = "tells Microsoft about the library; the service does not need it"
_CORRELATION = "asks the service to repeat the identifier that our errors show"
_PADDING = "base64url in a JWS has no padding (RFC 7515, section 2)"

# What MSAL adds to each request at the token endpoint, and what we add.
_MSAL: Expected = {
    "field client_info": ("1", ABSENT, "asks for the account, and an application has none"),
    "header x-client-current-telemetry": ("…", ABSENT, _TELEMETRY),
    "header x-client-last-telemetry": ("…", ABSENT, _TELEMETRY),
    "header x-client-os": ("…", ABSENT, _TELEMETRY),
    "header x-client-sku": ("…", ABSENT, _TELEMETRY),
    "header x-client-ver": ("…", ABSENT, _TELEMETRY),
    "header x-ms-lib-capability": (
        "retry-after, h429",
        ABSENT,
        "tells Microsoft about the library; we obey `Retry-After` without saying so",
    ),
    "header return-client-request-id": (ABSENT, "true", _CORRELATION),
}

# The same for a user, whose account both ask for.
_USER: Expected = {
    aspect: values for aspect, values in _MSAL.items() if aspect != "field client_info"
}

_MAILBOX: Expected = {
    "header x-anchormailbox": (
        "an account's identifier",
        ABSENT,
        "a hint for routing, which the page of the grant does not list",
    ),
}

_VAULT: Expected = {
    "parameter api-version": (
        "2026-04-01",
        "7.4",
        "the earlier version is served everywhere, and what we ask for is the same in both",
    ),
}

_AZURE_IDENTITY: Expected = _MSAL | {
    "header x-ms-client-request-id": (
        "a GUID",
        ABSENT,
        "the Azure SDK's own name for `client-request-id`, which both send",
    ),
}

_MSTICPY_NAME: Expected = {
    "header useragent": ("…", ABSENT, "means `User-Agent`, which we send under its name"),
}

_MSTICPY_HUNTING: Expected = _MSTICPY_NAME | {
    "header client-request-id": (ABSENT, "a GUID", "finds the request in the service's logs"),
    "header content-type": (
        "application/json",
        "application/json; charset=utf-8",
        "says the encoding too",
    ),
}

# title -> aspect -> (theirs, ours, why)
EXPECTED: dict[str, Expected] = {
    "client secret, MSAL": _MSAL,
    "client secret, azure-identity": _AZURE_IDENTITY,
    "client secret, MSTICPy": _MSTICPY_NAME
    | {
        "header accept": ("*/*", "application/json", "is what the answer has to be"),
        "header client-request-id": (ABSENT, "a GUID", "finds the request in Entra ID's logs"),
        "header content-type": (
            ABSENT,
            "application/x-www-form-urlencoded",
            "a form says that it is one",
        ),
        "header return-client-request-id": (ABSENT, "true", _CORRELATION),
    },
    "query to Graph, MSTICPy": _MSTICPY_HUNTING,
    "query to MDE, MSTICPy": _MSTICPY_HUNTING,
    "certificate, MSAL": _MSAL
    | {
        "assertion claim nbf": (ABSENT, "+0 s", "is among the claims that the documentation lists"),
        "assertion header x5t#S256": ("padded", "as the standard has it", _PADDING),
    },
    "workload identity, azure-identity": {
        "header accept": ("*/*", "application/json", "is what the answer has to be"),
        "header client-request-id": (ABSENT, "a GUID", "finds the request in Entra ID's logs"),
        "header return-client-request-id": (ABSENT, "true", _CORRELATION),
        "header x-ms-client-request-id": (
            "a GUID",
            ABSENT,
            "the Azure SDK's own name for `client-request-id`",
        ),
    },
    "managed identity, azure-identity": {
        "header x-client-sku": ("…", ABSENT, _TELEMETRY),
        "header x-client-ver": ("…", ABSENT, _TELEMETRY),
        "header x-ms-client-request-id": ("a GUID", ABSENT, "the service's page does not know it"),
    },
    "browser's address, MSAL": {
        "parameter X-AnchorMailbox": (
            f"UPN:{scene.ANALYST}",
            ABSENT,
            "a hint for routing, which the page of the grant does not list",
        ),
        "parameter response_mode": (
            "form_post",
            "query",
            "the page of the grant has it for desktop applications; both reach loopback only",
        ),
    },
    "code, MSAL": _USER | _MAILBOX,
    "device code, MSAL": {
        "header accept": ("*/*", "application/json", "is what the answer has to be"),
        "header return-client-request-id": (ABSENT, "true", _CORRELATION),
        "header x-client-os": ("…", ABSENT, _TELEMETRY),
        "header x-client-sku": ("…", ABSENT, _TELEMETRY),
        "header x-client-ver": ("…", ABSENT, _TELEMETRY),
        "header x-ms-lib-capability": (
            "retry-after, h429",
            ABSENT,
            "tells Microsoft about the library; we obey `Retry-After` without saying so",
        ),
    },
    "device code's poll, MSAL": _USER
    | {
        "field code": ("…", ABSENT, "what version 1 calls `device_code`, which both send"),
    },
    "refresh token, MSAL": _USER | _MAILBOX,
    "secret of Key Vault, azure-keyvault-secrets": _VAULT
    | {
        "path": (
            f"/secrets/{scene.CLIENT_SECRET_NAME}/",
            f"/secrets/{scene.CLIENT_SECRET_NAME}",
            "an empty version and none are the same secret",
        ),
    },
    "written secret, azure-keyvault-secrets": _VAULT,
}
