"""PySpark: what it reads of the command's files, and what the command reads of its files."""

from typing import Any

import material
import trips
from checks import check, equal, raises
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

SPARK = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.log.level", "OFF")
    .getOrCreate()
)


def columns(frame: DataFrame) -> dict[str, list[Any]]:
    """What Spark has, by column."""
    rows = frame.orderBy("Row").collect()
    return {name: [row[name] for row in rows] for name in frame.columns}


@check("Spark")
def _() -> None:
    """Parquet is read as it is written by default: every value and type."""
    frame = SPARK.read.parquet(str(trips.written("us.parquet")))
    types = dict(frame.dtypes)
    equal(types["Time"], "timestamp")
    equal(types["Lasted"], "bigint")
    equal(types["Flag"], "boolean")
    frame = frame.withColumn("Time", f.unix_micros("Time"))
    trips.typed(columns(frame), times=trips.TIMES_US, spans=trips.SPANS_NS)


@check("Spark")
def _() -> None:
    """Parquet without rows keeps its types, and conditions on times are pushed down."""
    path = trips.written("empty.parquet", query=material.EMPTY)
    full = SPARK.read.parquet(str(trips.written("us.parquet")))
    empty = SPARK.read.parquet(str(path))
    equal(empty.dtypes, full.dtypes)
    equal(empty.count(), 0)
    equal(full.where("Time > timestamp'2024-01-01' and Time < timestamp'2025-01-01'").count(), 1)


@check("Spark")
def _() -> None:
    """A file with nanoseconds is refused by Spark, which is why they are not the default."""
    path = trips.written("ns.parquet", "--parquet-timestamps", "ns")
    with raises(Exception, "TIMESTAMP(NANOS"):
        SPARK.read.parquet(str(path)).collect()


@check("Spark")
def _() -> None:
    """A folder that is partitioned: every row, and the value of its folder."""
    frame = SPARK.read.parquet(str(trips.written("by_flag", "--partition-by", "Flag")))
    found = columns(frame)
    trips.same("Text", found["Text"], material.expected("Text"))
    flags = [None if one is None else str(one).lower() == "true" for one in found["Flag"]]
    trips.same("Flag", flags, material.expected("Flag"))


@check("Spark")
def _() -> None:
    """CSV, also compressed: every cell as text."""
    for name in ("rows.csv", "rows.csv.gz"):
        frame = SPARK.read.csv(
            str(trips.written(name)), header=True, multiLine=True, quote='"', escape='"',
            emptyValue="", nullValue=None, lineSep="\n",
        )
        found = columns(frame)
        for column in ("Row", "Large", "Time", "Lasted", "More", "Price"):
            trips.same(column, found[column], material.texts(column))
        # A string is never null here; Spark takes the quotes of an empty one off first.
        texts = [text or "" for text in found["Text"]]
        trips.same("Text", texts, material.expected("Text"))


@check("Spark")
def _() -> None:
    """Lines of JSON: texts, large numbers, and times as text."""
    frame = SPARK.read.schema("Row long, Large long, Text string, Time string").json(
        str(trips.written("rows.ndjson"))
    )
    found = columns(frame)
    for column in ("Large", "Text"):
        trips.same(column, found[column], material.expected(column))
    trips.same("Time", found["Time"], material.texts("Time"))


@check("Spark")
def _() -> None:
    """Its folders of Parquet, CSV and lines of JSON are read here with the same values."""
    names = list(trips.OTHERS)
    rows = list(zip(*trips.OTHERS.values(), strict=True))
    frame = SPARK.createDataFrame(
        rows,
        "Row long, Flag boolean, Small int, Large long, Real double, Micros long, Text string",
    ).withColumn("Time", f.timestamp_micros("Micros"))
    equal(frame.columns[:-1], names)
    folder = trips.folder() / "spark"
    frame.drop("Micros").coalesce(1).write.parquet(str(folder / "parquet" / "T"))
    found = trips.rows_of(folder / "parquet")
    trips.same("Time", [row["Time"] for row in found], trips.OTHERS_TIMES)
    for name in names:
        if name != "Micros":
            trips.same(name, [row[name] for row in found], trips.OTHERS[name])
    for kind in ("csv", "json"):
        writer = frame.select("Row", "Small", "Text").coalesce(1).write
        place = str(folder / kind / "T")
        if kind == "csv":
            writer.csv(place, header=True, escape='"')
        else:
            writer.json(place)
        found = trips.rows_of(folder / kind)
        for name in ("Row", "Small", "Text"):
            trips.same(name, [row[name] for row in found], trips.OTHERS[name])
