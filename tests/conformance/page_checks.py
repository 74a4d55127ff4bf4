"""The page of the documentation that lists the checks and the differences."""

import json
import os
from itertools import groupby
from pathlib import Path

from checks import REGISTER, Check, check, equal, expect
from comparison_checks import COMPARED, DEFENDER
from expected_differences import EXPECTED

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
CLIENTS = [
    "msal",
    "azure-identity",
    "azure-keyvault-secrets",
    "msticpy",
    "msgraph-sdk",
    "azure-keyvault-certificates",
    "azure-keyvault-keys",
    "@azure/identity",
    "@azure/msal-node",
    "@microsoft/microsoft-graph-client",
    "@azure/keyvault-secrets",
    "@azure/keyvault-certificates",
]
HERE = Path(__file__).parent

INTRODUCTION = """# Conformance with Microsoft's clients

`cargo xtask conformance` installs Microsoft's own clients for Python and Node and drives them, unmodified and at true host names, through the proxy of [the emulator](../guides/emulator.md).
What they take for an answer of Entra ID, Key Vault or Defender is one as far as they can tell.
It then compares what they sent with what `defender` sends for the same settings.

```sh
cargo xtask conformance
```

The last line is `conformance: N passed, N failed, N skipped`.
The clients are installed below the target folder, in the versions of `requirements.txt`, `requirements-more.txt` and `node/package.json` in `tests/conformance`; that is done once.
Without Python, or without the network that it takes to install them, every check is skipped, and the reason is printed.
Without npm those of Node are skipped, each with its name; `cargo xtask ci` runs those that `requirements.txt` suffices for.

This page is written by the checks, and one of them fails when it is not what they do; `UPDATE_DOCS=1 cargo xtask conformance` writes it anew.
"""

COMPARING = """## What differs, and why

Everything else in the requests is the same: method, host, path, parameters, headers, fields of forms, members of JSON, and header and claims of assertions.
Left out are how a request travels (`Host`, `Connection`, `Content-Length`, `Accept-Encoding`) and `User-Agent`, where each client says its own name.
`…` is a value that is another in every request.
"""


def rendered() -> str:
    """The page as it has to be."""
    pinned = _pinned()
    versions = [f"| `{name}` | {pinned[name]} |" for name in [*CLIENTS, "node"]]
    parts = [INTRODUCTION, "\n| client | version |\n|---|---|\n", "\n".join(versions), "\n\n"]
    parts.append("## What is checked\n")
    for client, checks in groupby(sorted(REGISTER, key=_order), key=lambda one: one.client):
        names = [f"- {one.name[0].upper()}{one.name[1:]}.\n" for one in checks]
        parts.append(f"\n### {client}\n\n{''.join(names)}")
    parts.append(f"\n{COMPARING}")
    for title, expected in EXPECTED.items():
        parts.append(f"\n### {title[0].upper()}{title[1:]}\n\n")
        if not expected:
            parts.append("Nothing.\n")
            continue
        parts.append("| aspect | theirs | ours | why ours is right |\n|---|---|---|---|\n")
        for aspect, (theirs, ours, why) in sorted(expected.items()):
            parts.append(f"| {aspect} | {_cell(theirs)} | {_cell(ours)} | {why} |\n")
    return "".join(parts)


def _pinned() -> dict[str, str]:
    """The versions that are installed, as their lists say."""
    package = json.loads((HERE / "node" / "package.json").read_text(encoding="utf-8"))
    pinned = dict(package["dependencies"])
    pinned["node"] = next(iter(package["optionalDependencies"].values()))
    for name in ("requirements.txt", "requirements-more.txt"):
        for line in (HERE / name).read_text(encoding="utf-8").splitlines():
            requirement, _, version = line.partition("==")
            if version:
                pinned[requirement] = version.split(" ")[0]
    return pinned


def _order(one: Check) -> int:
    clients = [*CLIENTS, DEFENDER]
    return clients.index(one.client)


def _cell(value: str) -> str:
    return value if value in ("—", "…") else f"`{value}`"


@check(DEFENDER)
def compared() -> None:
    """every list of differences belongs to a comparison"""
    equal(sorted(COMPARED), sorted(EXPECTED))


@check(DEFENDER)
def page() -> None:
    """this page is what the checks are"""
    if os.environ.get("UPDATE_DOCS") == "1":
        PAGE.write_text(rendered(), encoding="utf-8")
    expect(
        PAGE.is_file() and PAGE.read_text(encoding="utf-8") == rendered(),
        "another page; write it anew with UPDATE_DOCS=1 cargo xtask conformance",
    )
