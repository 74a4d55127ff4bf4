"""The calls of MSTICPy's queries that are compared by rows."""

from dataclasses import dataclass, field

from msticpy_values import (
    ONE,
    QUOTED,
    SEVERAL,
    TIMES,
    WHOLE,
    Value,
    busy_day,
    first,
    last_days,
    present,
    values,
)

MONTH = 30
# What tells rows apart; all columns are compared once for each query.
NARROW = {"AlertEvidence": "AlertId, EntityType, FileName", "": "Timestamp, ReportId"}


@dataclass(frozen=True)
class Call:
    """A query by its name, with one set of parameters."""

    query: str
    kind: str
    theirs: dict[str, object] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """A query of MSTICPy that takes one value and a time range."""

    name: str
    table: str
    parameter: str = ""
    where: str = ""
    column: str = ""
    days: int | None = None

    def calls(self) -> list[Call]:
        """Its calls, one for each kind of value."""
        times = last_days(self.days) if self.days else busy_day()
        span = dict(zip(("start", "end"), times, strict=True))
        if not self.parameter:
            # Within the day that both look back, however long one takes after the other.
            begin, _ = last_days(0, hours=12)
            count = {"add_query_items": f"| where Timestamp > datetime({begin}) | count"}
            return [Call(self.name, WHOLE, span, span), Call(self.name, TIMES, {**count}, count)]
        if self.parameter == "cmd_line":
            found = _texts()
        else:
            value = present(self.table, self.column or self.parameter, self.where, times)
            found = values(self.parameter, value)
        return [self._call(value, span) for value in found]

    def _call(self, value: Value, span: dict[str, str]) -> Call:
        columns = NARROW.get(self.table, NARROW[""])
        narrow = {} if value.kind == WHOLE else {"add_query_items": f"| project {columns}"}
        more = {**span, **narrow}
        return Call(
            self.name,
            value.kind,
            {self.parameter: value.theirs, **more},
            {self.parameter: value.ours, **more},
        )


def _texts() -> list[Value]:
    """Values of the one list that there is."""
    two = ["EncodedCommand", "comsvcs"]
    return [
        Value(WHOLE, two[:1], two[0]),
        Value(SEVERAL, two, ",".join(two)),
        Value(ONE, ",".join(two), ",".join(two)),
        Value(QUOTED, ", ".join(f'"{text}"' for text in two), ", ".join(f'"{t}"' for t in two)),
    ]


def _both(names: dict[str, str], table: str) -> list[Query]:
    """Queries that are in both families."""
    return [
        Query(f"{family}.{name}", table, parameter)
        for family in ("M365D", "MDE")
        for name, parameter in names.items()
    ]


_NETWORK = {
    "list_connections": "",
    "host_connections": "host_name",
    "ip_connections": "ip_address",
    "url_connections": "url",
    "protocol_connections": "protocol",
    "user_network": "account_name",
}
_FILES = {
    "list_file_events_for_filename": "file_name",
    "list_file_events_for_path": "path",
    "list_file_events_for_hash": "file_hash",
    "list_file_events_for_host": "host_name",
    "user_files": "account_name",
}
_PROCESSES = {
    "list_host_processes": "host_name",
    "process_creations": "process_identifier",
    "process_paths": "file_path",
    "process_cmd_line": "cmd_line",
    "user_processes": "account_name",
}
_ALERTS = {
    "list_alerts": ("", ""),
    "list_alerts_with_evidence": ("", ""),
    "host_alerts": ("host_name", "Machine"),
    "ip_alerts": ("ip_address", "Ip"),
    "url_alerts": ("url", "Url"),
    "sha1_alerts": ("file_hash", "File"),
    "sha256_alerts": ("file_hash", "File"),
    "process_alerts": ("file_name", "Process"),
    "user_alerts": ("account_name", "User"),
    "registry_key_alerts": ("key_name", "RegistryValue"),
    "mail_message_alerts": ("message_id", "MailMessage"),
    "mailbox_alerts": ("mailbox", "Mailbox"),
    "application_alerts": ("app_name", "OAuthApplication"),
}
# How far back the text of each hunting query of MSTICPy looks; one without a limit sees it all.
_HUNTING = {
    "accessibility_persistence": 7,
    "av_sites": MONTH,
    "b64_pe": 7,
    "brute_force": MONTH,
    "cve_2018_1000006l": 14,
    "cve_2018_1111": MONTH,
    "cve_2018_4878": 14,
    "doc_with_link": 7,
    "dropbox_link": 7,
    "email_link": 7,
    "email_smartscreen": MONTH,
    "malware_recycle": 7,
    "network_scans": 7,
    "powershell_downloads": 7,
    "service_account_powershell": MONTH,
    "smartscreen_ignored": 7,
    "smb_discovery": 7,
    "tor": MONTH,
    "uncommon_powershell": MONTH,
    "user_enumeration": 14,
}

NETWORK = _both(_NETWORK, "DeviceNetworkEvents")
FILES = [
    *_both(_FILES, "DeviceFileEvents"),
    Query("MDE.list_files", "DeviceFileEvents", "file_name"),
    Query("MDE.list_filehash", "DeviceFileEvents", "file_hash"),
    Query("MDE.file_path", "DeviceFileEvents", "path"),
]
PROCESSES = [
    *_both(_PROCESSES, "DeviceProcessEvents"),
    Query("MDE.process_for_hash", "DeviceProcessEvents", "file_hash"),
]
LOGONS = [
    *_both({"user_logons": "account_name"}, "DeviceLogonEvents"),
    Query("IdentityOnPrem.logons_for_account", "IdentityLogonEvents", "account_name"),
    Query("IdentityOnPrem.logons_for_host", "IdentityLogonEvents", "host_name"),
    Query("IdentityOnPrem.logons_for_ip", "IdentityLogonEvents", "ip_address"),
]
ALERTS = [
    *(
        Query(
            f"M365D.{name}",
            "AlertEvidence",
            parameter,
            f'and EntityType == "{entity}"' if entity else "",
            "SHA256" if name == "sha256_alerts" else "",
            days=MONTH,
        )
        for name, (parameter, entity) in _ALERTS.items()
    ),
    *(
        Query(
            f"MDE.{name}",
            "AlertEvidence",
            _ALERTS[name][0],
            f'and EntityType == "{_ALERTS[name][1]}"' if _ALERTS[name][1] else "",
            days=MONTH,
        )
        for name in ("list_alerts", "host_alerts", "ip_alerts", "url_alerts", "sha1_alerts")
    ),
]


def hunting(family: str) -> list[Call]:
    """The hunting queries, over the time that MSTICPy's look at."""
    found = []
    for name, days in _HUNTING.items():
        span = dict(zip(("start", "end"), last_days(days), strict=True))
        theirs: dict[str, str] = {}
        if name == "uncommon_powershell":
            about = 'DeviceEvents | where ActionType == "PowerShellCommand" | take 1 | project '
            theirs = {
                "host_name": first(f"{about} DeviceId"),
                "timestamp": first(f"{about} format_datetime(Timestamp, 'yyyy-MM-dd HH:mm:ss')"),
            }
        found.append(Call(f"{family}.{name}", WHOLE, {**theirs}, {**span, **theirs}))
    return found
