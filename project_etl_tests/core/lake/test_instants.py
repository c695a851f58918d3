"""Instants of any year are read alike by everybody, to the microsecond, whoever has written them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.core.engine.base import Engine
from project_etl.core.engine.embedded import EmbeddedEngine
from project_etl.core.lake import Append, TableStore, Upsert, store
from project_etl.orchestration.metadata import column_schema, preview

NAME = "silver/instants"
SCHEMA = T.StructType(
    [
        T.StructField("id", T.LongType(), False),
        T.StructField("at", T.TimestampType()),
        T.StructField("on", T.DateType()),
    ]
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = (
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    # The day before and the days after the calendar changed, and before time zones had whole hours.
    datetime(1582, 10, 4, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1582, 10, 15, 0, 0, 0, 123456, tzinfo=UTC),
    datetime(1899, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2025, 3, 30, 1, 30, 0, 654321, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
ROWS = pa.table(
    {
        "id": pa.array(range(len(INSTANTS)), pa.int64()),
        "at": pa.array(INSTANTS, pa.timestamp("us", "UTC")),
        "on": pa.array([at.date() for at in INSTANTS], pa.date32()),
    }
)
Rows = list[tuple[int, int, int]]


def counted(rows: Any) -> Rows:
    """Rows of Arrow with instants and days as numbers, which no library presents in its own way."""
    found = pa.table({"id": rows["id"], "at": rows["at"].cast(pa.timestamp("us", "UTC")), "on": rows["on"]})
    numbers = zip(found["id"], found["at"].cast(pa.int64()), found["on"].cast(pa.int32()), strict=True)
    return sorted((id_.as_py(), at.as_py(), on.as_py()) for id_, at, on in numbers)


def expected() -> Rows:
    return [
        (number, (at - EPOCH) // timedelta(microseconds=1), (at.date() - date(1970, 1, 1)).days)
        for number, at in enumerate(INSTANTS)
    ]


def by_duckdb(lake: TableStore) -> Any:
    with duckdb.connect() as connection:
        files = deltalake.DeltaTable(lake.path(NAME)).file_uris()
        return connection.read_parquet(files).select('id, "at", "on"').to_arrow_table()


def by_embedded(lake: TableStore) -> Any:
    engine = EmbeddedEngine()
    with engine.active():
        return TableStore(lake.root, engine).read(NAME).toArrow()


READERS: dict[str, Callable[[TableStore], Any]] = {
    "the store": lambda lake: lake.state(NAME).rows(),
    "deltalake": lambda lake: deltalake.DeltaTable(lake.path(NAME)).to_pyarrow_table(),
    "pyarrow": lambda lake: pa.concat_tables(
        pq.read_table(file).select(["id", "at", "on"]) for file in deltalake.DeltaTable(lake.path(NAME)).file_uris()
    ),
    "DuckDB": by_duckdb,
    "Polars": lambda lake: pl.read_delta(lake.path(NAME)).to_arrow(),
    "the embedded engine": by_embedded,
    "the change feed": lambda lake: lake.state(NAME).changes(lake.state(NAME).version - 1),
}


def written(lake: TableStore, how: str, make: Callable[[Any], Any] = lambda rows: rows) -> TableStore:
    """The rows, in files that an append or a MERGE has made."""
    lake.create(NAME, SCHEMA, properties={"delta.enableChangeDataFeed": "true"})
    if how == "append":
        lake.commit(NAME, Append(), make(ROWS), {})
    else:
        ops = ROWS.append_column("_op", pa.array(["update"] * len(ROWS), pa.string()))
        lake.commit(NAME, Upsert(("id",), ("id", "at", "on")), make(ops), {})
    return lake


def assert_read_alike(lake: TableStore) -> None:
    for file in deltalake.DeltaTable(lake.path(NAME)).file_uris():
        kind = pq.read_metadata(file).schema.column(1)
        assert (kind.name, kind.physical_type) == ("at", "INT64")
        assert "timeUnit=microseconds" in str(kind.logical_type)
    for name, read in READERS.items():
        assert counted(read(lake)) == expected(), name
    # A condition takes out no file and no row that it should not.
    at = pc.field("at")
    for number, instant in enumerate(INSTANTS):
        found = lake.state(NAME).rows(["id"], where=at == pa.scalar(instant, pa.timestamp("us", "UTC")))
        assert found["id"].to_pylist() == [number]
    shown = preview(lake, NAME, column_schema(SCHEMA))
    assert "0001-01-01" in (shown.md_str or "")


@pytest.mark.parametrize("how", ["append", "upsert"])
def test_what_delta_rs_writes_is_read_alike(tmp_path: Path, how: str) -> None:
    assert_read_alike(written(TableStore(str(tmp_path)), how))


@pytest.mark.parametrize("how", ["append", "upsert"])
def test_what_the_engine_computes_is_read_alike(tmp_path: Path, engine: Engine, how: str) -> None:
    assert_read_alike(written(TableStore(str(tmp_path), engine), how, engine.frame))


def test_what_spark_writes_is_read_alike_and_spark_reads_what_others_write(
    tmp_path: Path, jvm: SparkSession, jvm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = written(TableStore(str(tmp_path / "ours"), jvm_engine), "upsert")
    assert counted(ours.read(NAME).toArrow()) == expected()
    monkeypatch.setattr(store, "MAX_BATCH_BYTES", -1)
    for how in ("append", "upsert"):
        lake = written(TableStore(str(tmp_path / how), jvm_engine), how, jvm.createDataFrame)
        assert counted(lake.read(NAME).toArrow()) == expected()
        assert_read_alike(TableStore(lake.root))
