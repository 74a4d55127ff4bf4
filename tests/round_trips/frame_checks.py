"""pyarrow, pandas, Polars and DuckDB: what they read of the command's files, and what it reads of theirs."""

import datetime
import json
from typing import Any

import duckdb
import material
import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import trips
from checks import check, contains, equal


def arrow_columns(table: pyarrow.Table, unit: str) -> dict[str, list[Any]]:
    """Columns as Python's values, times as numbers."""
    equal(str(table.schema.field("Time").type), f"timestamp[{unit}, tz=UTC]")
    equal(str(table.schema.field("Lasted").type), "duration[ns]")
    columns = {name: table[name].to_pylist() for name in table.column_names if name != "Lasted"}
    columns["Time"] = table["Time"].cast("int64").to_pylist()
    columns["Lasted"] = table["Lasted"].cast("int64").to_pylist()
    return columns


@check("pyarrow")
def _() -> None:
    """Parquet with microseconds: every value, and lengths of time as such."""
    table = pyarrow.parquet.read_table(trips.written("us.parquet"))
    trips.typed(arrow_columns(table, "us"), times=trips.TIMES_US, spans=trips.SPANS_NS)


@check("pyarrow")
def _() -> None:
    """Parquet with nanoseconds: every digit."""
    path = trips.written("ns.parquet", "--parquet-timestamps", "ns")
    table = pyarrow.parquet.read_table(path)
    trips.typed(arrow_columns(table, "ns"), times=trips.TIMES_NS, spans=trips.SPANS_NS)


@check("pyarrow")
def _() -> None:
    """Arrow IPC: every digit."""
    table = pyarrow.feather.read_table(trips.written("rows.arrow"))
    trips.typed(arrow_columns(table, "ns"), times=trips.TIMES_NS, spans=trips.SPANS_NS)


@check("pyarrow")
def _() -> None:
    """Parquet and Arrow without rows keep every type."""
    for name in ("empty.parquet", "empty.arrow"):
        path = trips.written(name, query=material.EMPTY)
        read = pyarrow.parquet.read_table if name.endswith("parquet") else pyarrow.feather.read_table
        table = read(path)
        equal(table.num_rows, 0)
        full = "us.parquet" if name.endswith("parquet") else "rows.arrow"
        equal(table.schema.types, read(trips.written(full)).schema.types)


@check("pyarrow")
def _() -> None:
    """CSV: every cell as text, null apart from the empty string."""
    table = pyarrow.csv.read_csv(
        trips.written("rows.csv"),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(material.KINDS, pyarrow.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    trips.all_texts({name: table[name].to_pylist() for name in table.column_names})


@check("pandas")
def _() -> None:
    """Parquet: every value; times are UTC, lengths are timedeltas."""
    frame = pandas.read_parquet(trips.written("us.parquet"), dtype_backend="pyarrow")
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    trips.typed(arrow_columns(table, "us"), times=trips.TIMES_US, spans=trips.SPANS_NS)
    frame = pandas.read_parquet(trips.written("us.parquet"))
    equal(str(frame["Time"].dtype), "datetime64[us, UTC]")
    equal(str(frame["Lasted"].dtype), "timedelta64[ns]")


@check("pandas")
def _() -> None:
    """CSV, plain, with CRLF, with a byte order mark and compressed: the same cells."""
    for name, options in (
        ("rows.csv", ()),
        ("crlf.csv", ("--crlf",)),
        ("bom.csv", ("--bom",)),
        ("windows.csv", ("--bom", "--crlf")),
        # For zstd, pandas needs a package of its own.
        ("rows.csv.gz", ()),
    ):
        frame = pandas.read_csv(
            trips.written(name, *options), dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
        columns = {column: frame[column].tolist() for column in frame.columns}
        for column in material.KINDS:
            expected = [text or "" for text in material.texts(column)]
            trips.same(f"{name}: {column}", columns[column], expected)


@check("pandas")
def _() -> None:
    """JSON and lines of JSON: the same rows as Python's own reader has."""
    rows = json.loads(trips.written("rows.json").read_text("utf-8"))
    lines = trips.written("rows.ndjson").read_text("utf-8").splitlines()
    equal([json.loads(line) for line in lines], rows)
    trips.same("Large", [row["Large"] for row in rows], material.expected("Large"))
    trips.same("Text", [row["Text"] for row in rows], material.expected("Text"))
    trips.same("More", [row["More"] for row in rows], material.expected("More"))
    trips.same("Time", [row["Time"] for row in rows], material.texts("Time"))
    frame = pandas.read_json(
        trips.written("rows.ndjson.gz"), lines=True, dtype=False, convert_dates=False
    )
    trips.same("Text", frame["Text"].tolist(), material.expected("Text"))


def polars_columns(frame: polars.DataFrame, unit: str) -> dict[str, list[Any]]:
    """Columns as Python's values, times as numbers."""
    equal(frame.schema["Time"], polars.Datetime(unit, "UTC"))
    equal(frame.schema["Lasted"], polars.Duration("ns"))
    numbers = frame.with_columns(polars.col("Time", "Lasted").to_physical())
    return numbers.to_dict(as_series=False)


@check("Polars")
def _() -> None:
    """Parquet and Arrow: every value, and lengths of time as such."""
    for name, options, unit, times in (
        ("us.parquet", (), "us", trips.TIMES_US),
        ("ns.parquet", ("--parquet-timestamps", "ns"), "ns", trips.TIMES_NS),
        ("rows.arrow", (), "ns", trips.TIMES_NS),
    ):
        path = trips.written(name, *options)
        frame = polars.read_ipc(path) if name.endswith("arrow") else polars.read_parquet(path)
        trips.typed(polars_columns(frame, unit), times=times, spans=trips.SPANS_NS)


@check("Polars")
def _() -> None:
    """CSV, also compressed: every cell as text, null apart from the empty string."""
    for name in ("rows.csv", "rows.csv.gz", "rows.csv.zst"):
        frame = polars.read_csv(trips.written(name), infer_schema=False, empty_string_is_null=True)
        columns = frame.to_dict(as_series=False)
        trips.all_texts(columns)


@check("Polars")
def _() -> None:
    """Lines of JSON, also compressed with zstd."""
    for name in ("rows.ndjson", "rows.ndjson.zst"):
        path = trips.written(name)
        schema = {"Row": polars.Int64, "Large": polars.Int64, "Text": polars.String}
        frame = polars.read_ndjson(path, schema=schema)
        trips.same("Text", frame["Text"].to_list(), material.expected("Text"))
        trips.same("Large", frame["Large"].to_list(), material.expected("Large"))


def duck(query: str) -> dict[str, list[Any]]:
    """What DuckDB has, by column."""
    found = duckdb.connect().execute(query)
    names = [one[0] for one in found.description]
    rows = found.fetchall()
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


@check("DuckDB")
def _() -> None:
    """Parquet: every value; lengths of time are numbers of nanoseconds."""
    columns = duck(
        f"select * replace (epoch_us(Time) as Time) from '{trips.written('us.parquet')}' order by Row"
    )
    trips.typed(columns, times=trips.TIMES_US, spans=trips.SPANS_NS)
    # As the guide has it.
    found = duck(
        f"select to_microseconds(Lasted // 1000) as Lasted from '{trips.written('us.parquet')}' "
        "order by Row limit 2"
    )
    equal(
        found["Lasted"],
        [
            datetime.timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=12),
            datetime.timedelta(seconds=-1),
        ],
    )


@check("DuckDB")
def _() -> None:
    """Parquet with nanoseconds: every digit."""
    path = trips.written("ns.parquet", "--parquet-timestamps", "ns")
    columns = duck(f"select * replace (epoch_ns(Time) as Time) from '{path}' order by Row")
    trips.typed(columns, times=trips.TIMES_NS, spans=trips.SPANS_NS)


@check("DuckDB")
def _() -> None:
    """CSV, also for Windows and compressed: every cell as text."""
    for name, options in (
        ("rows.csv", ()),
        ("crlf.csv", ("--crlf",)),
        ("windows.csv", ("--bom", "--crlf")),
        ("rows.csv.gz", ()),
        ("rows.csv.zst", ()),
    ):
        path = trips.written(name, *options)
        columns = duck(
            f"select * from read_csv('{path}', all_varchar=true, header=true, delim=',', "
            "quote='\"', escape='\"', allow_quoted_nulls=false, new_line="
            f"'{chr(92)}{'r' + chr(92) + 'n' if '--crlf' in options else 'n'}')"
        )
        trips.all_texts(columns)


@check("DuckDB")
def _() -> None:
    """Lines of JSON, also compressed: texts, large numbers and JSON within."""
    for name in ("rows.ndjson", "rows.ndjson.gz", "rows.ndjson.zst"):
        columns = duck(
            "select Text, Large, More::varchar as More from read_json("
            f"'{trips.written(name)}', format='newline_delimited', "
            "columns={Row: 'BIGINT', Text: 'VARCHAR', Large: 'BIGINT', More: 'JSON'}) order by Row"
        )
        trips.same("Text", columns["Text"], material.expected("Text"))
        trips.same("Large", columns["Large"], material.expected("Large"))
        more = [None if text is None else json.loads(text) for text in columns["More"]]
        trips.same("More", more, material.expected("More"))


@check("DuckDB, Polars, pyarrow")
def _() -> None:
    """A folder that is partitioned: every row, and the value of its folder."""
    path = trips.written("by_flag", "--partition-by", "Flag")
    found = duck(f"select Row, Flag from read_parquet('{path}/**/*.parquet', hive_partitioning=true) order by Row")
    flags = [str(flag).lower() if flag is not None else None for flag in material.expected("Flag")]
    trips.same("Flag", [None if one is None else str(one).lower() for one in found["Flag"]], flags)
    frame = polars.read_parquet(f"{path}/**/*.parquet", hive_partitioning=True).sort("Row")
    trips.same("Row", frame["Row"].to_list(), material.expected("Row"))
    table = pyarrow.dataset.dataset(path, partitioning="hive").to_table().sort_by("Row")
    trips.same("Text", table["Text"].to_pylist(), material.expected("Text"))


@check("pyarrow")
def _() -> None:
    """With --datetime text the years 1 and 9999 are text in Parquet and CSV."""
    for name in ("far.parquet", "far.csv"):
        path = trips.written(name, "--datetime", "text", query=material.FAR_QUERY)
        if name.endswith("csv"):
            found = pandas.read_csv(path, dtype=str)["Time"].tolist()
        else:
            found = pyarrow.parquet.read_table(path)["Time"].to_pylist()
        trips.same(name, found, material.FAR)


def others_table() -> pyarrow.Table:
    """What is written by others."""
    columns = dict(trips.OTHERS)
    times = pyarrow.array(columns.pop("Micros"), pyarrow.timestamp("us", tz="UTC"))
    table = pyarrow.table(
        {name: pyarrow.array(values) for name, values in columns.items()}
    ).append_column("Time", times)
    return table.set_column(2, "Small", table["Small"].cast("int32"))


def others(rows: list[dict[str, Any]], *, empty: str | None = "") -> None:
    """Compares what the command read of a file of somebody else."""
    for name, values in trips.OTHERS.items():
        if name == "Micros":
            trips.same("Time", [row["Time"] for row in rows], trips.OTHERS_TIMES)
        else:
            trips.same(name, [row[name] for row in rows], values)


@check("pyarrow")
def _() -> None:
    """Its Parquet, Arrow and CSV are read here with the same values."""
    table = others_table()
    folder = trips.folder()
    for codec in ("snappy", "gzip", "zstd", "none"):
        path = folder / f"pyarrow_{codec}.parquet"
        pyarrow.parquet.write_table(table, path, compression=codec)
        others(trips.read_back(path))
    path = folder / "pyarrow.arrow"
    pyarrow.feather.write_feather(table, path, compression="uncompressed")
    others(trips.read_back(path))


@check("pyarrow")
def _() -> None:
    """Its lengths of time, decimals, lists and structs are read here."""
    table = pyarrow.table(
        {
            "Row": [1],
            "Lasted": pyarrow.array([93784000012300], pyarrow.duration("ns")),
            "Price": pyarrow.array([trips.Decimal("-1.25")], pyarrow.decimal128(38, 10)),
            "Tags": pyarrow.array([["a", None]]),
            "File": pyarrow.array([{"Name": "a.exe", "Size": 3}]),
        }
    )
    path = trips.folder() / "pyarrow_nested.parquet"
    pyarrow.parquet.write_table(table, path)
    [row] = trips.read_back(path)
    equal(row["Lasted"], "1.02:03:04.0000123")
    equal(trips.Decimal(row["Price"]), trips.Decimal("-1.25"))
    equal(row["Tags"], ["a", None])
    equal(row["File"], {"Name": "a.exe", "Size": 3})


@check("pandas")
def _() -> None:
    """Its Parquet and CSV are read here with the same values."""
    frame = others_table().to_pandas(types_mapper=pandas.ArrowDtype)
    path = trips.folder() / "pandas.parquet"
    frame.to_parquet(path, index=False)
    others(trips.read_back(path))
    path = trips.folder() / "pandas.csv"
    frame[["Row", "Small", "Text"]].to_csv(path, index=False)
    rows = trips.read_back(path)
    for name in ("Row", "Small", "Text"):
        trips.same(name, [row[name] for row in rows], trips.OTHERS[name])


@check("Polars")
def _() -> None:
    """Its Parquet, Arrow, CSV and lines of JSON are read here with the same values."""
    frame = polars.from_arrow(others_table())
    folder = trips.folder()
    frame.write_parquet(folder / "polars.parquet")
    others(trips.read_back(folder / "polars.parquet"))
    frame.write_ipc(folder / "polars.arrow")
    others(trips.read_back(folder / "polars.arrow"))
    for name, write in (("polars.csv", frame.write_csv), ("polars.ndjson", frame.write_ndjson)):
        write(folder / name)
        rows = trips.read_back(folder / name)
        for column in ("Row", "Small", "Text"):
            trips.same(column, [row[column] for row in rows], trips.OTHERS[column])


@check("DuckDB")
def _() -> None:
    """Its Parquet, CSV and lines of JSON are read here with the same values."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.register("rows", others_table())
    folder = trips.folder()
    connection.execute(f"copy (from rows) to '{folder}/duckdb.parquet' (format parquet)")
    others(trips.read_back(folder / "duckdb.parquet"))
    for name in ("duckdb.csv", "duckdb.ndjson"):
        kind = "csv, header" if name.endswith("csv") else "json"
        connection.execute(f"copy (select Row, Small, Text from rows) to '{folder}/{name}' (format {kind})")
        rows = trips.read_back(folder / name)
        for column in ("Row", "Small", "Text"):
            trips.same(column, [row[column] for row in rows], trips.OTHERS[column])


@check("defender")
def _() -> None:
    """Its own files of every format are read back with the same rows."""
    names = (
        ("ns.parquet", ("--parquet-timestamps", "ns")),
        ("rows.arrow", ()),
        ("windows.csv", ("--bom", "--crlf")),
        ("rows.csv.zst", ()),
        ("rows.ndjson.gz", ()),
        ("rows.json", ()),
    )
    for name, options in names:
        rows = trips.read_back(trips.written(name, *options))
        trips.same(name, [row["Text"] for row in rows], material.expected("Text"))
        trips.same(name, [row["Time"] for row in rows], material.texts("Time"))
        if name.endswith(("parquet", "arrow")):
            for column in ("Flag", "Small", "Large", "Id", "More"):
                trips.same(column, [row[column] for row in rows], material.expected(column))
            trips.same("Lasted", [row["Lasted"] for row in rows], material.texts("Lasted"))


@check("defender")
def _() -> None:
    """What is cut off in Parquet is counted on standard error, with the way out."""
    path = str(trips.folder() / "warned.parquet")
    said = trips.run("query", "--data", trips.nothing(), material.QUERY, "-o", path).stderr
    contains(said, "2 values of Time", "--parquet-timestamps ns")
