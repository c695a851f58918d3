"""Quarantine: where records that broke a rule wait, with what they said and every rule they broke.

Belongs here: the shape of a quarantine table and how it changes. One table per Silver table, `quarantine/<name>`. Does
not belong here: who is sent there (`silver.py`), whole files (`file_table.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.json_text import json_object
from project_etl.core.lake import Append, Commit, TableStore, Upsert
from project_etl.core.lake.state import on_days
from project_etl.core.records import LINEAGE_NAMES, PLACE, SILVER_LINEAGE
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


def rows_of(
    rejected: DataFrame, received: DataFrame, columns: Sequence[str], waiting: Collection[str], version: str, run: Run
) -> DataFrame:
    """Turn rejected records into quarantine rows.

    Args:
        rejected: records with their lineage, `_text` and `_broken`.
        received: `raw` of each of them, as it was received, by `PLACE`.
        columns: text columns of a record.
        waiting: names of the rules that a missing parent breaks.
        version: version of the rules.
        run: the run that judged them.
    """
    record = json_object({name: F.col(f"_text.{name}") for name in columns})
    lacks_parent = F.arrays_overlap("_broken", F.array(*[F.lit(name) for name in waiting]))
    return rejected.join(received, on=[*PLACE], how="left").select(
        *[name for name in LINEAGE_NAMES if name != "_source_files"],
        F.col("_broken").alias("rules"),
        F.lit(version).alias("rules_version"),
        (lacks_parent if waiting else F.lit(False)).alias("is_waiting"),
        record.alias("record"),
        "raw",
        F.lit(run.run_id).alias("run_id"),
        F.lit(run.started_at).alias("first_seen"),
        F.lit(run.started_at).alias("last_seen"),
    )


def put(lake: TableStore, name: str, rows: DataFrame, days: Collection[str], note: dict[str, Any]) -> Commit | None:
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
            return lake.commit(name, Append(), rows, note)
        verdict = ["_source_version", "rules", "rules_version"]
        known = lake.read(name).select(*KEYS, *verdict)
        with lake.keep(rows.join(known, on=[*KEYS, *verdict], how="left_anti")) as new:
            if new.isEmpty():
                return None
            change = Upsert(KEYS, COLUMNS, is_day("_landing_date", days, of="t"), keep=("first_seen",))
            return lake.commit(name, change, new.select(*COLUMNS, F.lit("update").alias("_op")), note)


def remove(lake: TableStore, name: str, keys: DataFrame, note: dict[str, Any]) -> Commit:
    """Take rows out by file and row number."""
    with lake.lock(name):
        return lake.commit(name, Upsert(KEYS, KEYS), keys.select(*KEYS, F.lit("delete").alias("_op")), note)


def rows_in(lake: TableStore, name: str) -> DataFrame:
    """All rows; none when there is no such table yet."""
    return lake.read(name) if lake.exists(name) else lake.no_rows(SCHEMA)


def holds(lake: TableStore, name: str, days: Collection[str]) -> bool:
    """Whether any row is of one of the landing days, without Spark."""
    return (
        bool(days)
        and lake.exists(name)
        and lake.state(name).dataset().count_rows(filter=on_days("_landing_date", days)) > 0
    )


def waiting_count(lake: TableStore, name: str) -> int:
    """How many records wait for a parent, without Spark."""
    if not lake.exists(name):
        return 0
    return lake.state(name).dataset().count_rows(filter=pc.field("is_waiting"))
