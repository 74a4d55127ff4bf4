"""msgraph-sdk for Python and Key Vault's clients for certificates and keys."""

import asyncio
import functools
import importlib.util
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msal_checks
import scene
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, OnBehalfOfCredential
from checks import Skipped, check, equal, expect, raises
from key_vault_checks import vault

MSGRAPH = "msgraph-sdk"
CERTIFICATES = "azure-keyvault-certificates"
KEYS = "azure-keyvault-keys"
IDENTITY = "azure-identity"


def need(module: str) -> None:
    """Skips the check where the client is not installed."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise Skipped("only in `cargo xtask conformance`")


def credential() -> ClientSecretCredential:
    """The application that may do everything."""
    return ClientSecretCredential(scene.TENANT, scene.HUNTER, scene.SECRET)


def graph(function: Callable[[Any], Awaitable[None]]) -> Callable[[], None]:
    """A check that gets a client of Graph, and waits for what it does."""

    @functools.wraps(function)
    def run() -> None:
        need("msgraph")
        from msgraph import GraphServiceClient

        client = GraphServiceClient(credential(), scopes=[scene.GRAPH_SCOPE])
        asyncio.run(function(client))

    return run


@check(MSGRAPH)
@graph
async def hunting(client: Any) -> None:
    """a hunting query and its rows"""
    from msgraph.generated.security.microsoft_graph_security_run_hunting_query import (
        run_hunting_query_post_request_body as body,
    )

    asked = body.RunHuntingQueryPostRequestBody(query="AlertInfo | take 3", timespan="P30D")
    answer = await client.security.microsoft_graph_security_run_hunting_query.post(asked)
    equal(len(answer.results), 3)
    equal(answer.schema[0].name, "Timestamp")


@check(MSGRAPH)
@graph
async def hunting_refused(client: Any) -> None:
    """a table that is not there is an ODataError"""
    from kiota_abstractions.api_error import APIError
    from msgraph.generated.security.microsoft_graph_security_run_hunting_query import (
        run_hunting_query_post_request_body as body,
    )

    asked = body.RunHuntingQueryPostRequestBody(query="AADSignInEventsBeta | count")
    with raises(APIError, "Failed to resolve table"):
        await client.security.microsoft_graph_security_run_hunting_query.post(asked)


@check(MSGRAPH)
@graph
async def alerts(client: Any) -> None:
    """alerts, one of them, and their pages"""
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.security.alerts_v2.alerts_v2_request_builder import (
        Alerts_v2RequestBuilder,
    )
    from msgraph_core.tasks.page_iterator import PageIterator

    parameters = Alerts_v2RequestBuilder.Alerts_v2RequestBuilderGetQueryParameters(top=5)
    page = await client.security.alerts_v2.get(
        request_configuration=RequestConfiguration(query_parameters=parameters)
    )
    equal(len(page.value), 5)
    one = await client.security.alerts_v2.by_alert_id(page.value[0].id).get()
    equal(one.title, page.value[0].title)
    seen: list[str] = []
    iterator = PageIterator(page, client.request_adapter)

    def note(alert: Any) -> bool:
        seen.append(alert.id)
        return True

    await iterator.iterate(note)
    equal(len(seen), len(set(seen)))
    expect(len(seen) > 10, seen)


@check(MSGRAPH)
@graph
async def incidents(client: Any) -> None:
    """incidents and the alerts of one"""
    page = await client.security.incidents.get()
    builder = client.security.incidents.by_incident_id(page.value[0].id)
    equal((await builder.get()).id, page.value[0].id)
    expect((await builder.alerts.get()).value, page.value[0].id)


@check(MSGRAPH)
@graph
async def batch(client: Any) -> None:
    """a batch of two requests"""
    from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
    from msgraph_core.requests.batch_request_content import BatchRequestContent
    from msgraph_core.requests.batch_request_item import BatchRequestItem

    first = BatchRequestItem(
        request_information=client.security.incidents.to_get_request_information()
    )
    second = BatchRequestItem(
        request_information=client.security.alerts_v2.to_get_request_information()
    )
    content = BatchRequestContent({one.id: one for one in (first, second)})
    answer = await BatchRequestBuilder(client.request_adapter).post(content)
    for item in (first, second):
        equal(answer.get_response_by_id(item.id).status, 200)


@check(IDENTITY)
def on_behalf_of() -> None:
    """OnBehalfOfCredential"""
    assertion = msal_checks.user_token(f"api://{scene.HUNTER}/access_as_user")
    token = OnBehalfOfCredential(
        scene.TENANT, scene.HUNTER, client_secret=scene.SECRET, user_assertion=assertion
    ).get_token(scene.GRAPH_SCOPE)
    equal(msal_checks.claims({"access_token": token.token})["upn"], scene.ANALYST)


def certificates() -> Any:
    """The certificates of the vault."""
    need("azure.keyvault.certificates")
    from azure.keyvault.certificates import CertificateClient

    return CertificateClient(f"https://{scene.VAULT}.vault.azure.net", credential())


@check(CERTIFICATES)
def certificate_lists() -> None:
    """list, versions, policy"""
    client = certificates()
    name = scene.VAULT_CERTIFICATE
    expect(name in [one.name for one in client.list_properties_of_certificates()], name)
    equal(len(list(client.list_properties_of_certificate_versions(name))), 1)
    equal(client.get_certificate_policy(name).key_type, "RSA")
    expect(client.get_certificate(name).cer, name)


@check(CERTIFICATES)
def certificate_life() -> None:
    """update, delete, recover"""
    client = certificates()
    name = scene.CHANGED_CERTIFICATE
    version = client.get_certificate(name).properties.version
    changed = client.update_certificate_properties(name, version, tags={"a": "b"})
    equal(changed.properties.tags, {"a": "b"})
    equal(client.begin_delete_certificate(name).result().name, name)
    expect(name in [one.name for one in client.list_deleted_certificates()], name)
    with raises(ResourceNotFoundError, "CertificateNotFound"):
        client.get_certificate(name)
    client.begin_recover_deleted_certificate(name).result()
    equal(client.get_certificate(name).properties.version, version)


@check(KEYS)
def key_lists() -> None:
    """list, versions and one key"""
    need("azure.keyvault.keys")
    from azure.keyvault.keys import KeyClient

    client = KeyClient(f"https://{scene.VAULT}.vault.azure.net", credential())
    name = scene.VAULT_CERTIFICATE
    expect(name in [one.name for one in client.list_properties_of_keys()], name)
    equal(len(list(client.list_properties_of_key_versions(name))), 1)
    equal(client.get_key(name).key_type, "RSA")


@check("azure-keyvault-secrets")
def secret_life() -> None:
    """update, delete, recover and purge"""
    client = vault()
    name = f"Life-{uuid.uuid4()}"
    client.set_secret(name, "value")
    expect(name in [one.name for one in client.list_properties_of_secrets()], name)
    equal(client.update_secret_properties(name, enabled=False).enabled, False)
    with raises(HttpResponseError, "disabled"):
        client.get_secret(name)
    client.update_secret_properties(name, enabled=True)
    client.begin_delete_secret(name).result()
    with raises(HttpResponseError, "recoverable"):
        client.set_secret(name, "again")
    client.begin_recover_deleted_secret(name).result()
    equal(client.get_secret(name).value, "value")
    client.begin_delete_secret(name).result()
    client.purge_deleted_secret(name)
    with raises(ResourceNotFoundError, "SecretNotFound"):
        client.get_deleted_secret(name)
