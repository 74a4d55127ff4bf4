"""A side of `cargo xtask bench export`: what a careful engineer writes with httpx, orjson, polars.

polars_side.py PORT FORMAT FILE
"""

import sys

import httpx
import orjson
import polars

TYPES = {
    "DateTime": polars.String,
    "Int32": polars.Int64,
    "Int64": polars.Int64,
    "SByte": polars.Int64,
    "Double": polars.Float64,
}

port, form, file = sys.argv[1:]
root = f"http://127.0.0.1:{port}"
with httpx.Client(timeout=180) as client:
    token = client.post(
        f"{root}/11111111-1111-4111-8111-111111111111/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "client_secret": "bench"},
    ).json()["access_token"]
    answer = client.post(
        f"{root}/v1.0/security/runHuntingQuery",
        headers={"Authorization": f"Bearer {token}"},
        json={"Query": "DeviceProcessEvents"},
    )
answer.raise_for_status()
body = orjson.loads(answer.content)
columns = {}
for column in body["schema"]:
    name, kind = column["name"], column["type"]
    values = [row.get(name) for row in body["results"]]
    if kind == "Object":
        values = [
            None
            if value is None
            else orjson.dumps({k: v for k, v in value.items() if k != "@odata.type"}).decode()
            for value in values
        ]
    else:
        values = [None if isinstance(value, dict) else value for value in values]
    series = polars.Series(name, values, dtype=TYPES.get(kind, polars.String))
    columns[name] = (
        series.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ns", strict=False)
        if kind == "DateTime"
        else series
    )
frame = polars.DataFrame(columns)
if form == "parquet":
    frame.write_parquet(file, compression="zstd")
elif form == "csv":
    frame.write_csv(file)
else:
    frame.write_ndjson(file)
