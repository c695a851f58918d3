"""The lake's tables: what a new one costs, and that it is Delta's own whatever was left beside its log."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.core.lake import Commit, LakeError, TableStore

SCHEMA = T.StructType([T.StructField("id", T.LongType(), False), T.StructField("day", T.DateType())])
NAME = "silver/things"
# Not partitioned.
WHOLE = "silver/all_things"
ROWS = "id", "DATE'2025-01-01' AS day"


@pytest.fixture
def lake(tmp_path: Path, spark: SparkSession) -> TableStore:
    lake = TableStore(str(tmp_path), lambda: spark)
    lake.create(NAME, SCHEMA, partition_by="day")
    lake.create(WHOLE, SCHEMA)
    return lake


def checksum(lake: TableStore) -> Path:
    return Path(lake.path(NAME)) / "_delta_log" / f"{0:020}.crc"


def jobs(spark: SparkSession) -> int:
    return spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()  # pyright: ignore


def test_the_first_commit_of_a_table_is_one_job(lake: TableStore, spark: SparkSession) -> None:
    before = jobs(spark)
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    assert jobs(spark) - before == 1
    assert lake.read(NAME).count() == deltalake.DeltaTable(lake.path(NAME)).to_pyarrow_table().num_rows == 3


def test_a_kept_frame_says_the_same_after_the_table_was_written(lake: TableStore, spark: SparkSession) -> None:
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    kept = lake.read(NAME).persist()
    lake.append(NAME, spark.range(2).selectExpr(*ROWS), {})
    assert (kept.count(), lake.read(NAME).count()) == (3, 5)


def test_a_table_that_nobody_has_written_for_two_months_is_read(
    tmp_path: Path, lake: TableStore, spark: SparkSession
) -> None:
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    # A copy, for Spark remembers how old a log is.
    old = TableStore(str(tmp_path / "old"), lake.session)
    shutil.copytree(lake.path(NAME), old.path(NAME))
    then = time.time() - 60 * 24 * 3600
    for number in (0, 1):
        os.utime(Path(old.path(NAME)) / "_delta_log" / f"{number:020}.json", (then + number, then + number))
    assert old.read(NAME).count() == 3
    # And as it was found, when somebody writes it in the meantime.
    found = old.pinned([NAME])
    old.append(NAME, spark.range(2).selectExpr(*ROWS), {})
    assert (found.read(NAME).count(), old.read(NAME).count()) == (3, 5)


def test_a_pinned_table_is_as_it_was_found(lake: TableStore, spark: SparkSession) -> None:
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {"number": 1})
    found = lake.pinned([NAME, "silver/later"])
    lake.append(NAME, spark.range(2).selectExpr(*ROWS), {"number": 2})
    lake.create("silver/later", SCHEMA)
    assert not found.exists("silver/later")
    with pytest.raises(LakeError, match="silver/later is not in the lake"):
        found.read("silver/later")
    assert (found.version(NAME), found.data_version(NAME), found.read(NAME).count()) == (1, 1, 3)
    assert found.partition_rows(NAME, "day") == {"2025-01-01": 3}
    assert [(commit.version, commit.note) for commit in found.commits(NAME)] == [(1, {"number": 1}), (0, {})]


def test_commits_have_their_own_versions_also_when_one_is_made_meanwhile(
    lake: TableStore, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {"number": 1})
    history = deltalake.DeltaTable.history

    def with_a_commit_before(table: deltalake.DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
        monkeypatch.undo()
        lake.append(NAME, spark.range(2).selectExpr(*ROWS), {"number": 2})
        return history(table, limit)

    monkeypatch.setattr(deltalake.DeltaTable, "history", with_a_commit_before)
    assert [(commit.version, commit.note) for commit in lake.commits(NAME)] == [
        (2, {"number": 2}),
        (1, {"number": 1}),
        (0, {}),
    ]


@pytest.mark.parametrize("left", [None, "", '{"tableSizeBytes": 0'])
def test_a_checksum_that_a_crash_left_out_or_torn_harms_nothing(
    lake: TableStore, spark: SparkSession, left: str | None
) -> None:
    checksum(lake).unlink()
    if left is not None:
        checksum(lake).write_text(left)
    lake.append(NAME, spark.range(3).selectExpr(*ROWS), {})
    lake.replace(NAME, spark.range(2).selectExpr(*ROWS), "day = DATE'2025-01-01'", {})
    assert lake.read(NAME).count() == 2


@pytest.mark.parametrize("name", [NAME, WHOLE])
def test_a_commit_of_no_rows_is_made_and_changes_nothing_for_readers(
    lake: TableStore, spark: SparkSession, name: str
) -> None:
    note = {"run_id": "a"}
    lake.append(name, spark.range(3).selectExpr(*ROWS), note)
    nothing, no_change = spark.range(0).selectExpr(*ROWS), spark.range(0).selectExpr(*ROWS, "'update' AS _op")
    commits = [
        lake.append(name, nothing, note),
        lake.replace(name, nothing, "day = DATE'2025-01-02'", note),
        lake.merge(name, no_change, on=["id"], columns=["id", "day"], note=note),
    ]
    assert [(commit.version, commit.note) for commit in commits] == [(2, note), (3, note), (4, note)]
    assert lake.data_version(name) == 1
    lake.replace(name, nothing, "day = DATE'2025-01-01'", note)
    assert lake.data_version(name) == 5


@pytest.mark.parametrize("name", [NAME, WHOLE])
@pytest.mark.parametrize("op", ["insert", "update", "delete"])
def test_a_merge_that_changes_a_row_is_a_change(lake: TableStore, spark: SparkSession, name: str, op: str) -> None:
    lake.append(name, spark.range(3).selectExpr(*ROWS), {})
    change = spark.range(2 if op != "insert" else 5, 3 if op != "insert" else 6).selectExpr(*ROWS, f"'{op}' AS _op")
    lake.merge(name, change, on=["id"], columns=["id", "day"], note={})
    assert lake.data_version(name) == 2


@pytest.mark.parametrize("name", [NAME, WHOLE])
@pytest.mark.parametrize(
    "change", ["DELETE FROM {} WHERE id = 1", "DELETE FROM {}", "RESTORE TABLE {} TO VERSION AS OF 0"]
)
def test_what_others_do_to_a_table_is_a_change(lake: TableStore, spark: SparkSession, name: str, change: str) -> None:
    lake.append(name, spark.range(3).selectExpr(*ROWS), {})
    spark.sql(change.format(f"delta.`{lake.path(name)}`"))
    assert lake.data_version(name) == 2
    spark.sql(f"RESTORE TABLE delta.`{lake.path(name)}` TO VERSION AS OF 1")
    assert lake.data_version(name) == 3


def test_a_commit_that_another_writer_took_the_place_of_is_noticed(lake: TableStore, spark: SparkSession) -> None:
    rows = spark.range(3).selectExpr(*ROWS)
    lake.append(NAME, rows, {"run_id": "a"})
    with pytest.raises(LakeError, match=r"silver/things: the commit of this run is not in its log; version 1 is"):
        lake._made(NAME, {"run_id": "b"})


@pytest.mark.parametrize("write", ["append", "replace", "overwrite", "merge"])
def test_a_table_that_another_process_has_written_meanwhile_is_not_written(
    lake: TableStore, spark: SparkSession, write: str
) -> None:
    rows, ops = spark.range(3).selectExpr(*ROWS), spark.range(3).selectExpr(*ROWS, "'insert' AS _op")
    writes: dict[str, Callable[[TableStore, str], Commit]] = {
        "append": lambda lake, run: lake.append(NAME, rows, {"run_id": run}),
        "replace": lambda lake, run: lake.replace(NAME, rows, "day = DATE'2025-01-01'", {"run_id": run}),
        "overwrite": lambda lake, run: lake.overwrite(NAME, rows, {"run_id": run}),
        "merge": lambda lake, run: lake.merge(NAME, ops, on=["id"], columns=["id", "day"], note={"run_id": run}),
    }
    theirs = lake.pinned([NAME])
    # Maintenance comes between the two.
    spark.sql(f"ALTER TABLE delta.`{lake.path(NAME)}` SET TBLPROPERTIES ('delta.checkpointInterval' = '20')")
    mine = lake.pinned([NAME])
    writes["append"](theirs, "theirs")
    with pytest.raises(LakeError, match=r"silver/things: the commit of this run is not in its log; version 2 is"):
        writes[write](mine, "mine")
    assert (lake.version(NAME), lake.read(NAME).count()) == (2, 3)
    assert writes[write](lake.pinned([NAME]), "again").version == 3
