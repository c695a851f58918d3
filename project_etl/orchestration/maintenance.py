"""Maintenance: tables and Dagster's own memory are kept small, every night, without Spark.

Belongs here: the job and its schedule. Does not belong here: what tidying a table means (`core/upkeep.py`), where
events lie (`event_storage.py`). Ticks are pruned by Dagster itself (`retention` in dagster.yaml).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from project_etl.core.file_table import FILES
from project_etl.core.lake import TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.table import Table
from project_etl.orchestration.request_book import LAKE_TAG
from project_etl.orchestration.requested_runs import require_lake
from project_etl.settings import Settings
from project_etl.sources.catalog import datasets_of

NAME = "maintenance"
# After the night's loads, before people look.
CRON = "30 4 * * *"


def maintenance(settings: Settings, lake: TableStore, tables: Sequence[Table]) -> dg.ScheduleDefinition:
    """The nightly schedule, with its job."""
    silver = [table.name for table in tables if table.layer == "silver"]
    names = [
        *(dataset.bronze for dataset in datasets_of(settings.sources)),
        *(table.name for table in tables),
        *(name.replace("silver/", "quarantine/") for name in silver),
        FILES,
    ]

    @dg.op(description="Compacts small files, and removes those that nothing needs any more.")
    def tidy_tables(context: dg.OpExecutionContext) -> None:
        require_lake(context.run, lake.root)
        failed: list[str] = []
        for name in names:
            if not lake.exists(name):
                continue
            try:
                done = tidy(lake, name, settings.vacuum_hours)
            except Exception as error:
                failed.append(f"{name}: {error}")
                continue
            if any(done.values()):
                context.log.info("%s: %s", name, done)
        if failed:
            raise dg.Failure(f"{len(failed)} tables could not be tidied: {'; '.join(failed)}", allow_retries=False)

    @dg.op(description="Removes the events of old runs; materializations and check results stay.")
    def prune_events(context: dg.OpExecutionContext) -> None:
        before = datetime.now(UTC) - timedelta(days=settings.log_days)
        pruned = prune_old_events(context.instance, before)
        context.log.info("Events of %s runs that ended before %s were removed.", pruned, before.date())

    @dg.job(
        name=NAME,
        description="Keeps tables and Dagster's memory small.",
        executor_def=dg.in_process_executor,
        tags={LAKE_TAG: lake.root},
    )
    def maintenance_job() -> None:
        tidy_tables()
        prune_events()

    status = dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=NAME, job=maintenance_job, cron_schedule=CRON, execution_timezone="UTC", default_status=status
    )


def prune_old_events(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the events and the captured output of runs that ended before an instant.

    Returns:
        How many runs had any. Another event storage than ours is left alone, and so is its database's upkeep.
    """
    # Takes SQLAlchemy along, which nobody else needs at a start.
    from project_etl.orchestration.event_storage import PooledSqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, PooledSqliteEventLogStorage):
        return 0
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    filters = dg.RunsFilter(statuses=ended, updated_before=before)
    pruned = storage.prune(instance.get_run_ids(filters))
    for run_id in pruned:
        shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    return len(pruned)
