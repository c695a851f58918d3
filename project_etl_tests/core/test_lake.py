"""The lake's tables: what a new one costs, and that it is Delta's own whatever was left beside its log."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.core.lake import Lake

SCHEMA = T.StructType([T.StructField("id", T.LongType(), False), T.StructField("day", T.DateType())])
NAME = "silver/things"
ROWS = "id", "DATE'2025-01-01' AS day"


@pytest.fixture
def lake(tmp_path: Path, spark: SparkSession) -> Lake:
    lake = Lake(str(tmp_path), lambda: spark)
    lake.create(NAME, SCHEMA, partition_by="day")
    return lake


def checksum(lake: Lake) -> Path:
    return Path(lake.path(NAME)) / "_delta_log" / f"{0:020}.crc"


def jobs(spark: SparkSession) -> int:
    return spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()  # pyright: ignore


def test_the_first_commit_of_a_table_is_one_job(lake: Lake, spark: SparkSession) -> None:
    before = jobs(spark)
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    assert jobs(spark) - before == 1
    assert lake.read(NAME).count() == deltalake.DeltaTable(lake.path(NAME)).to_pyarrow_table().num_rows == 3


@pytest.mark.parametrize("left", [None, "", '{"tableSizeBytes": 0'])
def test_a_checksum_that_a_crash_left_out_or_torn_harms_nothing(
    lake: Lake, spark: SparkSession, left: str | None
) -> None:
    checksum(lake).unlink()
    if left is not None:
        checksum(lake).write_text(left)
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    lake.replace(NAME, spark.range(2).selectExpr(*ROWS), "day = DATE'2025-01-01'", {})
    assert lake.read(NAME).count() == 2
