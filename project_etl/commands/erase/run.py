"""`project-etl erase customer`: the steps of an erasure, in the order in which a crash between any two is harmless.

1. Tombstones: from now on no load brings the customer back.
2. Dagster's memory, while Bronze still says which words name the customer.
3. Bronze, table by table.
4. The exports, those too that are off: what was deleted lives on in their files. They are made anew after Gold.
5. Silver and quarantine, then Gold, by runs of Dagster like any others.
6. The history of all tables, once no table names the customer, and what Dagster remembers of these runs.

Run again after a crash, each step does what is left to do. Does not belong here: what each step does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
import dagster as dg
from filelock import FileLock, Timeout
from rich.console import Console
from rich.markup import escape

from project_etl.catalog import export_names, landing_refusal, silver_behind, tables
from project_etl.commands.erase import shown
from project_etl.commands.erase.gold_days import gold_days, in_words
from project_etl.commands.erase.subject import (
    Subject,
    bronze_jobs,
    landing_of,
    quarantined,
    rows_of_customer,
    subject_of,
)
from project_etl.commands.shared.bring_gold import Computed, bring_gold_up_to_date
from project_etl.commands.shared.environment import dagster_home, dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import COMMAND_TAG, platform
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.erasure import Found
from project_etl.core.bronze.file_table import FILES
from project_etl.core.export.base import TARGETS
from project_etl.core.export.push import target_of
from project_etl.core.lake import TableStore
from project_etl.core.lake.purge import purge
from project_etl.core.model.order import with_dependents
from project_etl.core.model.staged import Run
from project_etl.orchestration.forget import StillOpen, forget
from project_etl.orchestration.sensors.runs import UNENDED
from project_etl.settings import Settings

COMMAND = "erase customer"
LAYERS = ("bronze", "silver", "quarantine", "gold")


def run(console: Console, settings: Settings, customer_id: str, *, dry_run: bool, is_sure: bool) -> bool:
    """Erase a customer, or show what that would do; False when something is left to do.

    Raises:
        UserError: there is no such customer; runs are in progress; Dagster's memory is in use; or the lake is not on
            this machine, or was loaded from another landing root.
    """
    lake = lake_without_spark(settings)
    if not lake.is_local:
        raise UserError(f"The lake {lake.root} is not on this machine. Erasing works on a lake of this machine alone.")
    if refused := landing_refusal(lake, settings):
        raise UserError(refused)
    subject = subject_of(lake, settings, customer_id)
    _show(console, lake, subject)
    if dry_run or not is_sure:
        shown.show_quarantine(console, quarantined(lake, settings, subject))
        days = gold_days(lake, tables(), subject.customer_id)
        shown.show_gold(console, "Gold to be computed again, at least", in_words(days))
    if dry_run:
        shown.show_landing(console, landing_of(lake, settings, subject.found))
        console.print("Nothing was written: this was a dry run.")
        return True
    if not is_sure:
        click.confirm(f"Erase customer {subject.customer_id}? Nobody can undo this.", abort=True)
    with _alone(lake), dagster_instance(settings) as instance:
        _refuse_runs_in_progress(instance)
        return _erase(console, settings, lake, instance, subject)


def _show(console: Console, lake: TableStore, subject: Subject) -> None:
    again = " An earlier erasure named them." if subject.is_known else ""
    console.print(f"Customer {escape(subject.customer_id)} in {escape(lake.root)}.{again}", soft_wrap=True)
    shown.show_found(console, subject.found)
    shown.show_addresses(console, subject)
    if others := sorted({*lake.names("bronze")} - {*subject.found}):
        console.print(
            f"[red]Not looked at[/]: {escape(', '.join(others))}, of sources that are off. Add their sources to the "
            "setting `sources`, and erase the customer again.",
            soft_wrap=True,
        )


def _erase(
    console: Console, settings: Settings, lake: TableStore, instance: dg.DagsterInstance, subject: Subject
) -> bool:
    tombstones.write(lake, subject.tombstones)
    _forget(console, settings, instance, subject)
    erased = _erase_bronze(lake, settings)
    for target in TARGETS:
        target_of(target, settings.export_root).remove()
    computed = _bring_up_to_date(console, settings, lake, instance)
    if left := rows_of_customer(lake, subject.customer_id) | quarantined(lake, settings, subject):
        named = ", ".join(f"{name} ({rows:,} rows)" for name, rows in left.items())
        console.print(
            f"[red]The erasure is not complete[/]: {named} still name the customer, and older versions of all "
            "tables are still there. Correct what the runs above failed of, and run the same command again.",
            soft_wrap=True,
        )
        return False
    files = sum(purge(lake, name) for name in _all_tables(lake))
    _forget(console, settings, instance, subject)
    console.print(f"Customer {escape(subject.customer_id)} is erased. {files:,} files of older versions are gone.")
    days = {name: sorted(map(str, of_table)) or ["all"] for name, of_table in computed.days.items()}
    shown.show_gold(console, "Gold computed again", in_words(days))
    shown.show_landing(console, landing_of(lake, settings, erased))
    return computed.is_success


def _erase_bronze(lake: TableStore, settings: Settings) -> dict[str, Found]:
    run, known = Run(f"erase-{datetime.now(UTC):%Y%m%dT%H%M%S}"), tombstones.read(lake)
    return {job.dataset.bronze: erasure.erase(job, job.redaction(known)) for job in bronze_jobs(lake, settings, run)}


def _bring_up_to_date(console: Console, settings: Settings, lake: TableStore, instance: dg.DagsterInstance) -> Computed:
    """Judge the landing days again that Silver has not taken in, and compute what is stale of Gold."""
    defs, declared = platform(settings)
    work = ShownRuns(console, settings, defs, instance, COMMAND)
    silver = [table for table in declared if table.layer == "silver"]
    found = silver_behind(lake, [table for table in silver if lake.exists(table.name)], settings)
    behind = {name: of_table for name, of_table in found.items() if of_table.days}
    first, last = settings.start_date, settings.last_day()
    days = [
        day for of_table in behind.values() for day in map(date.fromisoformat, of_table.days) if first <= day <= last
    ]
    # All days in one run: keys that several of them name are derived again together.
    is_judged = not days or work.materialize((min(days), max(days)), with_dependents(silver, behind)).is_success
    computed = bring_gold_up_to_date(work, lake, declared)
    exports = export_names(settings)
    is_exported = not exports or work.materialize((last, last), exports).is_success
    return Computed(is_judged and computed.is_success and is_exported, computed.days)


def _forget(console: Console, settings: Settings, instance: dg.DagsterInstance, subject: Subject) -> None:
    try:
        forgotten = forget(instance, dagster_home(settings), subject.words)
    except StillOpen as error:
        raise UserError(str(error)) from error
    for sentence in forgotten.left:
        console.print(sentence, soft_wrap=True)


def _all_tables(lake: TableStore) -> list[str]:
    names = [name for layer in LAYERS for name in lake.names(layer)]
    return [*names, *filter(lake.exists, (FILES, tombstones.ERASED))]


@contextmanager
def _alone(lake: TableStore) -> Iterator[None]:
    """Keep other erasures out for the length of the block. Loads and runs of the lake meet the locks of its tables."""
    file = Path(lake.path(".locks")) / "erasure.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(file, blocking=False):
            yield
    except Timeout as error:
        raise UserError(f"Another erasure of this lake is going on ({file}). Run again when it has ended.") from error


def _refuse_runs_in_progress(instance: dg.DagsterInstance) -> None:
    """Refuse while others run tables.

    Raises:
        UserError: runs are in progress.
    """
    # A run of this command that has not ended is of an erasure that died, for there is no other.
    runs = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNENDED)) if run.tags.get(COMMAND_TAG) != COMMAND]
    if runs:
        named = ", ".join(f"{run.run_id} ({run.job_name}, {run.status.value})" for run in runs)
        raise UserError(
            f"Dagster has runs in progress: {named}. They may use the records that are to be erased. Wait for them "
            "to end, or cancel them in the UI, and run the same command again."
        )
