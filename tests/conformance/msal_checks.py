"""MSAL: every grant, and every way to be refused one."""

import functools

import jwt
import msal
import person
import requests
import scene
from checks import check, contains, equal, expect, raises
from session import browser, environment, folder, material, recorder

MSAL = "msal"


def confidential(
    credential: object,
    authority: str | None = None,
    client_id: str = scene.HUNTER,
) -> msal.ConfidentialClientApplication:
    """An application with a proof, and no tokens yet."""
    return msal.ConfidentialClientApplication(
        client_id, authority=authority or scene.authority(), client_credential=credential
    )


def public(client_id: str = scene.HUNTER) -> msal.PublicClientApplication:
    """An application without a proof."""
    return msal.PublicClientApplication(client_id, authority=scene.authority())


def claims(answer: dict) -> dict:
    """What the token of an answer says, or an error with the refusal."""
    token = answer.get("access_token")
    expect(token, {key: answer.get(key) for key in ("error", "error_description", "error_codes")})
    return jwt.decode(token, options={"verify_signature": False})


def refused(answer: dict | None, error: str, code: int) -> None:
    """Fails unless this is a whole refusal with this error and AADSTS number."""
    expect(answer, answer)
    equal((answer.get("error"), answer.get("error_codes")), (error, [code]))
    contains(answer["error_description"], f"AADSTS{code}: ", "Trace ID: ", "Correlation ID: ")
    expect(answer.get("correlation_id"), answer)


def hunt(token: str) -> requests.Response:
    """Asks Graph a question."""
    return requests.post(
        "https://graph.microsoft.com/v1.0/security/runHuntingQuery",
        headers={"Authorization": f"Bearer {token}"},
        json={"Query": "AlertInfo | count"},
        timeout=30,
    )


@check(MSAL)
def secret() -> None:
    """a client secret gets a token that Graph takes"""
    answer = confidential(scene.SECRET).acquire_token_for_client([scene.GRAPH_SCOPE])
    found = claims(answer)
    equal(found["aud"], "https://graph.microsoft.com")
    equal((found["appid"], found["tid"]), (scene.HUNTER, scene.TENANT))
    expect("ThreatHunting.Read.All" in found["roles"], found["roles"])
    equal(hunt(answer["access_token"]).status_code, 200)


@check(MSAL)
def secret_by_domain() -> None:
    """a tenant may be named by its domain"""
    application = confidential(scene.SECRET, scene.authority(scene.DOMAIN))
    equal(claims(application.acquire_token_for_client([scene.MDE_SCOPE]))["tid"], scene.TENANT)


@check(MSAL)
def published_keys() -> None:
    """a token's signature verifies with the keys that the authority publishes"""
    token = confidential(scene.SECRET).acquire_token_for_client([scene.MDE_SCOPE])["access_token"]
    document = requests.get(
        f"{scene.authority()}/v2.0/.well-known/openid-configuration", timeout=30
    ).json()
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(token)
    found = jwt.decode(
        token, key.key, algorithms=["RS256"], audience="https://api.securitycenter.microsoft.com"
    )
    equal(found["iss"], f"https://sts.windows.net/{scene.TENANT}/")


@check(MSAL)
def cached() -> None:
    """a second question is answered from the cache"""
    application = confidential(scene.SECRET)
    first = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    second = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(second["token_source"], "cache")
    equal(second["access_token"], first["access_token"])


@check(MSAL)
def wrong_secret() -> None:
    """a wrong secret is AADSTS7000215"""
    answer = confidential("wrong").acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 7000215)


@check(MSAL)
def expired_secret() -> None:
    """an expired secret is AADSTS7000222"""
    answer = confidential(scene.EXPIRED_SECRET).acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 7000222)


@check(MSAL)
def unknown_application() -> None:
    """an unknown application is AADSTS700016"""
    application = confidential(scene.SECRET, client_id=scene.UNKNOWN)
    answer = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "unauthorized_client", 700016)


@check(MSAL)
def unknown_tenant() -> None:
    """an unknown tenant is AADSTS90002 already at its OpenID configuration"""
    with recorder().recording() as recording:
        with raises(ValueError, "Unable to get authority configuration", scene.UNKNOWN):
            confidential(scene.SECRET, scene.authority(scene.UNKNOWN))
    contains(recording.one("/openid-configuration", "GET").answer.decode(), "AADSTS90002")


@check(MSAL)
def unknown_resource() -> None:
    """an unknown resource is AADSTS500011"""
    answer = confidential(scene.SECRET).acquire_token_for_client(
        ["https://nothing.microsoft.com/.default"]
    )
    refused(answer, "invalid_resource", 500011)


@check(MSAL)
def resource_of_another_cloud() -> None:
    """a government resource is AADSTS500011 at the global authority"""
    answer = confidential(scene.SECRET).acquire_token_for_client(
        ["https://graph.microsoft.us/.default"]
    )
    refused(answer, "invalid_resource", 500011)


@check(MSAL)
def scope_without_default() -> None:
    """a single permission in the scope of an application is AADSTS1002012"""
    answer = confidential(scene.SECRET).acquire_token_for_client(
        ["https://graph.microsoft.com/ThreatHunting.Read.All"]
    )
    refused(answer, "invalid_scope", 1002012)


@check(MSAL)
def no_roles() -> None:
    """a token without roles is refused by Graph with 403"""
    application = confidential(scene.SECRET, client_id=scene.POWERLESS)
    answer = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    expect("roles" not in claims(answer), claims(answer))
    response = hunt(answer["access_token"])
    equal(response.status_code, 403)
    contains(response.text, "ThreatHunting.Read.All")


@check(MSAL)
def sha1_certificate() -> None:
    """a certificate with its SHA-1 thumbprint: RS256 and x5t"""
    credential = {
        "private_key": material().key_pem.read_text(encoding="utf-8"),
        "thumbprint": material().thumbprint(),
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.HUNTER)


@check(MSAL)
def sha1_certificate_with_chain() -> None:
    """a certificate with its SHA-1 thumbprint and x5c"""
    credential = {
        "private_key": material().key_pem.read_text(encoding="utf-8"),
        "thumbprint": material().thumbprint(),
        "public_certificate": material().certificate_pem.read_text(encoding="utf-8"),
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.HUNTER)


@check(MSAL)
def sha256_certificate() -> None:
    """a PFX file: PS256 and x5t#S256"""
    credential = {
        "private_key_pfx_path": str(material().both_pfx),
        "passphrase": scene.KEY_PASSWORD,
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.HUNTER)


@check(MSAL)
def sha256_certificate_with_chain() -> None:
    """a PFX file with x5c"""
    credential = {
        "private_key_pfx_path": str(material().both_pfx),
        "passphrase": scene.KEY_PASSWORD,
        "public_certificate": True,
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.HUNTER)


@check(MSAL)
def encrypted_key() -> None:
    """an encrypted key with its passphrase"""
    credential = {
        "private_key": material().encrypted_key_pem.read_text(encoding="utf-8"),
        "passphrase": scene.KEY_PASSWORD,
        "public_certificate": material().certificate_pem.read_text(encoding="utf-8"),
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.HUNTER)


@check(MSAL)
def unregistered_certificate() -> None:
    """a certificate that is not registered is AADSTS700027"""
    credential = {
        "private_key": material().stranger_key_pem.read_text(encoding="utf-8"),
        "public_certificate": material().stranger_pem.read_text(encoding="utf-8"),
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 700027)


@check(MSAL)
def wrong_thumbprint() -> None:
    """the right key under a wrong thumbprint is AADSTS700027"""
    credential = {
        "private_key": material().key_pem.read_text(encoding="utf-8"),
        "thumbprint": "00" * 20,
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 700027)


@check(MSAL)
def wrong_key() -> None:
    """another key under the registered thumbprint is AADSTS700027"""
    credential = {
        "private_key": material().stranger_key_pem.read_text(encoding="utf-8"),
        "thumbprint": material().thumbprint(),
    }
    answer = confidential(credential).acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 700027)


@check(MSAL)
def federated() -> None:
    """another issuer's token stands for the application"""
    token = material().federated_token().read_text(encoding="utf-8")
    application = confidential({"client_assertion": token}, client_id=scene.WORKLOAD)
    answer = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    equal(claims(answer)["appid"], scene.WORKLOAD)


@check(MSAL)
def federated_other_subject() -> None:
    """another issuer's token for somebody else is AADSTS700213"""
    token = material().federated_token("system:serviceaccount:other:other")
    application = confidential(
        {"client_assertion": token.read_text(encoding="utf-8")}, client_id=scene.WORKLOAD
    )
    answer = application.acquire_token_for_client([scene.GRAPH_SCOPE])
    refused(answer, "invalid_client", 700213)


@check(MSAL)
def government() -> None:
    """the US government's authority gives tokens for its own Graph"""
    application = confidential(
        scene.GOVERNMENT_SECRET,
        f"https://login.microsoftonline.us/{scene.GOVERNMENT}",
        scene.GOVERNMENT_HUNTER,
    )
    answer = application.acquire_token_for_client(["https://graph.microsoft.us/.default"])
    equal(claims(answer)["aud"], "https://graph.microsoft.us")
    equal(hunt(answer["access_token"]).status_code, 401)


@check(MSAL)
def china() -> None:
    """21Vianet's authority gives tokens for its own Graph"""
    application = confidential(
        scene.CHINA_SECRET,
        f"https://login.partner.microsoftonline.cn/{scene.CHINA}",
        scene.CHINA_HUNTER,
    )
    answer = application.acquire_token_for_client(
        ["https://microsoftgraph.chinacloudapi.cn/.default"]
    )
    equal(claims(answer)["iss"], f"https://sts.chinacloudapi.cn/{scene.CHINA}/")


@check(MSAL)
def tenant_of_another_cloud() -> None:
    """a government tenant is refused by the global authority"""
    with recorder().recording() as recording:
        with raises(ValueError, "Unable to get authority configuration"):
            confidential(
                scene.GOVERNMENT_SECRET,
                scene.authority(scene.GOVERNMENT),
                scene.GOVERNMENT_HUNTER,
            )
    contains(recording.one("/openid-configuration", "GET").answer.decode(), "AADSTS90038: ")


@check(MSAL)
def unknown_authority() -> None:
    """a host that is no authority is told so by instance discovery"""
    with raises(ValueError, "invalid_instance"):
        confidential(scene.SECRET, f"https://login.harbour.example/{scene.TENANT}")


def interactive(
    behaviour: str = person.APPROVE, client_id: str = scene.HUNTER, **options: object
) -> tuple[msal.PublicClientApplication, dict]:
    """Signs in with a browser in which somebody behaves so."""
    application = public(client_id)
    with browser(behaviour):
        answer = application.acquire_token_interactive(
            [scene.GRAPH_SCOPE], **{"timeout": 20, **options}
        )
    return application, answer


def stranded(client_id: str = scene.HUNTER, **options: object) -> str:
    """The page at which a sign-in ends that does not come back to the client."""
    page = folder() / "last-page.html"
    page.unlink(missing_ok=True)
    with (
        environment(**{person.LAST_PAGE: str(page)}),
        raises(Exception, "did not complete the flow in time"),
    ):
        interactive(client_id=client_id, timeout=3, **options)
    return page.read_text(encoding="utf-8")


def user_token(scope: str) -> str:
    """The analyst's token for one permission."""
    with browser(person.APPROVE):
        answer = public().acquire_token_interactive([scope], timeout=10)
    expect(answer.get("access_token"), answer)
    return answer["access_token"]


@check(MSAL)
def browser_sign_in() -> None:
    """the browser: code, PKCE, nonce and form_post to a loopback port"""
    application, answer = interactive()
    found = claims(answer)
    equal((found["upn"], found["appid"]), (scene.ANALYST, scene.HUNTER))
    expect("ThreatHunting.Read.All" in found["scp"].split(), found["scp"])
    expect("roles" not in found, found)
    equal(answer["id_token_claims"]["preferred_username"], scene.ANALYST)
    equal([account["username"] for account in application.get_accounts()], [scene.ANALYST])
    equal(hunt(answer["access_token"]).status_code, 200)


@check(MSAL)
def browser_account() -> None:
    """the browser: a hint decides who signs in"""
    _, answer = interactive(login_hint=scene.OTHER_PERSON)
    equal(claims(answer)["upn"], scene.OTHER_PERSON)


@check(MSAL)
def browser_denied() -> None:
    """the browser: who does not agree sends access_denied back"""
    _, answer = interactive(person.DENY)
    equal(answer.get("error"), "access_denied")


@check(MSAL)
def browser_forged_state() -> None:
    """the browser: a state that was changed on the way is not taken"""
    with raises(Exception, "did not complete the flow in time"):
        interactive(person.FORGE, timeout=2)


@check(MSAL)
def browser_no_consent() -> None:
    """the browser: who may not consent is sent back with AADSTS90094"""
    _, answer = interactive(client_id=scene.UNCONSENTED)
    contains(answer, "AADSTS90094")


@check(MSAL)
def browser_nobody() -> None:
    """the browser: without a page and without a session it is AADSTS50058"""
    _, answer = interactive(prompt="none")
    equal(answer.get("error"), "login_required")
    contains(answer, "AADSTS50058")


@check(MSAL)
def browser_foreign_redirect() -> None:
    """the browser: an address that is not registered gets nothing"""
    contains(stranded(scene.CLOSED), "AADSTS50011")


@check(MSAL)
def browser_conditional_access() -> None:
    """the browser: who is blocked by conditional access gets AADSTS53003"""
    contains(stranded(login_hint=scene.BLOCKED), "AADSTS53003")


def code_flow(application: msal.PublicClientApplication) -> tuple[dict, dict[str, str]]:
    """A flow whose code has arrived, and what arrived."""
    flow = application.initiate_auth_code_flow(
        [scene.GRAPH_SCOPE], redirect_uri="http://localhost:1"
    )
    arrived = person.arrival(flow["auth_uri"])
    return flow, arrived


@check(MSAL)
def code_twice() -> None:
    """a code that was redeemed is AADSTS54005 the second time"""
    application = public()
    flow, arrived = code_flow(application)
    claims(application.acquire_token_by_auth_code_flow(flow, arrived))
    refused(
        application.acquire_token_by_auth_code_flow(flow, arrived), "invalid_grant", 54005
    )


@check(MSAL)
def wrong_verifier() -> None:
    """a verifier that does not fit the challenge is AADSTS501481"""
    application = public()
    flow, arrived = code_flow(application)
    answer = application.acquire_token_by_auth_code_flow(
        flow | {"code_verifier": "x" * 43}, arrived
    )
    refused(answer, "invalid_grant", 501481)


@check(MSAL)
def other_redirect() -> None:
    """a code that is redeemed for another address is refused"""
    application = public()
    flow, arrived = code_flow(application)
    answer = application.acquire_token_by_auth_code_flow(
        flow | {"redirect_uri": "http://localhost:2"}, arrived
    )
    equal(answer.get("error"), "invalid_grant")


@functools.cache
def signed_in() -> msal.PublicClientApplication:
    """An application with an account, for checks that do not change it."""
    application, answer = interactive()
    claims(answer)
    return application


@check(MSAL)
def silent() -> None:
    """an account's token comes from the cache"""
    application = signed_in()
    answer = application.acquire_token_silent(
        [scene.GRAPH_SCOPE], application.get_accounts()[0]
    )
    equal(answer["token_source"], "cache")


@check(MSAL)
def refreshed() -> None:
    """a refresh token gets another token and is replaced"""
    application = signed_in()
    account = application.get_accounts()[0]
    kind = msal.TokenCache.CredentialType.REFRESH_TOKEN
    before = [entry["secret"] for entry in application.token_cache.search(kind)]
    answer = application.acquire_token_silent_with_error(
        [scene.GRAPH_SCOPE], account, force_refresh=True
    )
    equal(claims(answer)["upn"], scene.ANALYST)
    after = [entry["secret"] for entry in application.token_cache.search(kind)]
    equal((len(before), len(after)), (1, 1))
    expect(before != after, "the same refresh token")


@check(MSAL)
def refreshed_for_another_resource() -> None:
    """a refresh token gets a token for another API"""
    application = signed_in()
    answer = application.acquire_token_silent(
        [scene.MDE_SCOPE], application.get_accounts()[0]
    )
    equal(claims(answer)["aud"], "https://api.securitycenter.microsoft.com")


@check(MSAL)
def made_up_refresh_token() -> None:
    """a refresh token that was never given is refused"""
    answer = public().acquire_token_by_refresh_token("made up", [scene.GRAPH_SCOPE])
    equal(answer.get("error"), "invalid_grant")


def device(behaviour: str, client_id: str = scene.HUNTER) -> tuple[dict, dict]:
    """A device code that somebody has been at before the client asks, and the answer."""
    application = public(client_id)
    flow = application.initiate_device_flow([scene.GRAPH_SCOPE])
    expect("user_code" in flow, flow)
    person.visit(flow["verification_uri"], behaviour, flow["user_code"])
    return flow, application.acquire_token_by_device_flow(flow)


@check(MSAL)
def device_code() -> None:
    """a device code that somebody enters gets a token"""
    flow, answer = device(person.APPROVE)
    equal(claims(answer)["upn"], scene.ANALYST)
    contains(flow["message"], flow["user_code"], flow["verification_uri"])
    expect(answer.get("refresh_token"), sorted(answer))


@check(MSAL)
def device_code_declined() -> None:
    """a device code that somebody declines ends with authorization_declined"""
    _, answer = device(person.DENY)
    equal(answer.get("error"), "authorization_declined")


@check(MSAL)
def device_code_pending() -> None:
    """a device code that nobody enters stays authorization_pending"""
    application = public()
    flow = application.initiate_device_flow([scene.GRAPH_SCOPE])
    flow["expires_at"] = 0
    answer = application.acquire_token_by_device_flow(flow)
    refused(answer, "authorization_pending", 70016)


@check(MSAL)
def device_code_closed() -> None:
    """without public client flows the device code ends with AADSTS7000218"""
    _, answer = device(person.APPROVE, scene.CLOSED)
    refused(answer, "invalid_client", 7000218)


def machine(identity: msal.SystemAssignedManagedIdentity | msal.UserAssignedManagedIdentity) -> dict:
    """What the machine's metadata service answers."""
    with requests.Session() as http:
        return msal.ManagedIdentityClient(identity, http_client=http).acquire_token_for_client(
            resource="https://graph.microsoft.com"
        )


@check(MSAL)
def managed_identity() -> None:
    """the machine's identity gets a token from the metadata service"""
    equal(claims(machine(msal.SystemAssignedManagedIdentity()))["appid"], scene.MACHINE)


@check(MSAL)
def assigned_identity() -> None:
    """an assigned identity is named by client or resource"""
    identities = [
        msal.UserAssignedManagedIdentity(client_id=scene.ASSIGNED),
        msal.UserAssignedManagedIdentity(resource_id=scene.ASSIGNED_RESOURCE),
    ]
    equal([claims(machine(one))["appid"] for one in identities], [scene.ASSIGNED] * 2)


@check(MSAL)
def unknown_identity() -> None:
    """an identity that the machine does not have is refused"""
    answer = machine(msal.UserAssignedManagedIdentity(client_id=scene.UNKNOWN))
    equal(answer.get("error"), "invalid_request")
    contains(answer["error_description"], "Identity not found")
