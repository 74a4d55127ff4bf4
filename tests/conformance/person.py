"""A person at a browser: follows pages and redirects, fills in forms, and presses a button.

As a program it is the browser that `BROWSER` names: `person.py ADDRESS`. What the person does is
in `CONFORMANCE_PERSON`: a decision, and after a space the account that is chosen.
"""

import html.parser
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

BEHAVIOUR = "CONFORMANCE_PERSON"
# Names the file that the last page is written to.
LAST_PAGE = "CONFORMANCE_PAGE"
APPROVE = "approve"
DENY = "deny"
# Approves, and then something on the way changes the state that comes back.
FORGE = "forge"
MOST_PAGES = 10


@dataclass
class Form:
    """A form of a page: its fields as they stand, its choices and its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    buttons: dict[str, list[str]] = field(default_factory=dict)


class _Forms(html.parser.HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.found.append(Form(attributes.get("action") or ""))
        name = attributes.get("name")
        if tag not in ("input", "button") or not name or not self.found:
            return
        form = self.found[-1]
        value = attributes.get("value") or ""
        kind = attributes.get("type") or ("submit" if tag == "button" else "text")
        if kind == "radio":
            form.choices.setdefault(name, []).append(value)
            if "checked" in attributes:
                form.fields[name] = value
        elif kind == "submit":
            form.buttons.setdefault(name, []).append(value)
        else:
            form.fields[name] = value
            if kind == "text":
                form.texts.append(name)


def visit(address: str, behaviour: str = APPROVE, text: str = "") -> str:
    """Goes where `address` leads and returns the last page; `text` is typed where it is asked."""
    return _walk(address, behaviour, text, deliver=True)[0]


def arrival(address: str, behaviour: str = APPROVE) -> dict[str, str]:
    """Goes where `address` leads, and returns what would be delivered to a loopback address."""
    return _walk(address, behaviour, "", deliver=False)[1]


def _walk(address: str, behaviour: str, text: str, *, deliver: bool) -> tuple[str, dict[str, str]]:
    decision, _, account = behaviour.partition(" ")
    data: bytes | None = None
    page = ""
    # Made anew, because it keeps the proxy that was in the environment when it was made.
    opener = urllib.request.build_opener(_Staying)
    for _ in range(MOST_PAGES):
        parts = urllib.parse.urlsplit(address)
        if parts.hostname == "localhost":
            pairs = dict(urllib.parse.parse_qsl(data.decode() if data else parts.query))
            if not deliver:
                return page, pairs
            if decision == FORGE and "state" in pairs:
                forged = urllib.parse.urlencode(pairs | {"state": pairs["state"] + "forged"})
                data = forged.encode() if data else None
                address = address if data else parts._replace(query=forged).geturl()
        try:
            request = urllib.request.Request(address, data)
            with opener.open(request, timeout=20) as response:
                page = response.read().decode()
        except urllib.error.HTTPError as error:
            location = error.headers.get("location")
            if location is None:
                return error.read().decode(), {}
            address, data = urllib.parse.urljoin(address, location), None
            continue
        forms = _Forms()
        forms.feed(page)
        if not forms.found:
            return page, {}
        form = forms.found[0]
        address = urllib.parse.urljoin(address, form.action)
        data = urllib.parse.urlencode(_filled(form, decision, account, text)).encode()
    raise RuntimeError(f"the pages after {address} do not end")


class _Staying(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the walk, which looks at each address."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follows nothing."""


def _filled(form: Form, decision: str, account: str, text: str) -> dict[str, str]:
    fields = dict(form.fields)
    fields.update({name: text for name in form.texts if text})
    for name, values in form.choices.items():
        if account in values:
            fields[name] = account
    for name, values in form.buttons.items():
        wanted = DENY if decision == DENY else APPROVE
        if wanted in values:
            fields[name] = wanted
    return fields


if __name__ == "__main__":
    last = visit(sys.argv[1], os.environ.get(BEHAVIOUR, APPROVE))
    if LAST_PAGE in os.environ:
        Path(os.environ[LAST_PAGE]).write_text(last, encoding="utf-8")
