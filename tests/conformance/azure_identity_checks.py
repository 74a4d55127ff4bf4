"""azure-identity: the credentials that a vault and the services are signed in to with."""

import os
import re

import person
import scene
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureAuthorityHosts,
    CertificateCredential,
    ChainedTokenCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from checks import check, equal, expect, raises
from msal_checks import claims
from session import browser, environment, material, no_azure_variables

IDENTITY = "azure-identity"


def application(credential: object, scope: str = scene.GRAPH_SCOPE) -> str:
    """The application in a credential's token."""
    return claims({"access_token": credential.get_token(scope).token})["appid"]


@check(IDENTITY)
def secret() -> None:
    """ClientSecretCredential"""
    credential = ClientSecretCredential(scene.TENANT, scene.HUNTER, scene.SECRET)
    equal(application(credential), scene.HUNTER)
    equal(application(credential, scene.VAULT_SCOPE), scene.HUNTER)


@check(IDENTITY)
def wrong_secret() -> None:
    """ClientSecretCredential with a wrong secret"""
    with raises(ClientAuthenticationError, "AADSTS7000215"):
        ClientSecretCredential(scene.TENANT, scene.HUNTER, "wrong").get_token(scene.GRAPH_SCOPE)


@check(IDENTITY)
def unknown_tenant() -> None:
    """ClientSecretCredential in an unknown tenant"""
    with raises(ClientAuthenticationError, "Unable to get authority configuration"):
        ClientSecretCredential(scene.UNKNOWN, scene.HUNTER, scene.SECRET).get_token(
            scene.GRAPH_SCOPE
        )


@check(IDENTITY)
def certificate_pem() -> None:
    """CertificateCredential with a PEM file"""
    credential = CertificateCredential(scene.TENANT, scene.HUNTER, str(material().both_pem))
    equal(application(credential), scene.HUNTER)


@check(IDENTITY)
def certificate_pfx() -> None:
    """CertificateCredential with a PFX file and its chain"""
    credential = CertificateCredential(
        scene.TENANT,
        scene.HUNTER,
        str(material().both_pfx),
        password=scene.KEY_PASSWORD,
        send_certificate_chain=True,
    )
    equal(application(credential), scene.HUNTER)


@check(IDENTITY)
def unregistered_certificate() -> None:
    """CertificateCredential with a certificate that is not registered"""
    with raises(ClientAuthenticationError, "AADSTS700027"):
        CertificateCredential(
            scene.TENANT, scene.HUNTER, str(material().stranger_both_pem)
        ).get_token(scene.GRAPH_SCOPE)


@check(IDENTITY)
def environment_secret() -> None:
    """EnvironmentCredential with the variables that the emulator sets"""
    equal(os.environ["AZURE_CLIENT_SECRET"], scene.SECRET)
    equal(application(EnvironmentCredential()), scene.HUNTER)


@check(IDENTITY)
def environment_certificate() -> None:
    """EnvironmentCredential with a certificate"""
    with environment(
        AZURE_CLIENT_SECRET=None,
        AZURE_CLIENT_CERTIFICATE_PATH=str(material().both_pfx),
        AZURE_CLIENT_CERTIFICATE_PASSWORD=scene.KEY_PASSWORD,
    ):
        equal(application(EnvironmentCredential()), scene.HUNTER)


@check(IDENTITY)
def environment_incomplete() -> None:
    """EnvironmentCredential without variables says so"""
    with no_azure_variables(), raises(CredentialUnavailableError, "not fully configured"):
        EnvironmentCredential().get_token(scene.GRAPH_SCOPE)


def workload(subject: str = scene.SUBJECT) -> WorkloadIdentityCredential:
    """A workload of the cluster that runs as `subject`."""
    return WorkloadIdentityCredential(
        tenant_id=scene.TENANT,
        client_id=scene.WORKLOAD,
        token_file_path=str(material().federated_token(subject)),
    )


@check(IDENTITY)
def workload_identity() -> None:
    """WorkloadIdentityCredential with the token of another issuer"""
    equal(application(workload()), scene.WORKLOAD)


@check(IDENTITY)
def workload_other_subject() -> None:
    """WorkloadIdentityCredential with a token for somebody else"""
    with raises(ClientAuthenticationError, "AADSTS700213"):
        workload("system:serviceaccount:other:other").get_token(scene.GRAPH_SCOPE)


@check(IDENTITY)
def workload_variables() -> None:
    """WorkloadIdentityCredential from AZURE_FEDERATED_TOKEN_FILE"""
    with environment(
        AZURE_CLIENT_ID=scene.WORKLOAD,
        AZURE_FEDERATED_TOKEN_FILE=str(material().federated_token()),
    ):
        equal(application(WorkloadIdentityCredential()), scene.WORKLOAD)


@check(IDENTITY)
def assertion() -> None:
    """ClientAssertionCredential"""
    path = material().federated_token()
    credential = ClientAssertionCredential(
        scene.TENANT, scene.WORKLOAD, lambda: path.read_text(encoding="utf-8")
    )
    equal(application(credential), scene.WORKLOAD)


@check(IDENTITY)
def managed_identity() -> None:
    """ManagedIdentityCredential of the machine"""
    with no_azure_variables():
        equal(application(ManagedIdentityCredential()), scene.MACHINE)


@check(IDENTITY)
def assigned_identity() -> None:
    """ManagedIdentityCredential with an assigned identity"""
    equal(application(ManagedIdentityCredential(client_id=scene.ASSIGNED)), scene.ASSIGNED)


@check(IDENTITY)
def unknown_identity() -> None:
    """ManagedIdentityCredential with an identity that the machine does not have"""
    with raises(CredentialUnavailableError, "Identity not found"):
        ManagedIdentityCredential(client_id=scene.UNKNOWN).get_token(scene.GRAPH_SCOPE)


@check(IDENTITY)
def chain_goes_on() -> None:
    """ChainedTokenCredential goes on past what is not configured"""
    with no_azure_variables():
        chain = ChainedTokenCredential(EnvironmentCredential(), ManagedIdentityCredential())
        equal(application(chain), scene.MACHINE)


@check(IDENTITY)
def chain_stops() -> None:
    """ChainedTokenCredential stops at a refusal"""
    chain = ChainedTokenCredential(
        ClientSecretCredential(scene.TENANT, scene.HUNTER, "wrong"),
        ClientSecretCredential(scene.TENANT, scene.HUNTER, scene.SECRET),
    )
    with raises(ClientAuthenticationError, "AADSTS7000215"):
        chain.get_token(scene.GRAPH_SCOPE)


@check(IDENTITY)
def default() -> None:
    """DefaultAzureCredential takes the environment first"""
    equal(application(DefaultAzureCredential()), scene.HUNTER)


@check(IDENTITY)
def government() -> None:
    """ClientSecretCredential at the US government's authority"""
    credential = ClientSecretCredential(
        scene.GOVERNMENT,
        scene.GOVERNMENT_HUNTER,
        scene.GOVERNMENT_SECRET,
        authority=AzureAuthorityHosts.AZURE_GOVERNMENT,
    )
    scope = "https://graph.microsoft.us/.default"
    equal(application(credential, scope), scene.GOVERNMENT_HUNTER)


@check(IDENTITY)
def china() -> None:
    """ClientSecretCredential at 21Vianet's authority"""
    credential = ClientSecretCredential(
        scene.CHINA,
        scene.CHINA_HUNTER,
        scene.CHINA_SECRET,
        authority=AzureAuthorityHosts.AZURE_CHINA,
    )
    scope = "https://microsoftgraph.chinacloudapi.cn/.default"
    equal(application(credential, scope), scene.CHINA_HUNTER)


@check(IDENTITY)
def interactive_browser() -> None:
    """InteractiveBrowserCredential"""
    credential = InteractiveBrowserCredential(
        tenant_id=scene.TENANT, client_id=scene.HUNTER, timeout=10
    )
    with browser(person.APPROVE):
        token = credential.get_token(scene.VAULT_SCOPE).token
    equal(claims({"access_token": token})["upn"], scene.ANALYST)


@check(IDENTITY)
def device_code() -> None:
    """DeviceCodeCredential"""
    shown: list[str] = []

    def prompt(address: str, code: str, _expires: object) -> None:
        shown.append(code)
        person.visit(address, person.APPROVE, code)

    credential = DeviceCodeCredential(
        tenant_id=scene.TENANT, client_id=scene.HUNTER, prompt_callback=prompt
    )
    token = credential.get_token(scene.VAULT_SCOPE).token
    equal(claims({"access_token": token})["upn"], scene.ANALYST)
    expect(re.fullmatch("[A-Z0-9]{8,9}", shown[0]), shown)
