"""Judging small records by a Silver table's real rules: what a test of one table needs.

Belongs here: making records of plain dictionaries and telling what became of them. Does not belong here: what any table
means, or what is stored (`core/test_silver.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from project_etl.catalog import feeds_of, tables
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import Feed
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver.frames import judged_records
from project_etl.core.silver.plan import SilverJob, silver_schema
from project_etl.core.silver.rules import WITHIN_PARTITIONS, silver_rules
from project_etl_tests.small_shop import PARAMETERS, SmallShop, settings_of

LANDED = "2025-01-10"
# No case is of an earlier day: what such a day means is in test_within_partitions.py.
FIRST = date(1900, 1, 1)
# A shop and a CRM, so that each kind of records has one feed.
SETTINGS = settings_of(("shop", "hubspot"))
TABLES: dict[str, Table] = {table.short_name: table for table in tables() if table.layer == "silver"}
# A record that could not be parsed, as the readers hand it on.
MALFORMED = {"_rescued_data": json.dumps({"_malformed": "too few fields", "_record": "x,y"})}

# The one row of each parent table, and what stands in its other columns where something must.
PARENTS: dict[str, Any] = {
    "customer_id": "C1",
    "order_id": "O1",
    "order_item_id": "I1",
    "product_id": "P1",
    "contact_id": "K1",
    "order_date": date(2025, 1, 1),
    "order_ts": datetime(2025, 1, 1, tzinfo=UTC),
    "currency": "EUR",
}
FILLING = {
    T.StringType(): "x",
    T.LongType(): 1,
    T.IntegerType(): 1,
    T.DecimalType(18, 4): Decimal(1),
    T.DateType(): date(2025, 1, 1),
    T.TimestampType(): datetime(2025, 1, 1, tzinfo=UTC),
}

Record = Mapping[str, str | None]


Changes = Mapping[str, tuple[Record, Sequence[str]]]


@dataclass(frozen=True)
class Cases:
    """What a table's rules say of records that differ from a good one.

    Attributes:
        table: the Silver table.
        record: a good record.
        bad: case → the columns that differ, and the rules that keep the record out.
        good: case → the columns that differ; such a record breaks nothing.
        warned: case → the columns that differ, and the rules that the record breaks and yet stays.
        unreachable: rules that no record can break; the reason stands where they are listed.
        also: further tables that are judged by the same rules.
    """

    table: str
    record: Record
    bad: Changes
    good: Mapping[str, Record]
    warned: Changes = field(default_factory=dict[str, tuple[Record, Sequence[str]]])
    unreachable: Collection[str] = ()
    also: tuple[str, ...] = ()

    @property
    def expected(self) -> dict[str, tuple[Record, tuple[str, ...], bool]]:
        """Case → the columns that differ, the rules that are broken, and whether the record may be published."""
        bad = {**self.bad, **self._bad_deletions}
        out = {case: (change, tuple(rules), False) for case, (change, rules) in bad.items()}
        stays = {case: (change, tuple(rules), True) for case, (change, rules) in self.warned.items()}
        good = {**self.good, "a deletion that says nothing but its key and when": self._deletion}
        return out | stays | {case: (change, (), True) for case, change in good.items()}

    @property
    def _deletion(self) -> Record:
        table = TABLES[self.table]
        rest = dict.fromkeys(self.record.keys() - {*table.keys, table.newest_by})
        return {**rest, DELETED: "true"}

    @property
    def _bad_deletions(self) -> Changes:
        table = TABLES[self.table]
        is_needed = f"{table.newest_by}_not_null" in rule_names(table.short_name)
        undated = ["deletion_dated", *([f"{table.newest_by}_not_null"] if is_needed else [])]
        return {
            "a word that is no answer to whether it is gone": ({DELETED: "perhaps"}, ["deletion_readable"]),
            "a deletion without its instant": ({**self._deletion, table.newest_by: None}, undated),
        }


@dataclass(frozen=True)
class Verdict:
    """What became of one record: the rules that it broke, whether it may be published, and its row."""

    broken: tuple[str, ...]
    is_valid: bool
    row: Mapping[str, Any]


def records(spark: SparkSession, table: Table, rows: Sequence[Record]) -> DataFrame:
    """Records of a table as Silver gets them from a Bronze table whose rows are records, numbered from 1."""
    assert table.records
    columns = tuple(table.records.columns)
    (feed,) = feeds_of(table, SETTINGS)
    texts = (*columns, DELETED, "_rescued_data", "_source_file", "_source_version")
    schema = ", ".join([*(f"`{name}` string" for name in texts), "_row_number bigint", "_landing_date date"])
    same = {"_source_file": "shop/test.csv", "_source_version": "v1"}
    filled = [
        (*[{**same, **row}.get(name) for name in texts], number, date.fromisoformat(LANDED))
        for number, row in enumerate(rows, start=1)
    ]
    return Feed(feed.bronze, feed.columns).records(spark.createDataFrame(filled, schema), table.records)


def job_of(engine: Engine, folder: Path, table: Table) -> SilverJob:
    """A job over a lake in which each of the table's parents holds the one row of `PARENTS`."""
    lake = SmallShop(folder, engine).lake
    for ref in table.references:
        parent = TABLES[ref.table.split("/")[1]]
        schema = silver_schema(parent)
        row = [PARENTS.get(field.name, None if field.nullable else FILLING[field.dataType]) for field in schema]
        lake.create(parent.name, schema, partition_by=parent.partition_by)
        values = dict(zip(schema.fieldNames(), row, strict=True))
        stored = pa.Table.from_pylist([values], lake.state(parent.name).arrow_schema)
        lake.commit(parent.name, Append(), stored, {"table": parent.name})
    feeds = feeds_of(table, SETTINGS)
    return SilverJob(lake, table, feeds, (LANDED,), Run("r", parameters=PARAMETERS), FIRST)


def judge(engine: Engine, folder: Path, cases: Cases) -> dict[str, Verdict]:
    """Judge the records of a table's cases, all in one pass, in an empty folder."""
    table = TABLES[cases.table]
    rows = [{**cases.record, **change} for change, _, _ in cases.expected.values()]
    judged = judged_records(job_of(engine, folder, table), records(engine.session(), table, rows)).collect()
    names = dict(enumerate(cases.expected, start=1))
    return {
        names[row["_row_number"]]: Verdict(tuple(sorted(row["_broken"])), row["_valid"], row.asDict()) for row in judged
    }


def rule_names(name: str) -> set[str]:
    """Every rule of a Silver table that one source feeds."""
    table = TABLES[name]
    return {rule.name for rule in silver_rules(table, feeds_of(table, SETTINGS), FIRST)} - {WITHIN_PARTITIONS}
