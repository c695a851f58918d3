"""Silver: records are read, judged, ranked and sent to quarantine alike by every engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.catalog import feeds_of, parameters_of
from project_etl.core.contracts.judge import grouped
from project_etl.core.engine.base import Engine
from project_etl.core.model.records import PLACE
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver import quarantine
from project_etl.core.silver.frames import judged_records
from project_etl.core.silver.plan import SilverJob, silver_schema
from project_etl.core.silver.rank import Stored, ranked
from project_etl.settings import Settings
from project_etl.sources.online_retail import COLUMNS, SOURCE
from project_etl_tests.parity.engines import Engines, arrow, same_rows
from project_etl_tests.parity.values import ARRAYS, BOOLEANS, DAYS, ESCAPED, NUMBERS, OFFSETS, TIMES, WORDS
from project_etl_tests.silver.given import FIRST, LANDED, PARENTS, SETTINGS, TABLES, Record, records
from project_etl_tests.silver.test_rules import CASES
from project_etl_tests.small_shop import record_columns, records_of, settings_of

AT = datetime(2025, 1, 10, 12, tzinfo=UTC)
TRICKY: list[str | None] = [
    *NUMBERS, *BOOLEANS, *DAYS, *WORDS, *ARRAYS, *(text for text in ESCAPED if text != "a\x00b"),
    *(f"2025-01-02T{time}{offset}" for time in TIMES for offset in OFFSETS[:8]), " ada@example.org ",
    "ada@example.org\n", "ADA@EXAMPLE.ORG", "a@b.c1", "ada@exa\u0663mple.org", " paid", "İ@b.org",
]  # fmt: skip


PLAIN = SETTINGS
ZONED = settings_of(reporting_timezone="Australia/Lord_Howe", source_timezones={"shop": "America/New_York"})


@dataclass(frozen=True)
class Parents:
    """Stands in for the lake of a job: each parent table holds the one row of `PARENTS`."""

    session: SparkSession

    def read(self, _name: str) -> DataFrame:
        return self.session.range(1).select(*[F.lit(value).alias(key) for key, value in PARENTS.items()])


def job_of(session: SparkSession, table: Table, settings: Settings) -> SilverJob:
    feeds = feeds_of(table, settings)
    lake = cast("Any", Parents(session))
    run = Run("r", AT, parameters_of(settings))
    return SilverJob(lake, table, feeds, (LANDED,), run, FIRST, settings.reporting_timezone)


def rows_of(table: Table) -> list[Record]:
    """The records of the table's cases, and a good record with each tricky text in each of its columns."""
    cases = next(cases for cases in CASES.values() if table.short_name in (cases.table, *cases.also))
    changed = [{**cases.record, **change} for change, _, _ in cases.expected.values()]
    assert table.records
    tricky = [{**cases.record, name: text} for name in table.records.columns for text in TRICKY]
    versions = [{**cases.record, "updated_at": f"2025-01-0{day}T00:00:00Z"} for day in (3, 1, 2, 2)]
    return cast("list[Record]", [*changed, *tricky, *(versions if "updated_at" in cases.record else [])])


def judged_in(session: SparkSession, name: str, settings: Settings = PLAIN) -> DataFrame:
    table = TABLES[name]
    texts = [{key: None if text is None else str(text) for key, text in row.items()} for row in rows_of(table)]
    return judged_records(job_of(session, table, settings), records(session, table, texts))


@cache
def judged_once(engine: Engine, name: str) -> pa.Table:
    """The judged records as one engine has them, for all to go on from: judging them is another test's."""
    return arrow(engine, lambda session: judged_in(session, name))


def frame_of(session: SparkSession, rows: pa.Table) -> DataFrame:
    """Rows as a frame of an engine."""
    return session.createDataFrame(cast("Any", rows))


# A history is judged as the table that it is the history of.
@pytest.mark.parametrize("name", [name for name in TABLES if not name.endswith("_history")])
def test_records_are_judged_alike(engines: Engines, name: str) -> None:
    rows = same_rows(engines, lambda session: judged_in(session, name))
    assert sum(row["_valid"] for row in rows) > 20
    assert sum(not row["_valid"] for row in rows) > 20


def test_records_are_judged_alike_in_time_zones(engines: Engines) -> None:
    rows = same_rows(engines, lambda session: judged_in(session, "orders", ZONED))
    in_utc = same_rows(engines, lambda session: judged_in(session, "orders"))
    assert [row["order_ts"] for row in rows] != [row["order_ts"] for row in in_utc]


def rejected_of(judged: DataFrame, name: str) -> DataFrame:
    bad = judged.where(~F.col("_valid"))
    received = bad.select(*PLACE, F.lit("{}").alias("raw"))
    return quarantine.rows_of(bad, received, record_columns(name), ["order_exists"], "v1", Run("r", AT))


@pytest.mark.parametrize("name", ["customers", "products", "order_items"])
def test_rejected_records_have_the_same_text(engines: Engines, name: str) -> None:
    judged = judged_once(engines[0], name)
    rows = same_rows(engines, lambda session: rejected_of(frame_of(session, judged), name))
    assert any("null" in row["record"] for row in rows)


def test_broken_rows_are_counted_and_shown_alike(engines: Engines) -> None:
    sample = ("_source_file", "_row_number", "_text")
    counts: list[Any] = []
    for engine in engines:
        with engine.active():
            rows = judged_in(engine.session(), "customers")
            groups = grouped(rows, [F.col("_landing_date")], sample, lambda row: repr(row.asDict(True)))
            counts.append(sorted((group.broken, group.count, group.sample or "") for group in groups))
    assert counts[0] == counts[1]
    assert any(shown for _, _, shown in counts[0])


@pytest.mark.parametrize("name", ["customers_history", "order_items", "fx_rates"])
@pytest.mark.parametrize("stored", Stored)
def test_rows_are_ranked_alike(engines: Engines, name: str, stored: Stored) -> None:
    table = TABLES[name]
    columns = silver_schema(table).fieldNames()
    judged = judged_once(engines[0], name)

    def pool(session: SparkSession) -> DataFrame:
        fresh = frame_of(session, judged).drop("_broken").withColumn("_in_batch", F.lit(True))
        if stored is Stored.NOTHING:
            return fresh
        one_per_key = F.row_number().over(Window.partitionBy(*table.keys).orderBy("_row_number")).alias("_place")
        old = fresh.where("_valid AND _row_number % 7 = 3").select(*columns, one_per_key).where("_place = 1")
        flags = {"_valid": F.lit(False), "_stored": F.lit(True), "_in_batch": F.lit(False)}
        old = old.drop("_place").withColumns(flags)
        return fresh.unionByName(old, allowMissingColumns=True)

    rows = same_rows(engines, lambda session: ranked(table, columns, pool(session), stored, {}))
    assert {row["_status"] for row in rows} >= {"accepted", "quarantined"}


def test_waiting_records_are_read_back_alike(engines: Engines) -> None:
    """As `_waiting` does, from the text that quarantine holds."""
    text = T.StructType([T.StructField(name, T.StringType()) for name in record_columns("customers")])
    judged = judged_once(engines[0], "customers")

    def back(session: SparkSession) -> DataFrame:
        held = rejected_of(frame_of(session, judged), "customers").select(
            "_row_number", F.from_json("record", text).alias("_text")
        )
        return held.select("_row_number", "_text.*")

    def said(session: SparkSession) -> DataFrame:
        return frame_of(session, judged).where(~F.col("_valid")).select("_row_number", "_text.*")

    rows = same_rows(engines, back)
    assert len(rows) > 50
    assert same_rows(engines, said) == rows


LINE = {
    "InvoiceNo": "536365", "StockCode": "85123A", "Description": "LANTERN", "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "United Kingdom",
}  # fmt: skip
CHANGES: list[dict[str, str | None]] = [
    {}, {"InvoiceNo": "C536366", "Quantity": "-3"}, {"InvoiceNo": "C1", "Quantity": "\t- 3"}, {"InvoiceNo": " "},
    {"CustomerID": None}, {"CustomerID": ""}, {"CustomerID": " 17850 "}, {"CustomerID": "1.00"},
    {"CustomerID": "x.0\n"}, {"Country": "EIRE"}, {"Country": " France "}, {"Country": "Atlantis"}, {"Country": ""},
    {"Country": None}, {"Country": "france"}, {"Description": " "}, {"Description": None}, {"UnitPrice": "0"},
    {"UnitPrice": "1e-1"}, {"UnitPrice": "x"}, {"InvoiceDate": "2010-12-01"}, {"InvoiceDate": "never"},
    {"InvoiceDate": None}, {"InvoiceDate": "2010-11-30 08:26:00", "CustomerID": None},
    {"InvoiceNo": "536365", "InvoiceDate": "2010-11-29 8:26"},
]  # fmt: skip


@pytest.mark.parametrize("kind", SOURCE.feeds)
def test_lines_of_online_retail_are_mapped_alike(engines: Engines, kind: str) -> None:
    lines = [{**LINE, **change} for change in [*CHANGES, *CHANGES[:3]]]

    def bronze(session: SparkSession) -> DataFrame:
        texts = (*COLUMNS, "_rescued_data", "_source_file", "_source_version")
        same = {"_source_version": "v1"}
        rows = [
            (*[{**same, "_source_file": f"f{number % 3}.csv", **line}.get(name) for name in texts], number)
            for number, line in enumerate(lines, start=1)
        ]
        schema = ", ".join([*(f"`{name}` string" for name in texts), "_row_number bigint"])
        return session.createDataFrame(rows, schema).withColumn("_landing_date", F.lit(LANDED).cast("date"))

    feed = SOURCE.feeds[kind]
    assert same_rows(engines, lambda session: feed.records(bronze(session), records_of(kind)))
    received = same_rows(engines, lambda session: feed.as_received(bronze(session)))
    assert all('"_rescued_data":null' in row["raw"] for row in received)
