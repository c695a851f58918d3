"""Quarantine: where records that broke a rule wait, with what they said and every rule they broke.

Belongs here: the shape of a quarantine table and how it changes. One table per Silver table, `quarantine/<name>`, and
`quarantine/files` for whole files. Does not belong here: who is sent there (`silver.py`, `sources/load.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.delta_log import Commit
from project_etl.core.json_text import json_object, json_of_texts
from project_etl.core.lake import Lake
from project_etl.core.ledger import landed_on
from project_etl.core.records import LINEAGE_NAMES, RECORD, SILVER_LINEAGE
from project_etl.core.sql_text import is_day
from project_etl.core.staged import Run

KEYS = ("_source_file", "_row_number")

SCHEMA = T.StructType(
    [
        *[item for item in SILVER_LINEAGE if item.name != "_source_files"],
        T.StructField(
            "rules",
            T.ArrayType(T.StringType()),
            False,
            {"comment": "Every rule broken, warnings of an unknown parent left out."},
        ),
        T.StructField("rules_version", T.StringType(), False, {"comment": "Version of the rules that judged it."}),
        T.StructField(
            "is_waiting", T.BooleanType(), False, {"comment": "Lacks a parent, and is judged again when that arrives."}
        ),
        T.StructField("record", T.StringType(), False, {"comment": "The record's text columns, as JSON."}),
        T.StructField("raw", T.StringType(), False, {"comment": "The Bronze row's columns as received, as JSON."}),
        T.StructField("run_id", T.StringType(), False, {"comment": "Run that judged it last."}),
        T.StructField("first_seen", T.TimestampType(), False, {"comment": "When it was first found to be bad."}),
        T.StructField("last_seen", T.TimestampType(), False, {"comment": "When its verdict last changed."}),
    ]
)
COLUMNS = tuple(SCHEMA.fieldNames())


def name_of(table: str) -> str:
    """The quarantine table of a Silver table."""
    return f"quarantine/{table.split('/')[1]}"


def rows_of(rejected: DataFrame, waiting: Collection[str], version: str, run: Run) -> DataFrame:
    """Turn rejected records into quarantine rows.

    Args:
        rejected: records with `_record` and `_broken`.
        waiting: names of the rules that a missing parent breaks.
        version: version of the rules.
        run: the run that judged them.
    """
    names = rejected.select(f"{RECORD}.text.*").columns
    record = json_object({name: (F.col(f"{RECORD}.text.{name}"), T.StringType()) for name in names}, keep_nulls=True)
    lacks_parent = F.arrays_overlap("_broken", F.array(*[F.lit(name) for name in waiting]))
    return rejected.select(
        *[F.col(f"{RECORD}.{name}").alias(name) for name in LINEAGE_NAMES if name != "_source_files"],
        F.col("_broken").alias("rules"),
        F.lit(version).alias("rules_version"),
        (lacks_parent if waiting else F.lit(False)).alias("is_waiting"),
        record.alias("record"),
        json_of_texts(F.col(f"{RECORD}.raw.names"), F.col(f"{RECORD}.raw.texts")).alias("raw"),
        F.lit(run.run_id).alias("run_id"),
        F.lit(run.started_at).alias("first_seen"),
        F.lit(run.started_at).alias("last_seen"),
    )


def put(lake: Lake, name: str, rows: DataFrame, days: Collection[str], note: dict[str, Any]) -> Commit | None:
    """Add rows, or update those whose verdict changed; a row that is there already stays as it is.

    Holds the table's lock, as maintenance does: the caller holds that of its own table.

    Args:
        lake: the lake.
        name: the quarantine table.
        rows: at most one row per file and row number.
        days: landing days that the rows are of.
        note: note of the commit.
    """
    with lake.lock(name):
        lake.create(name, SCHEMA, description=f"Records kept out of {note['table']}.")
        lake = lake.pinned([name])
        if not holds(lake, name, days):
            return lake.append(name, rows, note)
        verdict = ["_source_version", "rules", "rules_version"]
        known = lake.read(name).select(*KEYS, *verdict)
        new = rows.join(known, on=[*KEYS, *verdict], how="left_anti").persist()
        if new.isEmpty():
            return None
        return lake.merge(
            name,
            new.withColumn("_op", F.lit("update")),
            on=KEYS,
            columns=COLUMNS,
            note=note,
            keep=("first_seen",),
            within=is_day("_landing_date", days, of="t"),
        )


def remove(lake: Lake, name: str, keys: DataFrame, note: dict[str, Any]) -> Commit:
    """Take rows out by file and row number."""
    with lake.lock(name):
        return lake.merge(name, keys.withColumn("_op", F.lit("delete")), on=KEYS, columns=KEYS, note=note)


def rows_in(lake: Lake, name: str) -> DataFrame:
    """All rows; none when there is no such table yet."""
    return lake.read(name) if lake.exists(name) else lake.session().createDataFrame([], SCHEMA)


def holds(lake: Lake, name: str, days: Collection[str]) -> bool:
    """Whether any row is of one of the landing days, without Spark."""
    return (
        bool(days)
        and lake.exists(name)
        and lake.delta(name).to_pyarrow_dataset().count_rows(filter=landed_on(days)) > 0
    )


def waiting_count(lake: Lake, name: str) -> int:
    """How many records wait for a parent, without Spark."""
    if not lake.exists(name):
        return 0
    column = lake.delta(name).to_pyarrow_table(columns=["is_waiting"]).column("is_waiting")
    return sum(column.to_pylist())
