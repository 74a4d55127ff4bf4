"""What our command sends, beside what Microsoft's clients send for the same settings."""

import uuid

import azure_identity_checks
import jwt
import key_vault_checks
import msal_checks
import msticpy_checks
import person
import scene
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from checks import check, equal
from comparison import differences
from cryptography.hazmat.primitives import hashes
from expected_differences import EXPECTED
from msal_checks import claims, confidential
from recorder import Exchange, Recording
from session import attended, command, environment, material, recorder, settings

DEFENDER = "defender"
TOKEN = "/oauth2/v2.0/token"
SECRET_OPTIONS = [
    "--tenant-id",
    scene.TENANT,
    "--client-id",
    scene.HUNTER,
    "--client-secret-env",
    "HARBOUR_SECRET",
]
SECRET_VARIABLE = {"HARBOUR_SECRET": scene.SECRET}


# The titles under which something was compared in this run.
COMPARED: set[str] = set()


def compare(title: str, theirs: Exchange, ours: Exchange) -> None:
    """Fails unless the two differ in exactly what is expected under this title."""
    COMPARED.add(title)
    found = {one.aspect: (one.theirs, one.ours) for one in differences(theirs, ours)}
    expected = {
        aspect: (left, right) for aspect, (left, right, _why) in EXPECTED.get(title, {}).items()
    }
    equal(ours.status, theirs.status)
    equal(found, expected)


def our_token() -> Exchange:
    """The token request of our command with a client secret."""
    with recorder().recording() as recording:
        command(["token", "--raw", *SECRET_OPTIONS], SECRET_VARIABLE)
    return recording.one(TOKEN)


@check(DEFENDER)
def secret_and_msal() -> None:
    """a client secret's token request beside MSAL's"""
    with recorder().recording() as recording:
        claims(confidential(scene.SECRET).acquire_token_for_client([scene.GRAPH_SCOPE]))
    compare("client secret, MSAL", recording.one(TOKEN), our_token())


@check(DEFENDER)
def secret_and_azure_identity() -> None:
    """a client secret's token request beside azure-identity's"""
    with recorder().recording() as recording:
        ClientSecretCredential(scene.TENANT, scene.HUNTER, scene.SECRET).get_token(
            scene.GRAPH_SCOPE
        )
    compare("client secret, azure-identity", recording.one(TOKEN), our_token())


@check(DEFENDER)
def secret_and_msticpy() -> None:
    """a client secret's token request beside MSTICPy's"""
    with recorder().recording() as recording:
        msticpy_checks.connected()
    compare("client secret, MSTICPy", recording.one(TOKEN), our_token())


def hunt(environment: str, ending: str) -> tuple[Exchange, Exchange]:
    """The same query by MSTICPy and by our command."""
    query = "AlertInfo | where Title != 'ä \"quoted\"' | count"
    with recorder().recording() as recording:
        msticpy_checks.connected(environment).exec_query(query)
    theirs = recording.one(ending)
    with recorder().recording() as recording:
        command(["query", "--env", environment, *SECRET_OPTIONS, query], SECRET_VARIABLE)
    return theirs, recording.one(ending)


@check(DEFENDER)
def hunting_in_graph() -> None:
    """a query to Graph beside MSTICPy's"""
    compare("query to Graph, MSTICPy", *hunt("M365DGraph", "/security/runHuntingQuery"))


@check(DEFENDER)
def hunting_in_endpoint() -> None:
    """a query to Defender for Endpoint beside MSTICPy's"""
    compare("query to MDE, MSTICPy", *hunt("MDE", "/api/advancedqueries/run"))


@check(DEFENDER)
def fewer_requests() -> None:
    """signing in costs one request where MSAL makes two"""
    with recorder().recording() as recording:
        confidential(scene.SECRET).acquire_token_for_client([scene.GRAPH_SCOPE])
    theirs = [(one.method, one.path) for one in recording.exchanges]
    with recorder().recording() as recording:
        command(["token", "--raw", *SECRET_OPTIONS], SECRET_VARIABLE)
    ours = [(one.method, one.path) for one in recording.exchanges]
    discovery = ("GET", f"/{scene.TENANT}/v2.0/.well-known/openid-configuration")
    equal([one for one in theirs if one not in ours], [discovery])


def settings_token(name: str, arguments: dict[str, object], **variables: str) -> Recording:
    """Everything that our command sends for a token with these settings."""
    document = {"DataProviders": {"MicrosoftDefender": {"Args": arguments}}}
    path = settings(name, document)
    with environment(**variables), recorder().recording() as recording:
        command(["token", "--raw", "--config", str(path)])
    return recording


@check(DEFENDER)
def certificate_and_msal() -> None:
    """a certificate's assertion beside MSAL's: PS256 and x5t#S256"""
    credential = {
        "private_key_pfx_path": str(material().both_pfx),
        "passphrase": scene.KEY_PASSWORD,
    }
    with recorder().recording() as recording:
        claims(confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE]))
    ours = settings_token(
        "certificate",
        {
            "TenantId": scene.TENANT,
            "ClientId": scene.HUNTER,
            "Certificate": str(material().both_pfx),
            "PrivateKeySecret": scene.KEY_PASSWORD,
        },
    )
    compare("certificate, MSAL", recording.one(TOKEN), ours.one(TOKEN))


@check(DEFENDER)
def certificate_signature() -> None:
    """our assertion's signature verifies with another library, and its thumbprint is right"""
    ours = settings_token(
        "certificate-pem",
        {
            "TenantId": scene.TENANT,
            "ClientId": scene.HUNTER,
            "Certificate": str(material().certificate_pem),
            "PrivateKey": str(material().key_pem),
        },
    )
    token = ours.one(TOKEN).form["client_assertion"]
    certificate = material().certificate()
    header = jwt.get_unverified_header(token)
    equal(header["x5t#S256"], scene.thumbprint_for_header(certificate, hashes.SHA256()))
    found = jwt.decode(
        token,
        certificate.public_key(),
        algorithms=["PS256"],
        audience=f"{scene.authority()}/oauth2/v2.0/token",
    )
    equal((found["iss"], found["sub"]), (scene.HUNTER, scene.HUNTER))


@check(DEFENDER)
def workload_and_azure_identity() -> None:
    """a workload's token request beside azure-identity's"""
    path = str(material().federated_token())
    with recorder().recording() as recording:
        azure_identity_checks.workload().get_token(scene.GRAPH_SCOPE)
    ours = settings_token(
        "workload",
        {"TenantId": scene.TENANT, "ClientId": scene.WORKLOAD, "AuthType": "workload-identity"},
        AZURE_FEDERATED_TOKEN_FILE=path,
        AZURE_CLIENT_ID=scene.WORKLOAD,
        AZURE_TENANT_ID=scene.TENANT,
    )
    compare("workload identity, azure-identity", recording.one(TOKEN), ours.one(TOKEN))


@check(DEFENDER)
def identity_and_azure_identity() -> None:
    """a machine's token request beside azure-identity's"""
    path = "/metadata/identity/oauth2/token"
    with recorder().recording() as recording:
        ManagedIdentityCredential(client_id=scene.ASSIGNED).get_token(scene.GRAPH_SCOPE)
    ours = settings_token(
        "identity",
        {"TenantId": scene.TENANT, "ClientId": scene.ASSIGNED, "AuthType": "managed-identity"},
    )
    # Before it trusts the address our command looks whether it is the metadata service at all.
    probe, question = ours.to(path, "GET")
    equal(probe.query, {"api-version": "2018-02-01"})
    compare("managed identity, azure-identity", recording.one(path, "GET"), question)


@check(DEFENDER)
def vault_and_azure_sdk() -> None:
    """a secret's request beside azure-keyvault-secrets'"""
    with recorder().recording() as recording:
        key_vault_checks.vault(scene.COMPARED_VAULT).get_secret(scene.CLIENT_SECRET_NAME)
    theirs = recording
    path = settings(
        "vault",
        {
            "Azure": {"auth_methods": ["env"]},
            "KeyVault": {"TenantId": scene.TENANT, "VaultName": scene.COMPARED_VAULT},
            "DataProviders": {
                "MicrosoftDefender": {
                    "Args": {
                        "TenantId": scene.TENANT,
                        "ClientId": scene.HUNTER,
                        "ClientSecret": {"KeyVault": ""},
                    }
                }
            },
        },
    )
    with recorder().recording() as recording:
        command(["token", "--raw", "--config", str(path)])
    compare("secret of Key Vault, azure-keyvault-secrets", answered(theirs), answered(recording))


@check(DEFENDER)
def written_secret_and_azure_sdk() -> None:
    """writing a secret beside azure-keyvault-secrets'"""
    name = f"Compared-{uuid.uuid4()}"
    with recorder().recording() as recording:
        key_vault_checks.vault().set_secret(name, "a value")
    theirs = recording.to(f"/secrets/{name}", "PUT")[-1]
    path = settings(
        "written",
        {
            "Azure": {"auth_methods": ["env"]},
            "KeyVault": {"TenantId": scene.TENANT, "VaultName": scene.VAULT},
            "DataProviders": {"MicrosoftDefender": {"Args": {"TenantId": scene.TENANT}}},
        },
    )
    setting = "DataProviders.MicrosoftDefender.Args.ClientSecret"
    reference = f"{scene.VAULT}/{name}"
    with recorder().recording() as recording:
        command(
            ["config", "set", setting, "--config", str(path), "--key-vault", reference, "--stdin"],
            given="a value",
        )
    ours = recording.to(f"/secrets/{name}", "PUT")[-1]
    compare("written secret, azure-keyvault-secrets", theirs, ours)


USER_OPTIONS = ["--tenant-id", scene.TENANT, "--client-id", scene.HUNTER]


def granted(recording: Recording, grant: str) -> Exchange:
    """The token request of this grant."""
    return next(
        one for one in recording.to(TOKEN) if one.form["grant_type"] == grant and one.status == 200
    )


@check(DEFENDER)
def browser_and_msal() -> None:
    """a browser's sign-in beside MSAL's: the address, and the code's exchange"""
    with recorder().recording() as recording:
        claims(msal_checks.interactive(login_hint=scene.ANALYST)[1])
    theirs = recording
    with recorder().recording() as recording:
        attended(
            ["login", *USER_OPTIONS, "--auth-type", "browser", "--username", scene.ANALYST]
        )
    page = "/oauth2/v2.0/authorize"
    compare("browser's address, MSAL", theirs.one(page, "GET"), recording.one(page, "GET"))
    grant = "authorization_code"
    compare("code, MSAL", granted(theirs, grant), granted(recording, grant))


@check(DEFENDER)
def device_and_msal() -> None:
    """a device code's sign-in beside MSAL's: asking for the code, and polling"""
    with recorder().recording() as recording:
        claims(msal_checks.device(person.APPROVE)[1])
    theirs = recording
    with recorder().recording() as recording:
        attended(["login", *USER_OPTIONS, "--auth-type", "device", "--no-token-cache"])
    asking = "/oauth2/v2.0/devicecode"
    compare("device code, MSAL", theirs.one(asking), recording.one(asking))
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    compare("device code's poll, MSAL", granted(theirs, grant), granted(recording, grant))


@check(DEFENDER)
def refresh_and_msal() -> None:
    """a refresh token's request beside MSAL's"""
    application, answer = msal_checks.interactive()
    claims(answer)
    with recorder().recording() as recording:
        account = application.get_accounts()[0]
        claims(application.acquire_token_silent([scene.MDE_SCOPE], account))
    theirs = recording
    attended(["login", *USER_OPTIONS, "--auth-type", "browser", "--username", scene.ANALYST])
    with recorder().recording() as recording:
        arguments = ["--env", "MDE", "--username", scene.ANALYST, "--no-input"]
        command(["token", "--raw", *USER_OPTIONS, *arguments])
    compare(
        "refresh token, MSAL",
        granted(theirs, "refresh_token"),
        granted(recording, "refresh_token"),
    )


def answered(recording: Recording) -> Exchange:
    """The request for the secret that got it; a client that does not know the tenant was asked
    for a token first."""
    found = recording.to(f"/secrets/{scene.CLIENT_SECRET_NAME}/", "GET") or recording.to(
        f"/secrets/{scene.CLIENT_SECRET_NAME}", "GET"
    )
    return next(one for one in found if one.status == 200)
