"""Maintenance: tables get fewer files and keep their rows; old runs lose their events and no materialization."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.commands.shared.environment import instance_in
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.orchestration.build import build_defs
from project_etl.orchestration.maintenance import prune_old_events
from project_etl_tests.commands.given import dagster_home_in
from project_etl_tests.orchestration.given import settings_of
from project_etl_tests.small_shop import SmallShop

SCHEMA = T.StructType([T.StructField("id", T.LongType(), False), T.StructField("day", T.DateType())])
NAME = "silver/orders"
ROW = "id", "DATE'2025-01-01' AS day"


@pytest.fixture
def lake(tmp_path: Path, engine: Engine, spark: SparkSession) -> TableStore:
    """A table of two small files of one partition, and one that a crash left behind."""
    lake = TableStore(str(tmp_path / "lake"), engine)
    lake.create(NAME, SCHEMA, partition_by="day", properties={"delta.enableChangeDataFeed": "true"})
    for start in (0, 10):
        lake.commit(NAME, Append(), spark.range(start, start + 10, 1, 1).selectExpr(*ROW), {"table": NAME})
    (Path(lake.path(NAME)) / "day=2025-01-01" / "left.parquet").write_bytes(b"half a file")
    return lake


def files(lake: TableStore) -> int:
    return len(list(Path(lake.path(NAME)).glob("day=*/[!.]*.parquet")))


def test_small_files_become_one_and_what_nothing_needs_goes(lake: TableStore) -> None:
    rows, version = sorted(lake.read(NAME).collect()), lake.data_version(NAME)
    assert tidy(lake, NAME, keep_hours=24) == {"files_compacted": 2, "files_removed": 0}
    # The two old files and the leftover, when their time has come.
    assert tidy(lake, NAME, keep_hours=0)["files_removed"] >= 3
    assert files(lake) == 1
    assert sorted(lake.read(NAME).collect()) == rows
    # For whoever asks whether rows changed, nothing happened.
    assert lake.data_version(NAME) == version


def test_a_tidy_table_gets_no_commit(lake: TableStore) -> None:
    # What the first makes needless is removed by the second.
    for _ in range(2):
        tidy(lake, NAME, keep_hours=0)
    version = lake.version(NAME)
    assert tidy(lake, NAME, keep_hours=0) == {"files_compacted": 0, "files_removed": 0}
    assert lake.version(NAME) == version


def test_a_checkpoint_that_a_death_prevented_is_made_the_next_time(lake: TableStore) -> None:
    tidy(lake, NAME, keep_hours=24)
    log = Path(lake.path(NAME)) / "_delta_log"
    (made,) = log.glob("*.checkpoint.parquet")
    for file in (made, log / "_last_checkpoint"):
        file.unlink()
    tidy(lake, NAME, keep_hours=24)
    assert made.exists()


def test_a_day_of_many_slices_becomes_one_file(tmp_path: Path) -> None:
    shop, day, slices = SmallShop(tmp_path, None, ("clickstream",)), "2026-01-05", 12
    name, found = "bronze/clickstream/events", shop.lake.state
    for number in range(slices):
        line = f'{{"event_id":"E{number}","_offset":{number}}}\n'
        shop.land("events", day, line, f"c_t_0_{number}_{number}.jsonl", source="clickstream")
        shop.bronze("events", day)
    assert len(found(name).delta.file_uris()) == slices
    assert tidy(shop.lake, name, keep_hours=0)["files_compacted"] == slices
    assert len(found(name).delta.file_uris()) == 1
    # The next slice is loaded as before, and no other is loaded again.
    shop.land("events", day, '{"event_id":"E99","_offset":99}\n', "c_t_0_99_99.jsonl", source="clickstream")
    shop.bronze("events", day)
    assert [event for (event,) in shop.rows(name, "event_id")] == sorted(
        f"E{number}" for number in (*range(slices), 99)
    )


def test_a_tidied_table_takes_rows_again(lake: TableStore, spark: SparkSession) -> None:
    tidy(lake, NAME, keep_hours=0)
    lake.commit(NAME, Append(), spark.range(20, 25).selectExpr(*ROW), {"table": NAME})
    assert lake.read(NAME).count() == 25


def test_the_nightly_job_tidies_what_there_is(tmp_path: Path, lake: TableStore) -> None:
    defs = build_defs(settings_of(tmp_path))
    assert defs.get_repository_def().get_schedule_def("maintenance").cron_schedule == "30 4 * * *"
    with dg.DagsterInstance.ephemeral() as instance:
        assert defs.resolve_job_def("maintenance").execute_in_process(instance=instance).success
    assert {commit.operation for commit in lake.commits(NAME)} >= {"OPTIMIZE"}


def test_one_damaged_table_does_not_keep_the_others_from_it(tmp_path: Path, lake: TableStore) -> None:
    lake.create("silver/customers", SCHEMA)
    (Path(lake.path("silver/customers")) / "_delta_log" / f"{0:020}.json").write_text("no JSON")
    defs = build_defs(settings_of(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def("maintenance").execute_in_process(instance=instance, raise_on_error=False)
    told = {event.step_key: event.step_failure_data for event in done.all_events if event.is_step_failure}
    data = told["tidy_tables"].user_failure_data
    assert data is not None
    assert "1 tables could not be tidied: silver/customers" in (data.description or "")
    assert {commit.operation for commit in lake.commits(NAME)} >= {"OPTIMIZE"}


@dg.asset(key=["gold", "daily"], partitions_def=dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-01-03"))
def daily() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 7})


def test_old_runs_lose_their_events_and_no_materialization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with instance_in(Path(dagster_home_in(tmp_path))) as instance:
        run = dg.materialize([daily], instance=instance, partition_key="2025-01-01")
        assert prune_old_events(instance, datetime.now(UTC) - timedelta(days=1)) == 0
        assert instance.all_logs(run.run_id)
        assert prune_old_events(instance, datetime.now(UTC) + timedelta(seconds=1)) == 1
        assert not instance.all_logs(run.run_id)
        assert instance.get_materialized_partitions(daily.key) == {"2025-01-01"}
        newest = instance.get_latest_materialization_event(daily.key)
        assert newest is not None
        assert newest.asset_materialization is not None
        assert newest.asset_materialization.metadata["rows"].value == 7
        # And the log takes new runs, the pruned one's sibling among them.
        assert instance.all_logs(dg.materialize([daily], instance=instance, partition_key="2025-01-02").run_id)
