"""MSTICPy's queries by name beside ours: the same rows, or the page says why."""

import datetime
import functools
import json
import os
from pathlib import Path

import httpx
import rows
from checks import Failed, Skipped, check, equal, expect
from msticpy_calls import ALERTS, FILES, LOGONS, NETWORK, PROCESSES, Call, Query, hunting
from msticpy_checks import MSTICPY
from msticpy_values import WHOLE, first, last_days, provider
from session import run_command

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "msticpy-deviations.md"
ANY = "any"
# Set where every kind of value is compared, and not only one value of each query.
ALL = "CONFORMANCE_ALL_VALUES"

# A check of many calls takes longer than one of one.
MANY = 900

# What the page says and no call has shown yet.
_unseen: set[tuple[str, str]] = set()


@functools.cache
def deviations() -> dict[tuple[str, str], str]:
    """The differences that the page lists: by query and kind of value."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Queries by rows\n")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if len(cells) == 4 and not line.startswith(("|--", "| query |")):
            for name in cells[0].split(", "):
                found |= {(name, kind): cells[2] for kind in cells[1].split(", ")}
    _unseen.update(found)
    return found


def expected(call: Call) -> str:
    """The difference that the page says this call has."""
    name = call.query.split(".")[1]
    listed = deviations()
    for query in (call.query, name, ANY):
        for kind in (call.kind, ANY):
            if (query, kind) in listed:
                _unseen.discard((query, kind))
                return listed[(query, kind)]
    return ""


def theirs(call: Call, environment: str) -> list[rows.Row] | None:
    """The rows that MSTICPy finds with its own text."""
    run = functools.reduce(getattr, call.query.split("."), provider(environment))
    try:
        return rows.of_frame(run(**call.theirs))
    except (httpx.HTTPStatusError, ValueError):
        return None


def ours(call: Call, environment: str) -> list[rows.Row] | None:
    """The rows that `defender run` finds under the same name."""
    given = [word for name, value in call.ours.items() for word in ("-p", f"{name}={value}")]
    done = run_command(
        ["run", call.query, "--env", environment, "--format", "json", "--quiet", *given]
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def compare(calls: list[Call]) -> None:
    """Fails with every call that differs otherwise than the page says, and for want of rows."""
    wrong = []
    found: set[str] = set()
    for call in calls:
        if call.kind != WHOLE and ALL not in os.environ:
            continue
        environment = "MDE" if call.query.startswith("MDE") else "M365DGraph"
        left, right = theirs(call, environment), ours(call, environment)
        if right:
            found.add(call.query)
        said = rows.difference(left, right)
        if said != expected(call):
            columns = rows.differing_columns(left, right)[:5] if left and right else ""
            numbers = [None if side is None else len(side) for side in (left, right)]
            wrong.append(
                f"{call.query} ({call.kind}: {call.ours}): {said or 'no difference'}, not"
                f" {expected(call) or 'none'}; {numbers[0]} and {numbers[1]} rows {columns}"
            )
    empty = {call.query for call in calls} - found
    if empty:
        wrong.append(f"without a row in the sample: {', '.join(sorted(empty))}")
    if wrong:
        raise Failed("\n".join(wrong))


def all_calls(queries: list[Query]) -> list[Call]:
    """The calls of several queries."""
    return [call for query in queries for call in query.calls()]


@check(MSTICPY, seconds=MANY)
def network() -> None:
    """its queries about connections, under the same names, find the same rows."""
    compare(all_calls(NETWORK))


@check(MSTICPY, seconds=MANY)
def files() -> None:
    """its queries about files, under the same names, find the same rows."""
    compare(all_calls(FILES))


@check(MSTICPY, seconds=MANY)
def processes() -> None:
    """its queries about processes, under the same names, find the same rows."""
    compare(all_calls(PROCESSES))


@check(MSTICPY, seconds=MANY)
def logons() -> None:
    """its queries about logons, under the same names, find the same rows."""
    compare(all_calls(LOGONS))


@check(MSTICPY, seconds=MANY)
def alerts() -> None:
    """its queries about alerts, under the same names, find the same rows."""
    compare(all_calls(ALERTS))


@check(MSTICPY, seconds=MANY)
def hunts() -> None:
    """its hunting queries, under the same names, find the same rows or those that the page says."""
    compare(hunting("M365DHunting") + hunting("MDEHunting"))


# What asks the first version of the list about one thing: the parameter, and evidence that has it.
ABOUT = {
    "list_alerts_for_file": ("file_name", "File", "FileName"),
    "list_alerts_for_host": ("host_name", "Machine", "DeviceName"),
    "list_alerts_for_ip": ("ip_address", "Ip", "RemoteIP"),
    "list_alerts_for_user": ("account_name", "User", "AccountName"),
    "list_related_alerts": ("host_name", "Machine", "DeviceName"),
}


@check(MSTICPY, seconds=MANY)
def graph() -> None:
    """its queries of the security API, under the same names, find the same alerts"""
    path = "/security/alerts_v2"
    made = provider("SecurityGraph").SecurityGraphAlert
    begin, end = last_days(30)
    # It writes an offset into the path as it is; a moment without one gets a Z.
    span = {"start": _naive(begin), "end": _naive(end)}
    page = [one["id"] for one in made.list_alerts(path=path, **span)["value"][0]]
    listed = _alerts("list_alerts", "SecurityGraph", path=path, start=begin, end=end)
    equal(listed[: len(page)], page)
    equal(list(made.get_alert(path=path, alert_id=page[0])["id"]), page[:1])
    equal(_alerts("get_alert", "SecurityGraph", alert_id=page[0]), page[:1])
    for name, (parameter, entity, column) in ABOUT.items():
        value = first(
            f"AlertEvidence | where EntityType == '{entity}' | take 1 | project {column}"
        )
        try:
            getattr(made, name)(**span, **{parameter: value})
        except httpx.HTTPStatusError:
            # The list has no such filters any more; ours hunt.
            expect(_alerts(name, "M365DGraph", start=begin, **{parameter: value}), name)
        else:
            raise Failed(f"{name} has an answer")


def _naive(moment: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(moment.removesuffix("Z"))


def _alerts(name: str, environment: str, **parameters: str) -> list[str]:
    """The ids of the alerts that ours finds."""
    call = Call(f"SecurityGraphAlert.{name}", WHOLE, ours=parameters)
    found = ours(call, environment) or []
    return [str(row.get("id") or row.get("AlertId")) for row in found]


@check(MSTICPY)
def page_of_deviations() -> None:
    """every difference between its queries' rows and ours that the page lists is there."""
    if ALL not in os.environ:
        raise Skipped("only in `cargo xtask conformance`")
    deviations()
    equal(sorted(_unseen), [])
