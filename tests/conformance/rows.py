"""Rows of two answers as one sees them, and how the answers differ."""

import json
import math
from collections import Counter
from typing import Any

import pandas as pd

Row = dict[str, object]

MORE = "more rows here"
FEWER = "fewer rows here"
OTHER = "other rows"
COLUMNS = "other columns"
REFUSED_THERE = "refused there"
REFUSED_HERE = "refused here"


def of_frame(frame: pd.DataFrame) -> list[Row]:
    """The rows of MSTICPy's answer; Graph's notes on types come as columns too."""
    notes = [name for name in frame.columns if name.endswith("@odata.type")]
    frame = frame.drop(columns=notes)
    return [dict(zip(frame.columns, row)) for row in frame.itertuples(index=False, name=None)]


def difference(theirs: list[Row] | None, ours: list[Row] | None) -> str:
    """What a caller of MSTICPy would find to be otherwise; empty when nothing is.

    An answer that is `None` was refused. A column that only ours has is no difference, since no
    notebook asks for it; one that only theirs has is.
    """
    if theirs is None or ours is None:
        return "" if theirs is ours else REFUSED_HERE if ours is None else REFUSED_THERE
    if not theirs or not ours:
        return MORE if ours else FEWER if theirs else ""
    columns = sorted({name for row in theirs for name in row})
    if not all(any(_has(row, name) for row in ours) for name in columns):
        return COLUMNS
    left, right = _count(theirs, columns), _count(ours, columns)
    more, fewer = right - left, left - right
    if more and fewer:
        return OTHER
    return MORE if more else FEWER if fewer else ""


def differing_columns(theirs: list[Row], ours: list[Row]) -> list[str]:
    """The columns whose values are not the same ones; for the words of a failure."""
    columns = sorted({name for row in theirs for name in row})
    return [name for name in columns if _count(theirs, [name]) != _count(ours, [name])]


def _count(rows: list[Row], columns: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(_cell(_get(row, name)) for name in columns) for row in rows)


def _has(row: Row, name: str) -> bool:
    if name in row:
        return True
    # A frame has a column for each member of an object.
    whole, _, member = name.partition(".")
    return bool(member) and isinstance(row.get(whole), dict | str)


def _get(row: Row, name: str) -> object:
    if name in row:
        return row[name]
    value: object = row
    for part in name.split("."):
        value = _parsed(value)
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _parsed(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            pass
    return value


def _cell(value: Any) -> str:
    """A cell as text: a frame turns nothing into NaN, whole numbers into others, truth into 1."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{value.nanosecond:03}"
    if isinstance(value, str):
        return _moment(value)
    if isinstance(value, list):
        # A set has no order.
        return json.dumps(sorted(_cell(one) for one in value))
    if isinstance(value, dict):
        return json.dumps({name: _cell(one) for name, one in sorted(value.items())})
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.9g}"


def _moment(text: str) -> str:
    """A moment in nanoseconds, as a frame prints one; any other text is itself."""
    if text[10:11] != "T" or not text.endswith("Z"):
        return text
    whole, _, fraction = text[:-1].partition(".")
    return f"{whole}.{fraction:0<9}"
