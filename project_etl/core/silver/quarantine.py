"""Quarantine: where records that broke a rule wait, with what they said and every rule they broke.

Belongs here: the shape of a quarantine table and how it changes. There is one per Silver table, `quarantine/<name>`; a
history has none of its own where its sister keeps the same records out (`Table.sister`). Does not belong here: who is
sent there (`stage.py`), whole files (`core/bronze/file_table.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts.sql_text import is_day
from project_etl.core.lake import Append, Commit, Conflict, TableStore, Upsert
from project_etl.core.lake.state import on_days
from project_etl.core.model.records import LINEAGE_NAMES, PLACE, SILVER_LINEAGE
from project_etl.core.model.staged import Run
from project_etl.core.transforms.json_text import json_object

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


@dataclass(frozen=True)
class Changes:
    """What a batch changes in a quarantine table.

    Attributes:
        rows: the rows, with `_op`: `insert`, `update` or `delete`.
        days: landing days of these rows.
        are_new: whether the table holds no row of these days, so that all of them are added.
        released: records that leave because they break no rule any more.
    """

    rows: DataFrame
    days: tuple[str, ...]
    are_new: bool
    released: int


def changes_of(lake: TableStore, name: str, rejected: DataFrame, leaving: DataFrame, kept: ExitStack) -> Changes | None:
    """Compare a table with what it has to hold.

    Args:
        lake: the lake.
        name: the quarantine table, which must exist.
        rejected: rows that belong into it; one that is there already, with the same verdict, stays as it is.
        leaving: rows of the table that must go, with `_valid`: whether they are valid now.
        kept: frees what is kept.

    Returns:
        None when the table is right already.
    """
    # An erasure changes the text of a record and leaves its file's version.
    verdict = ["_source_version", "rules", "rules_version", "record", "raw"]
    known = lake.read(name).select(*KEYS, *verdict)
    entering = rejected.join(known, on=[*KEYS, *verdict], how="left_anti")
    rows = entering.select(*COLUMNS, F.lit("update").alias("_op"), F.lit(False).alias("_valid"))
    rows = rows.unionByName(leaving.select(*COLUMNS, F.lit("delete").alias("_op"), "_valid"))
    rows = kept.enter_context(lake.keep(rows))
    groups = rows.groupBy("_landing_date", "_valid").count().collect()
    if not groups:
        return None
    days = tuple(sorted({str(day) for day, _, _ in groups}))
    return Changes(rows.drop("_valid"), days, are_new=False, released=sum(n for _, is_valid, n in groups if is_valid))


def commit(lake: TableStore, name: str, changes: Changes, note: dict[str, Any]) -> Commit:
    """Change a table in one commit. The caller holds its lock.

    Raises:
        Conflict: another process has changed the table since it was read.
    """
    lake.create(
        name,
        SCHEMA,
        description=f"Records kept out of silver/{name.split('/')[1]}.",
        statistics=(*KEYS, "_landing_date", "is_waiting"),
    )
    if lake.pins.get(name) is None:
        lake = replace(lake, pins={each: state for each, state in lake.pins.items() if each != name})
        if not lake.is_empty(name):
            raise Conflict(f"Table {name} was made by another process while this run judged its records. Run again.")
    if changes.are_new:
        return lake.commit(name, Append(), changes.rows.select(*COLUMNS), note)
    change = Upsert(KEYS, COLUMNS, is_day("_landing_date", changes.days, of="t"), keep=("first_seen",))
    return lake.commit(name, change, changes.rows, note)


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


def verdicts(lake: TableStore, name: str, days: Collection[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Of each row of some landing days its day and the rules that it breaks, without Spark."""
    if not (days and lake.exists(name)):
        return []
    rows = lake.state(name).rows(["_landing_date", "rules"], on_days("_landing_date", days))
    return [(str(row["_landing_date"]), tuple(row["rules"])) for row in rows.to_pylist()]


def size_on(lake: TableStore, name: str, days: Collection[str]) -> int:
    """Bytes of the files that may hold rows of some landing days."""
    return lake.state(name).size_on("_landing_date", days) if lake.exists(name) else 0


def waiting_count(lake: TableStore, name: str) -> int:
    """How many records wait for a parent, without Spark."""
    if not lake.exists(name):
        return 0
    return lake.state(name).dataset().count_rows(filter=pc.field("is_waiting"))
