"""What Dagster knows of runs: which are under way, and which ended.

Belongs here: asking Dagster, for the sensors and the alerts. Does not belong here: what follows from it
(`reconcile.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from project_etl.core.model.days import Stretch
from project_etl.orchestration import jobs
from project_etl.orchestration.partitions import days_of
from project_etl.orchestration.run_tags import ASKER_TAG, CONTENT_TAG, STATE_TAG

# Dagster retries a run whose process died within seconds, but forgets to when it cannot reach the code, or its daemon
# has died before it first looked: after so long nobody waits for it. Should both ask, the second run finds nothing new.
RETRY_SECONDS = 300
# Runs that are older say nothing of today.
REMEMBERED_SECONDS = 2 * 24 * 3600
MOST_FAILURES = 200
# Of one sensor, the newest first.
MOST_RECENT = 50

# Jobs whose runs may not say which tables they make → the layer; the first is Dagster's name for the job of all assets.
LAYERS = {"__ASSET_JOB": "", **jobs.LAYERS}
UNENDED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Run:
    """A run of Dagster's that is for some days.

    Attributes:
        run_id: Dagster's id.
        days: first and last day; None when it has no days.
        tables: the tables that it makes; None when it makes all of `layer`. Of a job of your own nobody knows: none.
        asker: the sensor or schedule that asked for it; None when a person did.
        state: digest of the tables as they were when it was asked for; empty when a person asked for it.
        content: digest of what it was to bring up to date; empty likewise.
        begun: when it was created, in seconds since the epoch.
        ended: when it ended; None while it is under way, or Dagster is about to retry it.
        is_success: whether it succeeded.
        layer: the layer that it makes all of; empty for all layers.
    """

    run_id: str
    days: Stretch | None
    tables: frozenset[str] | None
    asker: str | None
    state: str
    content: str
    begun: float
    ended: float | None
    is_success: bool
    layer: str = ""

    def makes_any(self, tables: Iterable[str]) -> bool:
        """Whether it makes any of some tables."""
        if self.tables is None:
            return any(name.startswith(self.layer) for name in tables)
        return not self.tables.isdisjoint(tables)

    def covers(self, day: date) -> bool:
        """Whether it is for a day."""
        return self.days is not None and self.days[0] <= day <= self.days[1]


def under_way(instance: dg.DagsterInstance, now: float) -> list[Run]:
    """The runs for days that have not ended at an instant (seconds since the epoch), whoever asked for them."""
    since = datetime.fromtimestamp(now - RETRY_SECONDS, UTC)
    records = [
        *instance.get_run_records(dg.RunsFilter(statuses=UNENDED)),
        # A daemon that died has made some that nobody may submit any more.
        *instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED], created_after=since)),
        *instance.get_run_records(dg.RunsFilter(statuses=FAILED, updated_after=since)),
    ]
    found = (_run(record, now) for record in records)
    return [run for run in found if run.ended is None and run.days is not None]


def recent(instance: dg.DagsterInstance, tags: Mapping[str, str], now: float) -> list[Run]:
    """The newest runs with some tags of the last days, the newest first."""
    since = datetime.fromtimestamp(now - REMEMBERED_SECONDS, UTC)
    filters = dg.RunsFilter(tags=dict(tags), created_after=since)
    return [_run(record, now) for record in instance.get_run_records(filters, limit=MOST_RECENT)]


def failures(instance: dg.DagsterInstance, tags: Mapping[str, str], now: float) -> list[Run]:
    """The runs with some tags that failed or were cancelled in the last days, the newest first."""
    since = datetime.fromtimestamp(now - REMEMBERED_SECONDS, UTC)
    filters = dg.RunsFilter(tags=dict(tags), statuses=FAILED, created_after=since)
    found = (_run(record, now) for record in instance.get_run_records(filters, limit=MOST_FAILURES))
    return [run for run in found if run.ended is not None]


def awaits_retry(record: dg.RunRecord, now: float) -> bool:
    """Whether Dagster is about to retry a run that failed, at an instant (seconds since the epoch)."""
    return record.dagster_run.is_complete_and_waiting_to_retry and now < (record.end_time or 0) + RETRY_SECONDS


def _run(record: dg.RunRecord, now: float) -> Run:
    run = record.dagster_run
    keys = run.asset_selection
    layer = LAYERS.get(run.job_name) if keys is None else None
    is_over = run.is_finished and not awaits_retry(record, now)
    return Run(
        run.run_id,
        days_of(run.tags),
        None if layer is not None else frozenset("/".join(key.path) for key in keys or ()),
        run.tags.get(ASKER_TAG),
        run.tags.get(STATE_TAG, ""),
        run.tags.get(CONTENT_TAG, ""),
        record.create_timestamp.timestamp(),
        (record.end_time or record.update_timestamp.timestamp()) if is_over else None,
        run.is_success,
        layer or "",
    )
