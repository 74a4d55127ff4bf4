"""Values for the parameters of MSTICPy's queries, as a notebook gives them."""

import datetime
import functools
from dataclasses import dataclass

from msticpy.data.core.data_providers import QueryProvider
from msticpy_checks import connected

WHOLE = "whole"
CASE = "other case"
WORD = "a word of it"
PART = "a part of a word"
UNKNOWN = "unknown"
QUOTE = "with a quotation mark"
APOSTROPHE = "with an apostrophe"
BACKSLASH = "with a backslash"
DOUBLED = "with a doubled backslash"
UPN = "a user principal name"
ONE = "one text"
SEVERAL = "several"
QUOTED = "in quotes"
FOLDER = "a folder"
TIMES = "no times"

# Where the sample has a value for a parameter: the table, and the column that has it.
COLUMNS = {
    "account_name": ["AccountName", "InitiatingProcessAccountName", "AccountUpn"],
    "app_name": ["Application"],
    "file_hash": ["SHA1", "SHA256"],
    "file_name": ["FileName"],
    "file_path": ["FileName"],
    "host_name": ["DeviceName"],
    "ip_address": ["RemoteIP", "IPAddress"],
    "key_name": ["RegistryKey"],
    "mailbox": ["AccountUpn"],
    "message_id": ["NetworkMessageId"],
    "path": ["FolderPath"],
    "process_identifier": ["FileName"],
    "protocol": ["RemotePort"],
    "url": ["RemoteUrl"],
}


@dataclass(frozen=True)
class Value:
    """What a parameter is given, and what is special about it."""

    kind: str
    theirs: object
    ours: str


@functools.cache
def provider(environment: str) -> QueryProvider:
    """A provider that all comparisons share."""
    return connected(environment)


@functools.cache
def first(query: str) -> str:
    """The first cell of an answer."""
    frame = provider("M365DGraph").exec_query(query)
    return str(frame.iloc[0, 0]) if len(frame) else ""


@functools.cache
def busy_day() -> tuple[str, str]:
    """A day on which much happened: its beginning and its end."""
    day = first(
        "DeviceNetworkEvents | summarize Events = count() by Day = bin(Timestamp, 1d)"
        " | top 1 by Events | project format_datetime(Day, 'yyyy-MM-dd')"
    )
    begin = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.timezone.utc)
    return written(begin), written(begin + datetime.timedelta(days=1))


def last_days(days: int, hours: int = 0) -> tuple[str, str]:
    """From so long ago to a moment ahead of now."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    begin = now - datetime.timedelta(days=days, hours=hours)
    return written(begin), written(now + datetime.timedelta(hours=1))


def written(moment: datetime.datetime) -> str:
    """A moment as both take it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def present(table: str, parameter: str, where: str, times: tuple[str, str]) -> str:
    """A value that few rows of the table have."""
    columns = set(provider_columns(table))
    column = next(name for name in COLUMNS.get(parameter, [parameter]) if name in columns)
    if parameter == "account_name" and "AccountUpn" in columns:
        # An account of a person or a service, not of the system.
        where = f"{where} and isnotempty(AccountUpn)"
    asked = (
        f"{table} | where Timestamp between (datetime({times[0]}) .. datetime({times[1]}))"
        f" | where isnotempty({column}) {where}"
        f" | summarize Rows = count() by {column}"
        f" | order by Rows asc, {column} asc | take 1 | project {column}"
    )
    return first(asked)


@functools.cache
def provider_columns(table: str) -> tuple[str, ...]:
    """The columns of a table."""
    frame = provider("M365DGraph").exec_query(f"{table} | getschema | project ColumnName")
    return tuple(frame["ColumnName"])


def values(parameter: str, value: str) -> list[Value]:
    """The value as it is, and changed in every way that might matter."""
    if parameter == "protocol":
        return [Value(WHOLE, value, value), Value(UNKNOWN, "64999", "64999")]
    doubled = value.replace("\\", "\\\\")
    words = [word for word in _words(value) if len(word) > 2]
    word = max(words, key=len) if words else value
    found = [
        # Backslashes are doubled for MSTICPy, which puts the text into the query as it is.
        Value(WHOLE, doubled, value),
        Value(CASE, doubled.swapcase(), value.swapcase()),
        Value(WORD, word, word),
        Value(PART, word[1:-1], word[1:-1]),
        Value(UNKNOWN, "no-such-thing", "no-such-thing"),
        Value(QUOTE, f'{word}"', f'{word}"'),
        Value(APOSTROPHE, f"{word}'", f"{word}'"),
        Value(BACKSLASH, f"{word}\\", f"{word}\\"),
    ]
    if doubled != value:
        found.append(Value(DOUBLED, doubled, doubled))
    if parameter == "file_path":
        found.append(Value(FOLDER, "System32", "System32"))
    if parameter in ("account_name", "mailbox"):
        upn = first(f"IdentityInfo | where AccountName =~ '{value}' | project AccountUpn | take 1")
        if upn:
            found.append(Value(UPN, upn, upn))
    return found


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()
