"""Materializing from a command: one run in this process, kept in Dagster's memory like any other.

Belongs here: starting such a run, watching its events, and what became of it. Does not belong here: which assets and
days to materialize (the commands), how progress looks (`progress.py`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg

from project_etl.commands.shared.environment import dagster_home
from project_etl.orchestration.failures import failures_of
from project_etl.orchestration.jobs import EVERYTHING, ONE_PROCESS
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.settings import Settings

if TYPE_CHECKING:
    from project_etl.core.model.table import Table

Watch = Callable[[dg.DagsterEvent], None]

COMMAND_TAG = "project_etl/command"
LOGGER = "watch"


@dataclass(frozen=True)
class RunOutcome:
    """What became of a run.

    Attributes:
        run_id: Dagster's id of the run.
        is_success: whether every asset was materialized.
        failures: asset → why it failed, in the asset's own words where it gave any.
    """

    run_id: str
    is_success: bool
    failures: Mapping[str, str]


def platform(settings: Settings) -> tuple[dg.Definitions, tuple[Table, ...]]:
    """The definitions and the Silver and Gold tables behind them."""
    from project_etl.catalog import tables
    from project_etl.orchestration.build import build_defs

    return build_defs(settings), tables()


def materialize(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    days: tuple[date, date],
    *,
    names: Collection[str] | None = None,
    command: str,
    watch: Watch = lambda _: None,
    config: Mapping[str, Any] | None = None,
) -> RunOutcome:
    """Materialize assets for a range of days in one run in this process.

    Args:
        defs: the definitions.
        instance: keeps the run.
        days: first and last day; assets without partitions are computed as a whole.
        names: tables `layer/name`; None means all.
        command: the command that asks, a tag of the run.
        watch: is called with each event of the run.
        config: what assets are told beside.
    """
    first, last = (day.isoformat() for day in days)
    job = defs.resolve_job_def(EVERYTHING).with_executor_def(ONE_PROCESS)
    # Not `execute_in_process`: it leaves out the tables behind one that holds back some of its days.
    with (
        _findable(job.with_logger_defs({LOGGER: _forwarding(watch)})) as found,
        dg.execute_job(
            found,
            instance=instance,
            tags={RANGE_START: first, RANGE_END: last, COMMAND_TAG: command},
            # All of them by name too: Dagster shows no target of a run without a selection.
            asset_selection=(
                list(tables_of(defs)) if names is None else [dg.AssetKey(name.split("/")) for name in names]
            ),
            run_config={"loggers": {LOGGER: {}}, **(config or {})},
            raise_on_error=False,
        ) as result,
    ):
        return RunOutcome(result.run_id, result.success, failures_of(result.all_events))


# Dagster runs a job of the names of a module and a function, and of arguments, that lead to it.
_JOBS: dict[str, dg.JobDefinition] = {}


@contextmanager
def _findable(job: dg.JobDefinition) -> Iterator[Any]:
    """What leads Dagster to a job of this process, for the length of the block."""
    # Dagster remembers the last one by these.
    name = uuid4().hex
    _JOBS[name] = job
    try:
        yield dg.build_reconstructable_job(__name__, job_at_hand.__name__, (name,))
    finally:
        del _JOBS[name]


def job_at_hand(name: str) -> dg.JobDefinition:
    """The job that a run of this process is of."""
    return _JOBS[name]


def tables_of(defs: dg.Definitions) -> AbstractSet[dg.AssetKey]:
    """The tables that a run can materialize: all but quarantine, which the runs of Silver write."""
    return defs.resolve_asset_graph().materializable_asset_keys


def spark_log(settings: Settings) -> Path:
    """Where Spark's own messages go while progress is shown."""
    return dagster_home(settings) / "logs" / "spark.log"


@contextmanager
def errors_into(log: Path) -> Iterator[None]:
    """Send standard error, that of the JVM included, to a file for the length of the block.

    Spark's JVM writes its warnings straight to the process' error stream, where they would tear a progress display.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class _Forward(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if isinstance(event, dg.DagsterEvent):
            self._watch(event)


def _forwarding(watch: Watch) -> dg.LoggerDefinition:
    """A logger that hands Dagster's events on and prints nothing."""

    @dg.logger
    def forward(_: dg.InitLoggerContext) -> logging.Logger:
        # Not from the registry of loggers: two runs of one process must not hear each other.
        logger = logging.Logger(LOGGER, logging.DEBUG)
        logger.addHandler(_Forward(watch))
        return logger

    return forward
