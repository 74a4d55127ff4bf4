"""Files of the command, and comparing what others find in them."""

import json
import math
import os
import subprocess
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import material
from checks import Failed, equal

COMMAND = "ROUND_TRIPS_COMMAND"
FOLDER = "ROUND_TRIPS_FOLDER"


def folder() -> Path:
    """Where the files of this run are."""
    return Path(os.environ[FOLDER])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command; an exit code other than 0 is a failure."""
    ended = subprocess.run(
        [os.environ[COMMAND], *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if ended.returncode:
        raise Failed(f"exit code {ended.returncode}: {ended.stderr}")
    return ended


def nothing() -> str:
    """A folder without files, for queries that bring their own rows."""
    empty = folder() / "nothing"
    empty.mkdir(exist_ok=True)
    return str(empty)


def written(name: str, *options: str, query: str = material.QUERY) -> Path:
    """The file of this name with the table in it, or with the rows of another query."""
    path = folder() / name
    if not path.exists():
        run("query", "--data", nothing(), query, "-o", str(path), *options)
    return path


def rows_of(data: Path) -> list[dict[str, Any]]:
    """The rows of the table T in this folder, as the command has them; the years 1 and 9999, too."""
    query = ["query", "--data", str(data), "T | sort by Row asc"]
    lines = run(*query, "--format", "ndjson", "--datetime", "text").stdout
    return [json.loads(line) for line in lines.splitlines()]


def read_back(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of somebody else."""
    link = folder() / f"{path.name}.table" / f"T{''.join(path.suffixes)}"
    link.parent.mkdir(exist_ok=True)
    if not link.exists():
        link.symlink_to(path)
    return rows_of(link.parent)


def same(column: str, found: Iterable[Any], expected: Iterable[Any]) -> None:
    """Fails at the first value that is another one; NaN is NaN."""
    found, expected = list(found), list(expected)
    equal(len(found), len(expected))
    for row, (one, other) in enumerate(zip(found, expected, strict=True), start=1):
        both_nan = all(isinstance(value, float) and math.isnan(value) for value in (one, other))
        if not both_nan and (one != other or isinstance(one, bool) != isinstance(other, bool)):
            raise Failed(f"{column} in row {row} is {one!r}, expected {other!r}")


def microseconds(ticks: int | None) -> int | None:
    """What a file with microseconds has of a time."""
    return None if ticks is None else ticks // 10


def nanoseconds(ticks: int | None) -> int | None:
    """A time or a length in nanoseconds."""
    return None if ticks is None else ticks * 100


def typed(
    columns: dict[str, list[Any]], *, times: list[int | None], spans: list[int | None]
) -> None:
    """Compares columns with the table: texts of decimals and of JSON by what they say."""
    for name in ("Row", "Flag", "Small", "Large", "Real", "Id", "Text"):
        same(name, columns[name], material.expected(name))
    prices = [None if text is None else Decimal(text) for text in columns["Price"]]
    same("Price", prices, material.expected("Price"))
    more = [None if text is None else json.loads(text) for text in columns["More"]]
    same("More", more, material.expected("More"))
    same("Time", columns["Time"], times)
    same("Lasted", columns["Lasted"], spans)


TIMES_US = [microseconds(ticks) for ticks in material.expected("Time")]
TIMES_NS = [nanoseconds(ticks) for ticks in material.expected("Time")]
SPANS_NS = [nanoseconds(ticks) for ticks in material.expected("Lasted")]


def all_texts(columns: dict[str, list[Any]], *, empty: str | None = "") -> None:
    """Compares cells of CSV that were read as text; `empty` is what the reader has for `""`."""
    for name in material.KINDS:
        expected = [empty if text == "" else text for text in material.texts(name)]
        same(name, columns[name], expected)


# What is written by others: the simplest of each type, and what is awkward in a file.
OTHERS = {
    "Row": [1, 2, 3],
    "Flag": [True, None, False],
    "Small": [-1, 0, 2147483647],
    "Large": [9223372036854775807, None, -9223372036854775808],
    "Real": [0.5, None, -1e300],
    "Micros": [1711445990768864, None, -62135596800000000],
    "Text": ['a "q", b\nc', "", "😀=1"],
}
OTHERS_TIMES = ["2024-03-26T09:39:50.768864Z", None, "0001-01-01T00:00:00Z"]
