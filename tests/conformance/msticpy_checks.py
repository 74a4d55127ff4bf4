"""MSTICPy: connecting its hunting providers, and what comes back."""

import contextlib
import datetime
import functools
import io
import json
import warnings

import httpx
import pandas as pd
import person
import scene
from checks import check, contains, equal, expect, raises
from msticpy.common import pkg_config
from msticpy.common.exceptions import MsticpyException
from msticpy.data.core.data_providers import QueryProvider
from session import command, environment, material, recorder, settings

MSTICPY = "msticpy"

# MSTICPy warns that the API of Microsoft 365 Defender has ended; that is checked where it matters.
warnings.simplefilter("ignore")


def provider(name: str = "M365DGraph", **options: object) -> QueryProvider:
    """A provider that is not connected."""
    return QueryProvider(name, **options)


def connected(name: str = "M365DGraph", **options: object) -> QueryProvider:
    """A provider that is connected with the hunter's secret."""
    made = provider(name, **options)
    made.connect(
        tenant_id=scene.TENANT, client_id=scene.HUNTER, client_secret=scene.SECRET
    )
    return made


QUERY = "AlertInfo | count"


def count(made: QueryProvider) -> int:
    """The number of alerts that a provider finds."""
    return int(made.exec_query(QUERY)["Count"][0])


@functools.cache
def alerts(instance: str | None = None) -> int:
    """The number of alerts that our command finds."""
    named = ["--instance", instance] if instance else []
    return json.loads(command(["query", "--format", "json", *named, QUERY]))[0]["Count"]


@check(MSTICPY)
def secret() -> None:
    """M365DGraph with a client secret"""
    equal(count(connected()), alerts())


@check(MSTICPY)
def endpoint() -> None:
    """MDE with a client secret"""
    equal(count(connected("MDE")), alerts())


@check(MSTICPY)
def defender() -> None:
    """M365D with a client secret, which is sent to the API of MDE"""
    equal(count(connected("M365D")), alerts())


@check(MSTICPY)
def region() -> None:
    """MDE in a region"""
    equal(count(connected("MDE", cloud="eu")), alerts())


@check(MSTICPY)
def connection_string() -> None:
    """a connection string without its quotes"""
    made = provider()
    plain = scene.GOVERNMENT_SECRET
    with raises(MsticpyException, "AADSTS7000215"):
        made.connect(f"tenant_id={scene.TENANT};client_id={scene.HUNTER};client_secret={plain}")
    made.connect(
        f"tenant_id={scene.TENANT}; client_id={scene.HUNTER}; client_secret={scene.SECRET}"
    )
    equal(count(made), alerts())


@check(MSTICPY)
def settings_file() -> None:
    """the settings file that the emulator writes"""
    made = provider()
    made.connect()
    equal(count(made), alerts())


@check(MSTICPY)
def instance() -> None:
    """an instance of the settings file, in the cloud of the US government"""
    made = provider(cloud="usgov")
    made.connect(instance="Lighthouse")
    equal(count(made), alerts("Lighthouse"))


@check(MSTICPY)
def wrong_secret() -> None:
    """a wrong secret fails with Entra ID's words"""
    with raises(MsticpyException, "AADSTS7000215"):
        provider().connect(
            tenant_id=scene.TENANT, client_id=scene.HUNTER, client_secret="wrong"
        )


@check(MSTICPY)
def security_graph() -> None:
    """SecurityGraph gets alerts, the first page in one row, and a 400 for a wrong filter"""
    made = connected("SecurityGraph")
    path = "/security/alerts_v2?$filter=severity eq 'medium'&$top=1"
    frame = made.exec_query(path)
    equal(len(frame), 1)
    page = frame["value"][0]
    ours = json.loads(
        command(["query", "--env", "SecurityGraph", "--format", "json", path])
    )
    # It reads one page; ours goes on to the last one.
    equal([one["id"] for one in page], [ours[0]["id"]])
    expect(len(ours) > 1, ours)
    with raises(httpx.HTTPStatusError, "400 Bad Request"):
        made.exec_query("/security/alerts_v2?$filter=title eq 'x'")


@check(MSTICPY)
def certificate() -> None:
    """a certificate as DER, and its key"""
    made = provider()
    made.connect(
        tenant_id=scene.TENANT,
        client_id=scene.HUNTER,
        certificate=str(material().certificate_der),
        private_key=str(material().key_pem),
    )
    equal(count(made), alerts())


@check(MSTICPY)
def encrypted_key() -> None:
    """a certificate whose key is encrypted"""
    made = provider("MDE")
    made.connect(
        tenant_id=scene.TENANT,
        client_id=scene.HUNTER,
        certificate=str(material().certificate_der),
        private_key=str(material().encrypted_key_pem),
        private_key_secret=scene.KEY_PASSWORD,
    )
    equal(count(made), alerts())


class _Person(io.StringIO):
    """Reads what is printed, and does what a device code's message says."""

    def write(self, text: str) -> int:
        words = text.split()
        for address in (word for word in words if word.startswith("https://")):
            code = words[words.index("code") + 1]
            person.visit(address, person.APPROVE, code)
        return super().write(text)


@check(MSTICPY)
def device_code() -> None:
    """a user with a device code"""
    made = provider()
    with contextlib.redirect_stdout(_Person()):
        made.connect(
            tenant_id=scene.TENANT,
            client_id=scene.HUNTER,
            username=scene.ANALYST,
            delegated_auth=True,
            auth_type="device",
        )
    equal(count(made), alerts())


@check(MSTICPY)
def types() -> None:
    """times are times, numbers are numbers"""
    frame = connected("MDE").exec_query(
        "DeviceProcessEvents | project Timestamp, ProcessId, FileName | take 3"
    )
    equal(len(frame), 3)
    expect(isinstance(frame["Timestamp"].dtype, pd.DatetimeTZDtype), frame.dtypes)
    expect(pd.api.types.is_integer_dtype(frame["ProcessId"]), frame.dtypes)


@check(MSTICPY)
def wrong_query() -> None:
    """a query that is none is a 400"""
    with raises(httpx.HTTPStatusError, "400 Bad Request"):
        connected().exec_query("AlertInfo | cuont")


@check(MSTICPY)
def no_roles() -> None:
    """without the role it is a 403"""
    made = provider()
    made.connect(
        tenant_id=scene.TENANT, client_id=scene.POWERLESS, client_secret=scene.SECRET
    )
    with raises(httpx.HTTPStatusError, "403 Forbidden"):
        count(made)


@check(MSTICPY)
def throttled() -> None:
    """a 429 is told as the API's limit"""
    with raises(ConnectionRefusedError, "API limit"):
        count(connected("MDE", cloud="uk"))


@check(MSTICPY)
def empty() -> None:
    """an answer without rows is an empty frame"""
    frame = connected().exec_query("AlertInfo | where Title == 'no such title'")
    equal(len(frame), 0)


@check(MSTICPY)
def several() -> None:
    """two connections are asked one after the other"""
    made = connected()
    made.add_connection(
        alias="again",
        tenant_id=scene.TENANT,
        client_id=scene.HUNTER,
        client_secret=scene.SECRET,
    )
    equal(list(made.exec_query(QUERY)["Count"]), [alerts(), alerts()])


@check(MSTICPY)
def split() -> None:
    """a query that is split by day finds what it finds in one piece"""
    made = connected("MDE")
    end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    times = {"start": end - datetime.timedelta(days=3), "end": end}
    with recorder().recording() as recording:
        whole = made.MDE.list_connections(**times)
        pieces = made.MDE.list_connections(split_query_by="1D", **times)
    sent = recording.to("/api/advancedqueries/run")
    expect(len(sent) >= 4, [one.body for one in sent])
    expect(len(whole) > 0, whole)
    equal(len(pieces), len(whole))


@check(MSTICPY)
def vault_reference() -> None:
    """a secret in Key Vault, named by where the reference stands"""
    path = settings(
        "msticpy-vault",
        {
            "Azure": {"cloud": "global", "auth_methods": ["env"]},
            "KeyVault": {
                "TenantId": scene.TENANT,
                "VaultName": scene.VAULT,
                "Authority": "global",
                "UseKeyring": False,
                "auth_methods": ["env"],
            },
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
    made = provider()
    try:
        with environment(MSTICPYCONFIG=str(path)):
            pkg_config.refresh_config()
            made.connect()
    finally:
        pkg_config.refresh_config()
    equal(count(made), alerts())


@check(MSTICPY)
def ended_warning() -> None:
    """M365D is told to be over"""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        provider("M365D")
    contains([str(one.message) for one in told], "deprecated")
