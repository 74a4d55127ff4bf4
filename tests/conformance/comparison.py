"""What a request says, aspect by aspect, and how two requests differ."""

import base64
import json
import re
from dataclasses import dataclass

import jwt
from recorder import Exchange

# How a request travels, not what it says; a client's own name is in `user-agent`.
TRAVEL = {"host", "connection", "content-length", "accept-encoding", "user-agent"}

GUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
ABSENT = "—"

# What is another in every request of one and the same client.
SECRETS = {
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "code_challenge",
    "state",
    "nonce",
}


@dataclass(frozen=True)
class Difference:
    """One aspect in which two clients' requests differ."""

    aspect: str
    theirs: str
    ours: str


def aspects(exchange: Exchange) -> dict[str, str]:
    """A request as aspects with values; what no two requests share is told by its shape."""
    found = {
        "method": exchange.method,
        "host": exchange.host,
        "path": exchange.path,
    }
    found |= {f"parameter {name}": _shape(name, value) for name, value in exchange.query.items()}
    for name, value in exchange.headers:
        if name.lower() not in TRAVEL:
            found[f"header {name.lower()}"] = _shape(name.lower(), value)
    kind = exchange.header("content-type") or ""
    if "json" in kind:
        for name, value in json.loads(exchange.body).items():
            found[f"member {name}"] = json.dumps(value)
    elif exchange.body:
        for name, value in exchange.form.items():
            if name == "client_assertion":
                found |= _assertion(value)
            else:
                found[f"field {name}"] = _shape(name, value)
    return found


def differences(theirs: Exchange, ours: Exchange) -> list[Difference]:
    """Every aspect in which the two differ, by name."""
    left, right = aspects(theirs), aspects(ours)
    return [
        Difference(name, left.get(name, ABSENT), right.get(name, ABSENT))
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _assertion(token: str) -> dict[str, str]:
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    found = {f"assertion header {name}": _shape(name, value) for name, value in header.items()}
    # Times count from when the assertion was made, which `iat` says.
    start = claims.get("iat", claims.get("nbf", 0))
    for name, value in claims.items():
        if name in ("exp", "nbf", "iat"):
            found[f"assertion claim {name}"] = f"{value - start:+.0f} s"
        else:
            found[f"assertion claim {name}"] = _shape(name, value)
    return found


def _shape(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if name == "x-anchormailbox":
        return "an account's identifier"
    if name == "authorization":
        return f"{text.split(' ')[0]} …"
    if name in SECRETS or name.startswith("x-client-") or name == "useragent":
        return "…"
    if name == "x5c":
        certificates = value if isinstance(value, list) else [value]
        lengths = [len(base64.b64decode(one, validate=True)) for one in certificates]
        return f"{len(lengths)} certificate(s)"
    if name in ("jti", "client-request-id", "x-ms-client-request-id", "return-client-request-id"):
        return "a GUID" if GUID.fullmatch(text) else text
    if name in ("x5t", "x5t#S256"):
        return "padded" if text.endswith("=") else "as the standard has it"
    if name == "redirect_uri":
        return re.sub(r":\d+", ":PORT", text)
    if name == "scope":
        return " ".join(sorted(text.split()))
    return text
