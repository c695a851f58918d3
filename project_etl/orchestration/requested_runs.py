"""Runs that were asked for: what became of them, and what they may be executed on.

Belongs here: asking Dagster about runs, for sensors. Does not belong here: what to ask for next (`request_book.py`).
"""

from __future__ import annotations

import dagster as dg

from project_etl.orchestration.request_book import LAKE_TAG, REQUEST_TAG, Look, Outcome

# Dagster retries a run whose process died within seconds, but forgets to when it cannot reach the code, or its daemon
# has died before it first looked: after so long nobody waits for it. Should both ask, the second run finds nothing new.
RETRY_SECONDS = 300

# Dagster's own, on each run that a sensor asked for.
SENSOR_TAG = "dagster/sensor_name"
UNENDED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def outcomes(instance: dg.DagsterInstance, now: float) -> Look:
    """How to find out from Dagster what became of a request, at an instant (seconds since the epoch)."""

    def look(key: str) -> Outcome:
        # Newest first: a run that Dagster retries after a crash carries the tags of the first.
        record = next(iter(instance.get_run_records(dg.RunsFilter(tags={REQUEST_TAG: key}), limit=1)), None)
        if record is None:
            return Outcome.FAILED
        if record.dagster_run.is_success:
            return Outcome.DONE
        is_over = record.dagster_run.is_finished and not awaits_retry(record, now)
        return Outcome.FAILED if is_over else Outcome.UNDERWAY

    return look


def awaits_retry(record: dg.RunRecord, now: float) -> bool:
    """Whether Dagster is about to retry a run that failed, at an instant (seconds since the epoch)."""
    return record.dagster_run.is_complete_and_waiting_to_retry and now < (record.end_time or 0) + RETRY_SECONDS


def require_lake(run: dg.DagsterRun, root: str) -> None:
    """Refuse a run that was asked for on account of another lake, whose sensor would count it as done there.

    Raises:
        Failure: the run is of another lake.
    """
    if (meant := run.tags.get(LAKE_TAG, root)) != root:
        raise dg.Failure(
            f"This run was asked for on account of the lake {meant}, and a process whose lake is {root} has taken it: "
            "two daemons with different settings share one DAGSTER_HOME. Stop one of them, or give each a DAGSTER_HOME "
            "of its own. A sensor asks again; the schedule does in its next night.",
            allow_retries=False,
        )


def is_underway(instance: dg.DagsterInstance, sensor: str) -> bool:
    """Whether a run that a sensor asked for has not ended."""
    tags = {SENSOR_TAG: sensor}
    return bool(instance.get_runs(dg.RunsFilter(tags=tags, statuses=UNENDED), limit=1))
