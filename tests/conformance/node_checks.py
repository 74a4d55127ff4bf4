"""Azure's and Microsoft Graph's clients for Node; what is checked of them is in `node/checks.mjs`."""

import functools
import json
import os
import subprocess
from pathlib import Path

import msal_checks
import scene
from checks import Failed, Skipped, check

FOLDER = "CONFORMANCE_NODE"
IDENTITY = "@azure/identity"
MSAL = "@azure/msal-node"
GRAPH = "@microsoft/microsoft-graph-client"
SECRETS = "@azure/keyvault-secrets"
CERTIFICATES = "@azure/keyvault-certificates"
SCRIPT = Path(__file__).parent / "node" / "checks.mjs"


def node() -> Path:
    """The interpreter that was installed with the clients."""
    folder = os.environ.get(FOLDER)
    if not folder:
        raise Skipped(os.environ.get("CONFORMANCE_NODE_MISSING", "only in `cargo xtask conformance`"))
    found = sorted(Path(folder).glob("node_modules/node-*/bin/node"))
    if not found:
        raise Skipped("there is no Node for this machine among npm's packages")
    return found[0]


@functools.cache
def assertion() -> str:
    """A user's token for the application's own API."""
    return msal_checks.user_token(f"api://{scene.HUNTER}/access_as_user")


def run(name: str, **more: str) -> None:
    """Runs one function of the script."""
    interpreter = node()
    shared = {
        "tenant": scene.TENANT,
        "hunter": scene.HUNTER,
        "secret": scene.SECRET,
        "assigned": scene.ASSIGNED,
        "analyst": scene.ANALYST,
        "graphScope": scene.GRAPH_SCOPE,
        "vault": scene.VAULT,
        "vaultCertificate": scene.VAULT_CERTIFICATE,
    }
    done = subprocess.run(
        [str(interpreter), str(SCRIPT), name],
        env=os.environ
        | {
            FOLDER: str(Path(os.environ[FOLDER]) / "package.json"),
            "CONFORMANCE_SCENE": json.dumps(shared | more),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        named = [line for line in said if "Error" in line or "AADSTS" in line]
        raise Failed(" ".join((named or said)[:3]))


def signed_in(name: str) -> None:
    """The same with a user's token."""
    node()
    run(name, assertion=assertion())


@check(IDENTITY)
def identity_secret() -> None:
    """ClientSecretCredential and EnvironmentCredential"""
    run("identity_secret")


@check(IDENTITY)
def identity_wrong_secret() -> None:
    """ClientSecretCredential with a wrong secret"""
    run("identity_wrong_secret")


@check(IDENTITY)
def identity_machine() -> None:
    """ManagedIdentityCredential with an assigned identity"""
    run("identity_machine")


@check(IDENTITY)
def identity_on_behalf_of() -> None:
    """OnBehalfOfCredential"""
    signed_in("identity_on_behalf_of")


@check(MSAL)
def msal_secret() -> None:
    """a secret, and the cache"""
    run("msal_secret")


@check(MSAL)
def msal_region() -> None:
    """a region's authority"""
    run("msal_region")


@check(MSAL)
def msal_on_behalf_of() -> None:
    """on behalf of a user"""
    signed_in("msal_on_behalf_of")


@check(GRAPH)
def fetch_through_the_proxy() -> None:
    """fetch goes through the proxy"""
    run("fetch_through_the_proxy")


@check(GRAPH)
def graph_hunting() -> None:
    """hunting in v1.0 and beta"""
    run("graph_hunting")


@check(GRAPH)
def graph_refusal() -> None:
    """a table that is not there"""
    run("graph_refusal")


@check(GRAPH)
def graph_pages() -> None:
    """pages of alerts to their end"""
    run("graph_pages")


@check(GRAPH)
def graph_batch() -> None:
    """a batch of three requests"""
    run("graph_batch")


@check(SECRETS)
def vault_secrets() -> None:
    """set, list, update, delete, recover and purge"""
    run("vault_secrets")


@check(CERTIFICATES)
def vault_certificates() -> None:
    """list, get, policy and versions"""
    run("vault_certificates")
