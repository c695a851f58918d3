"""Dagster's event log with kept connections: the events are Dagster's own, and files are let go of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Engine, event, text

from project_etl.commands.shared.environment import instance_in
from project_etl.orchestration.dagster_patches.event_storage import MAX_ENGINES, PooledSqliteEventLogStorage
from project_etl_tests.commands.given import dagster_home_in

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-01-06")
KEY = dg.AssetKey("counted")
CHECK = dg.AssetCheckKey(KEY, "is_right")
# What SQLite answers when a transaction waits for the disk.
FULL = 2


@dg.asset(
    key=KEY,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec(CHECK.name, asset=KEY)],
)
def counted():
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    with instance_in(Path(dagster_home_in(tmp_path))) as instance:
        yield instance


def storage_of(instance: dg.DagsterInstance) -> PooledSqliteEventLogStorage:
    """The instance's storage, which must be the one that dagster.yaml names."""
    storage = instance.event_log_storage
    assert isinstance(storage, PooledSqliteEventLogStorage)
    return storage


def materialize(instance: dg.DagsterInstance, first: str = "2025-01-01", last: str = "2025-01-05") -> str:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return dg.materialize([counted], instance=instance, tags=tags).run_id


def test_dagster_reads_what_was_stored(instance: dg.DagsterInstance) -> None:
    run_id = materialize(instance)
    folder = Path(os.environ["DAGSTER_HOME"]) / "history" / "runs"
    plain = SqliteEventLogStorage(str(folder))
    stored = [record.event_log_entry for record in storage_of(instance).get_records_for_run(run_id).records]
    assert stored
    assert [record.event_log_entry for record in plain.get_records_for_run(run_id).records] == stored
    assert plain.get_materialized_partitions(KEY) == {f"2025-01-0{day}" for day in range(1, 6)}


def test_the_list_of_assets_is_as_dagster_writes_it(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    def listed(storage: SqliteEventLogStorage) -> list[tuple[str, ...]]:
        said = "SELECT asset_key, last_materialization, last_run_id, last_materialization_timestamp FROM asset_keys"
        with storage.index_connection() as connection:
            return [tuple(row) for row in connection.execute(text(said))]

    run_id = materialize(instance)
    stored = [record.event_log_entry for record in storage_of(instance).get_records_for_run(run_id).records]
    plain = SqliteEventLogStorage(str(tmp_path / "plain"))
    plain.store_event_batch(stored)
    assert listed(storage_of(instance)) == listed(plain)
    assert "2025-01-05" in listed(plain)[0][1]


def test_what_becomes_of_a_run_waits_for_the_disk(instance: dg.DagsterInstance) -> None:
    waits: dict[str, set[bool]] = {}

    def look(_: Any, cursor: Any, statement: str, __: Any, context: Any, *___: Any) -> None:
        if statement.startswith("INSERT INTO event_logs"):
            (level,) = cursor.connection.execute("PRAGMA synchronous").fetchone()
            waits.setdefault(context.compiled_parameters[0]["dagster_event_type"], set()).add(level == FULL)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        materialize(instance)
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    # Dagster's run monitoring asks these how long a run has been starting; its own table of runs waits, too.
    assert {kind for kind, found in waits.items() if found == {True}} == {"PIPELINE_START", "PIPELINE_SUCCESS"}
    assert waits["ASSET_MATERIALIZATION"] == {False}


def test_many_runs_keep_few_files_open(instance: dg.DagsterInstance) -> None:
    runs = [materialize(instance, day, day) for day in ("2025-01-01", "2025-01-02", "2025-01-03")] * 2
    storage = storage_of(instance)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda run: len(storage.get_records_for_run(run).records), runs))
    assert min(counts) > 0
    assert counts[:3] == counts[3:]
    open_files = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    shards = {file for file in open_files if file.startswith(os.environ["DAGSTER_HOME"]) and "/runs/" in file}
    assert len({file.split(".db")[0] for file in shards}) <= MAX_ENGINES


def test_a_wiped_log_is_empty_and_takes_new_runs(instance: dg.DagsterInstance) -> None:
    gone = materialize(instance)
    storage_of(instance).wipe()
    assert not storage_of(instance).get_records_for_run(gone).records
    assert storage_of(instance).get_records_for_run(materialize(instance)).records


def test_a_check_is_planned_once_and_not_for_each_day(instance: dg.DagsterInstance) -> None:
    run_id = materialize(instance)
    storage = storage_of(instance)
    with storage.index_connection() as connection:
        rows = connection.execute(text("SELECT run_id, execution_status, partition FROM asset_check_executions"))
        assert rows.fetchall() == [(run_id, "SUCCEEDED", None)]
    assert storage.get_latest_asset_check_execution_by_key([CHECK])[CHECK].run_id == run_id


def test_days_are_stored_together_or_not_at_all(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = storage_of(instance)
    batches: list[int] = []
    whole = PooledSqliteEventLogStorage.store_event_batch

    def counted_batch(self: PooledSqliteEventLogStorage, events: Sequence[dg.EventLogEntry]) -> None:
        batches.append(len(events))
        whole(self, events)

    monkeypatch.setattr(PooledSqliteEventLogStorage, "store_event_batch", counted_batch)
    run_id = materialize(instance)
    # Planned: five days and the check; then five days materialized.
    assert batches == [6, 5]

    events = [record.event_log_entry for record in storage.get_records_for_run(run_id).records]
    assert events.count(events[0]) == 1
    days = storage.get_materialized_partitions(KEY)
    storage.wipe()
    # An event that cannot be written takes its whole batch with it; Dagster then tries them one by one.
    with pytest.raises(TypeError, match="integer"):
        whole(storage, [*events, events[0]._replace(timestamp="never")])  # pyright: ignore[reportArgumentType]
    assert not storage.get_records_for_run(run_id).records
    whole(storage, events)
    assert storage.get_materialized_partitions(KEY) == days
    assert [record.event_log_entry for record in storage.get_records_for_run(run_id).records] == events
