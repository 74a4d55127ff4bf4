"""The other side of `cargo xtask bench kql`: runs SQL over the same file in DuckDB.

Reads one path of a query per line and answers each with a line {"seconds", "count"}; the rows are
there when the line begins with "rows ". Datetimes are written as KQL writes them.
"""

import datetime
import json
import sys
import time

import duckdb

folder, threads = sys.argv[1], int(sys.argv[2])
connection = duckdb.connect()
connection.execute(f"SET threads = {threads}")
connection.execute(
    f"CREATE VIEW DeviceProcessEvents AS SELECT * FROM read_parquet('{folder}/DeviceProcessEvents.parquet')"
)
print(json.dumps({"version": duckdb.__version__}), flush=True)


def cell(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    if isinstance(value, list):
        return [cell(one) for one in value]
    return value


for line in sys.stdin:
    line = line.rstrip("\n")
    wants_rows = line.startswith("rows ")
    path = line[5:] if wants_rows else line
    with open(path, encoding="utf-8") as file:
        query = file.read()
    started = time.perf_counter()
    rows = connection.execute(query).fetchall()
    seconds = time.perf_counter() - started
    report = {"seconds": seconds, "count": len(rows)}
    if wants_rows:
        report["rows"] = [[cell(value) for value in row] for row in rows]
    print(json.dumps(report, ensure_ascii=False), flush=True)
