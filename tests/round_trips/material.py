"""One table of every type and every awkward value: as KQL, and as what each value is."""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Ticks are the services' own: 100 nanoseconds. Here they count from 1970.
TICKS_PER_SECOND = 10_000_000


@dataclass(frozen=True)
class Cell:
    """A value: how KQL writes it, what it is, and what CSV has of it."""

    kql: str
    value: Any
    text: str | None


def number(kql: str, value: Any, text: str) -> Cell:
    """A number or a bool."""
    return Cell(kql, value, text)


def words(value: str) -> Cell:
    """A string; JSON's escapes are KQL's."""
    return Cell(json.dumps(value, ensure_ascii=False), value, value)


def dynamic(value: Any) -> Cell:
    """A dynamic value, as compact JSON."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Cell(f"dynamic({written})", value, written)


def time(written: str, ticks: int) -> Cell:
    """A datetime and its ticks since 1970."""
    return Cell(f"datetime({written})", ticks, written)


def span(written: str, ticks: int) -> Cell:
    """A timespan and its ticks."""
    return Cell(f"timespan({written})", ticks, written)


def guid(written: str) -> Cell:
    """A guid."""
    return Cell(f"guid({written})", written, written)


def none(kind: str) -> Cell:
    """No value; a string has none."""
    return Cell('""', "", "") if kind == "string" else Cell(f"{kind}(null)", None, None)


KINDS = {
    "Row": "long",
    "Flag": "bool",
    "Small": "int",
    "Large": "long",
    "Real": "real",
    "Price": "decimal",
    "Time": "datetime",
    "Lasted": "timespan",
    "Id": "guid",
    "Text": "string",
    "More": "dynamic",
}

_CELLS = [
    [
        number("true", True, "true"),
        number("int(2147483647)", 2147483647, "2147483647"),
        number("9223372036854775807", 9223372036854775807, "9223372036854775807"),
        number("0.1", 0.1, "0.1"),
        number(
            "decimal(1234567890123456789012345678901234)",
            Decimal("1234567890123456789012345678901234"),
            "1234567890123456789012345678901234",
        ),
        time("2024-03-26T09:39:50.7688641Z", 1711445990 * TICKS_PER_SECOND + 7688641),
        span("1.02:03:04.0000123", 93784 * TICKS_PER_SECOND + 123),
        guid("0f8fad5b-d9cb-469f-a165-70867728950e"),
        words("=1+1"),
        dynamic({"a": [1, "x|y", None], "b": {"c": "\"q\""}}),
    ],
    [
        number("false", False, "false"),
        number("int(-2147483648)", -2147483648, "-2147483648"),
        number("long(-9223372036854775808)", -9223372036854775808, "-9223372036854775808"),
        number("real(nan)", math.nan, "NaN"),
        number("decimal(-0.125)", Decimal("-0.125"), "-0.125"),
        time("1677-09-22T00:00:00Z", -9223286400 * TICKS_PER_SECOND),
        span("-00:00:01", -TICKS_PER_SECOND),
        guid("00000000-0000-0000-0000-000000000000"),
        words('a "quoted", cell;\nof two\ttabbed\r\nlines'),
        dynamic([]),
    ],
    [none(kind) for kind in list(KINDS.values())[1:]],
    [
        number("true", True, "true"),
        number("int(0)", 0, "0"),
        number("9007199254740993", 9007199254740993, "9007199254740993"),
        number("real(+inf)", math.inf, "Infinity"),
        number("decimal(0.1)", Decimal("0.1"), "0.1"),
        time("2262-04-11T00:00:00Z", 9223286400 * TICKS_PER_SECOND),
        span("106751.00:00:00", 106751 * 86400 * TICKS_PER_SECOND),
        guid("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        words("\U0001f600 ® 日本 é"),
        dynamic("text"),
    ],
    [
        number("false", False, "false"),
        number("int(-1)", -1, "-1"),
        number("-1", -1, "-1"),
        number("real(-inf)", -math.inf, "-Infinity"),
        number("decimal(100)", Decimal("100"), "100"),
        time("1969-12-31T23:59:59.9999999Z", -1),
        span("00:00:00.0000001", 1),
        guid("0a1b2c3d-0000-0000-0000-00000000000f"),
        words("-2+3"),
        dynamic(-5),
    ],
]

ROWS = [
    dict(zip(KINDS, [number(str(at), at, str(at)), *cells], strict=True))
    for at, cells in enumerate(_CELLS, start=1)
]

# Outside of what nanoseconds reach: text is asked for.
FAR = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2024-03-26T09:39:50.7688641Z"]


def _table(kinds: dict[str, str], rows: list[list[str]]) -> str:
    columns = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
    cells = ",\n".join(", ".join(row) for row in rows)
    return f"datatable({columns})[{cells}] | sort by Row asc"


QUERY = _table(KINDS, [[cell.kql for cell in row.values()] for row in ROWS])
EMPTY = QUERY + " | where Row < 0"
FAR_QUERY = _table(
    {"Row": "long", "Time": "datetime"},
    [[str(at), f"datetime({text})"] for at, text in enumerate(FAR, start=1)],
)


def expected(name: str) -> list[Any]:
    """The values of a column."""
    return [row[name].value for row in ROWS]


def texts(name: str) -> list[str | None]:
    """The cells of a column in CSV."""
    return [row[name].text for row in ROWS]
