"""Maintenance: every night, tables and Dagster's own memory are kept small, and the books are checked.

Belongs here: the job and its schedule. Does not belong here: what tidying a table means
(`core/lake/maintenance.py`), where events lie (`event_storage.py`). Ticks are pruned by Dagster itself (`retention` in
dagster.yaml).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from logging import Logger
from pathlib import Path

import dagster as dg

from project_etl.catalog import datasets_of, parameters_of, silver_job
from project_etl.core.bronze.file_table import FILES
from project_etl.core.contracts.report import SILVER_COUNTS
from project_etl.core.lake import TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver import quarantine
from project_etl.core.silver.books import books_of
from project_etl.orchestration.run_tags import LAKE_TAG, require_lake
from project_etl.settings import Settings

NAME = "maintenance"
DESCRIPTION = (
    "Every night: compacts small files, removes what nothing needs, prunes events of old runs, checks the books."
)
# After the night's loads, before people look.
CRON = "30 4 * * *"
# Records that landed longer ago were checked in earlier nights; `project-etl status --books` checks all.
BOOKS_DAYS = 35
# A load writes the file table's newest file again: of a stream that has one a minute, a large one would fill the disk.
FILES_BYTES = 2 << 20


def maintenance(settings: Settings, lake: TableStore, tables: Sequence[Table]) -> dg.ScheduleDefinition:
    """The nightly schedule, with its job."""

    @dg.op(description="Compacts small files, and removes those that nothing needs any more.")
    def tidy_tables(context: dg.OpExecutionContext) -> None:
        require_lake(context.run, lake.root)
        if failed := _tidy_all(settings, lake, tables, context.log):
            raise dg.Failure(f"{len(failed)} tables could not be tidied: {'; '.join(failed)}", allow_retries=False)

    @dg.op(description="Judges the records of the last weeks again, and compares with what Silver and quarantine hold.")
    def check_books(context: dg.OpExecutionContext) -> None:
        require_lake(context.run, lake.root)
        run = Run(context.run_id, parameters=parameters_of(settings))
        if wrong := _wrong_books(settings, lake, tables, run, context.log):
            raise dg.Failure("\n".join(wrong), allow_retries=False)

    @dg.op(description="Removes the events of old runs; materializations and check results stay.")
    def prune_events(context: dg.OpExecutionContext) -> None:
        before = datetime.now(UTC) - timedelta(days=settings.log_days)
        pruned = prune_old_events(context.instance, before)
        context.log.info("Events of %s runs that ended before %s were removed.", pruned, before.date())

    @dg.job(
        name=NAME,
        description=DESCRIPTION,
        executor_def=dg.in_process_executor,
        tags={LAKE_TAG: lake.root},
    )
    def maintenance_job() -> None:
        tidy_tables()
        prune_events()
        check_books()

    status = dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=NAME,
        job=maintenance_job,
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=status,
        description=DESCRIPTION,
    )


def _tidy_all(settings: Settings, lake: TableStore, tables: Sequence[Table], log: Logger) -> list[str]:
    """Tidy all tables that exist; what failed, in words."""
    names = [*(dataset.bronze for dataset in datasets_of(settings.sources)), *(table.name for table in tables), FILES]
    names += [quarantine.name_of(table.name) for table in tables if table.layer == "silver"]
    failed: list[str] = []
    for name in filter(lake.exists, names):
        try:
            done = tidy(lake, name, settings.vacuum_hours, FILES_BYTES if name == FILES else None)
        except Exception as error:
            failed.append(f"{name}: {error}")
            continue
        if any(done.values()):
            log.info("%s: %s", name, done)
    return failed


def _wrong_books(settings: Settings, lake: TableStore, tables: Sequence[Table], run: Run, log: Logger) -> list[str]:
    """Check the books of the Silver tables; what is wrong, in words."""
    since = (run.started_at - timedelta(days=BOOKS_DAYS)).date().isoformat()
    wrong: list[str] = []
    for table in (table for table in tables if table.layer == "silver"):
        try:
            books = books_of(silver_job(lake, table, settings, (), run), since=since)
        except Exception as error:
            wrong.append(f"{table.name}: {error}")
            continue
        counts = ", ".join(f"{books.report.total(count):,} {count}" for count in SILVER_COUNTS)
        log.info("%s since %s: %s", books.table, since, counts)
        if not books.are_right:
            wrong.append(books.in_words())
    return wrong


def prune_old_events(instance: dg.DagsterInstance, before: datetime) -> int:
    """Remove the events and the captured output of runs that ended before an instant.

    Returns:
        How many runs had any. Another event storage than ours is left alone, and so is its database's upkeep.
    """
    # Takes SQLAlchemy along, which nobody else needs at a start.
    from project_etl.orchestration.dagster_patches.event_storage import PooledSqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, PooledSqliteEventLogStorage):
        return 0
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    filters = dg.RunsFilter(statuses=ended, updated_before=before)
    pruned = storage.prune(instance.get_run_ids(filters))
    for run_id in pruned:
        shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    return len(pruned)
