"""azure-keyvault-secrets: reading and writing secrets, and being refused."""

import uuid

import scene
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import AzureAuthorityHosts, ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from checks import check, equal, expect, raises

VAULT = "azure-keyvault-secrets"


def vault(name: str = scene.VAULT, client_id: str = scene.HUNTER) -> SecretClient:
    """A vault of the global cloud."""
    credential = ClientSecretCredential(scene.TENANT, client_id, scene.SECRET)
    return SecretClient(f"https://{name}.vault.azure.net", credential)


@check(VAULT)
def read() -> None:
    """a secret's current version, after the challenge"""
    secret = vault().get_secret(scene.VAULT_SECRET)
    equal((secret.name, secret.value), (scene.VAULT_SECRET, scene.VAULT_VALUE))
    expect(secret.properties.enabled and secret.properties.created_on, secret.properties)


@check(VAULT)
def read_version() -> None:
    """a secret's earlier version"""
    equal(vault().get_secret(scene.VAULT_SECRET, scene.OLD_VERSION).value, scene.OLD_VALUE)


@check(VAULT)
def missing() -> None:
    """a secret that is not there is SecretNotFound"""
    with raises(ResourceNotFoundError, "SecretNotFound"):
        vault().get_secret("Nothing")


@check(VAULT)
def disabled() -> None:
    """a disabled secret is 403"""
    with raises(HttpResponseError, "Forbidden", "disabled"):
        vault().get_secret("Disabled")


@check(VAULT)
def foreign() -> None:
    """without a role it is ForbiddenByRbac"""
    with raises(HttpResponseError, "Forbidden", "Assignment: (not found)"):
        vault(scene.FOREIGN_VAULT).get_secret(scene.VAULT_SECRET)


@check(VAULT)
def closed() -> None:
    """behind a firewall it is 403"""
    with raises(HttpResponseError, "Forbidden", "Client address is not authorized"):
        vault(scene.CLOSED_VAULT).get_secret(scene.VAULT_SECRET)


@check(VAULT)
def write() -> None:
    """a new version is written and read back"""
    name, value = f"Written-{uuid.uuid4()}", "ä \"quoted\" value; of=tests"
    first = vault().set_secret(name, "first", content_type="text/plain")
    second = vault().set_secret(name, value)
    expect(first.properties.version != second.properties.version, first.properties.version)
    equal(vault().get_secret(name).value, value)
    equal(vault().get_secret(name, first.properties.version).value, "first")


@check(VAULT)
def write_refused() -> None:
    """who may read may not write"""
    with raises(HttpResponseError, "Forbidden"):
        vault(client_id=scene.POWERLESS).set_secret("Written", "value")
    equal(vault(client_id=scene.POWERLESS).get_secret(scene.VAULT_SECRET).value, scene.VAULT_VALUE)


@check(VAULT)
def government() -> None:
    """a vault of the US government's cloud"""
    credential = ClientSecretCredential(
        scene.GOVERNMENT,
        scene.GOVERNMENT_HUNTER,
        scene.GOVERNMENT_SECRET,
        authority=AzureAuthorityHosts.AZURE_GOVERNMENT,
    )
    client = SecretClient(f"https://{scene.GOVERNMENT_VAULT}.vault.usgovcloudapi.net", credential)
    equal(client.get_secret(scene.VAULT_SECRET).value, scene.VAULT_VALUE)


@check(VAULT)
def vault_that_is_not() -> None:
    """a vault that does not exist has no address"""
    credential = ClientSecretCredential(scene.TENANT, scene.HUNTER, scene.SECRET)
    client = SecretClient("https://harbour-none.vault.azure.net", credential, retry_total=0)
    with raises(Exception, "502"):
        client.get_secret(scene.VAULT_SECRET)
