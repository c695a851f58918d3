"""Judging small records by a Silver table's real rules: what a test of one table needs.

Belongs here: making records of plain dictionaries and telling what became of them. Does not belong here: what any table
means, or what is stored (`core/test_silver.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from project_etl.core.records import RECORD, Feed
from project_etl.core.silver_frames import judged_records, silver_schema
from project_etl.core.silver_plan import SilverJob, silver_rules
from project_etl.core.staged import Run
from project_etl.core.table import Table
from project_etl.orchestration.build import tables
from project_etl.sources.catalog import feeds_of, record_columns
from project_etl_tests.small_shop import PARAMETERS, SmallShop

LANDED = "2025-01-10"
TABLES: dict[str, Table] = {table.short_name: table for table in tables() if table.layer == "silver"}
# A record that could not be parsed, as the readers hand it on.
MALFORMED = {"_rescued_data": json.dumps({"_malformed": "too few fields", "_record": "x,y"})}

# The one row of each parent table, and what stands in its other columns where something must.
PARENTS = {"customer_id": "C1", "order_id": "O1", "product_id": "P1", "order_date": date(2025, 1, 1)}
FILLING = {
    T.StringType(): "x",
    T.LongType(): 1,
    T.DateType(): date(2025, 1, 1),
    T.TimestampType(): datetime(2025, 1, 1, tzinfo=UTC),
}

Record = Mapping[str, str | None]


@dataclass(frozen=True)
class Verdict:
    """What became of one record: the rules that it broke, whether it may be published, and its row."""

    broken: tuple[str, ...]
    is_valid: bool
    row: Mapping[str, Any]


def records(spark: SparkSession, table: Table, rows: Sequence[Record]) -> DataFrame:
    """Records of a table as Silver gets them from the shop's Bronze table, numbered from 1."""
    columns = record_columns(table.records or "")
    (feed,) = feeds_of(table.records or "", ("shop",))
    texts = (*columns, "_rescued_data", "_source_file", "_source_version")
    schema = ", ".join([*(f"`{name}` string" for name in texts), "_row_number bigint", "_landing_date date"])
    same = {"_source_file": "shop/test.csv", "_source_version": "v1"}
    filled = [
        (*[{**same, **row}.get(name) for name in texts], number, date.fromisoformat(LANDED))
        for number, row in enumerate(rows, start=1)
    ]
    return Feed(feed.bronze, feed.columns).records(spark.createDataFrame(filled, schema), columns)


def job_of(spark: SparkSession, folder: Path, table: Table) -> SilverJob:
    """A job over a lake in which each of the table's parents holds the one row of `PARENTS`."""
    lake = SmallShop(folder, spark).lake
    for ref in table.references:
        parent = TABLES[ref.table.split("/")[1]]
        schema = silver_schema(parent)
        row = [PARENTS.get(field.name, None if field.nullable else FILLING[field.dataType]) for field in schema]
        lake.create(parent.name, schema, partition_by=parent.partition_by)
        lake.append(parent.name, spark.createDataFrame([tuple(row)], schema), {"table": parent.name})
    feeds = feeds_of(table.records or "", ("shop",))
    return SilverJob(
        lake, table, record_columns(table.records or ""), feeds, (LANDED,), Run("r", parameters=PARAMETERS)
    )


def judge(spark: SparkSession, folder: Path, name: str, cases: Mapping[str, Record]) -> dict[str, Verdict]:
    """Judge records, all in one pass.

    Args:
        spark: the session.
        folder: an empty folder.
        name: the Silver table.
        cases: records by what they are cases of.
    """
    table = TABLES[name]
    judged = judged_records(job_of(spark, folder, table), records(spark, table, list(cases.values()))).collect()
    names = dict(enumerate(cases, start=1))
    return {
        names[row[RECORD]["_row_number"]]: Verdict(tuple(sorted(row["_broken"])), row["_valid"], row.asDict())
        for row in judged
    }


def rule_names(name: str) -> set[str]:
    """Every rule of a Silver table that the shop feeds."""
    table = TABLES[name]
    columns = record_columns(table.records or "")
    return {rule.name for rule in silver_rules(table, columns, feeds_of(table.records or "", ("shop",)))}
