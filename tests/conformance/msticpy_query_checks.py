"""MSTICPy's queries by name beside ours: the same call finds the same rows, or the page says why."""

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


def theirs(call: Call) -> list[rows.Row] | None:
    """The rows that MSTICPy finds with its own text."""
    environment = "MDE" if call.query.startswith("MDE") else "M365DGraph"
    run = functools.reduce(getattr, call.query.split("."), provider(environment))
    try:
        return rows.of_frame(run(**call.theirs))
    except (httpx.HTTPStatusError, ValueError):
        return None


def ours(call: Call) -> list[rows.Row] | None:
    """The rows that `defender run` finds under the same name."""
    environment = "MDE" if call.query.startswith("MDE") else "M365DGraph"
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
        left, right = theirs(call), ours(call)
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
    """Its queries about connections, under the same names, find the same rows."""
    compare(all_calls(NETWORK))


@check(MSTICPY, seconds=MANY)
def files() -> None:
    """Its queries about files, under the same names, find the same rows."""
    compare(all_calls(FILES))


@check(MSTICPY, seconds=MANY)
def processes() -> None:
    """Its queries about processes, under the same names, find the same rows."""
    compare(all_calls(PROCESSES))


@check(MSTICPY, seconds=MANY)
def logons() -> None:
    """Its queries about logons, under the same names, find the same rows."""
    compare(all_calls(LOGONS))


@check(MSTICPY, seconds=MANY)
def alerts() -> None:
    """Its queries about alerts, under the same names, find the same rows."""
    compare(all_calls(ALERTS))


@check(MSTICPY, seconds=MANY)
def hunts() -> None:
    """Its hunting queries, under the same names, find the same rows or those that the page says."""
    compare(hunting("M365DHunting") + hunting("MDEHunting"))


@check(MSTICPY)
def graph() -> None:
    """Its queries of the security API, under the same names, find the same alerts."""
    path = "/security/alerts_v2"
    made = provider("SecurityGraph").SecurityGraphAlert
    begin, end = last_days(30)
    page = made.list_alerts(path=path, start=begin, end=end)["value"][0]
    listed = ["-p", f"path={path}", "-p", f"start={begin}", "-p", f"end={end}"]
    equal([one["id"] for one in page], [row["id"] for row in _graph("list_alerts", *listed)][: len(page)])
    alert = page[0]["id"]
    frame = made.get_alert(path=path, alert_id=alert)
    equal([alert], list(frame["id"]))
    equal([alert], [row["id"] for row in _graph("get_alert", "-p", f"alert_id={alert}")])
    # What asked the first version of the list has no answer any more; ours hunt.
    about = {
        "list_alerts_for_file": {"file_name": first("AlertEvidence | where EntityType == 'File' | take 1 | project FileName")},
        "list_alerts_for_host": {"host_name": first("AlertEvidence | where EntityType == 'Machine' | take 1 | project DeviceName")},
        "list_alerts_for_ip": {"ip_address": first("AlertEvidence | where EntityType == 'Ip' | take 1 | project RemoteIP")},
        "list_alerts_for_user": {"account_name": first("AlertEvidence | where EntityType == 'User' | take 1 | project AccountName")},
    }
    about["list_related_alerts"] = about["list_alerts_for_host"]
    for name, parameters in about.items():
        try:
            getattr(made, name)(start=begin, end=end, **parameters)
            raise Failed(f"{name} has an answer")
        except httpx.HTTPStatusError:
            pass
        given = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
        done = run_command(["run", f"SecurityGraphAlert.{name}", "--format", "json", "--quiet", "-p", f"start={begin}", *given])
        expect(done.returncode == 0 and json.loads(done.stdout), f"{name}: {done.stderr}")


def _graph(name: str, *given: str) -> list[rows.Row]:
    done = run_command(
        ["run", f"SecurityGraphAlert.{name}", "--env", "SecurityGraph", "--format", "json", *given]
    )
    expect(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


@check(MSTICPY)
def page_of_deviations() -> None:
    """Every difference between its queries' rows and ours that the page lists is there."""
    if ALL not in os.environ:
        raise Skipped("only in `cargo xtask conformance`")
    deviations()
    equal(sorted(_unseen), [])
