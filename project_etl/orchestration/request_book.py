"""The book of a sensor: which runs it has asked for, which are still to be asked for, and what became of them.

Belongs here: one run at a time, retries with growing pauses, and setting aside what keeps failing. The book is the
sensor's cursor, so it is as old as the newest tick that Dagster has stored. A tick that died after its run was created
asks again with the same key, and Dagster then makes no second run. Does not belong here: what to ask for
(`new_files.py`, `changed_days.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Any

import dagster as dg

from project_etl.core.words import span
from project_etl.orchestration.partitions import RANGE_END, RANGE_START

# A request that failed so often is set aside; what fails on bad data fails again, and what fails on a full disk or a
# lost network has had a quarter of an hour.
MOST_ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 60
# Dagster retries a run whose process died within seconds, but forgets to when it cannot reach the code, or its daemon
# has died before it first looked: after so long nobody waits for it. Should both ask, the second run finds nothing new.
RETRY_SECONDS = 300

REQUEST_TAG = "project_etl/request"
ATTEMPT_TAG = "project_etl/attempt"
WHY_TAG = "project_etl/why"
LAKE_TAG = "project_etl/lake"
# Dagster's own, on each run that a sensor asked for.
SENSOR_TAG = "dagster/sensor_name"
UNENDED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# What Dagster shows of a tag without folding it away.
MAX_TAG = 250


class Outcome(Enum):
    """What became of a run."""

    UNDERWAY = "it has not ended yet, or is about to be retried"
    DONE = "it succeeded"
    FAILED = "it failed, was cancelled, or is gone"


Look = Callable[[str], Outcome]
"""Tells what became of a request, by its key."""


@dataclass(frozen=True)
class Request:
    """A run to ask for.

    Attributes:
        tables: tables `layer/name` to materialize.
        first: first day (ISO).
        last: last day.
        why: what it is for, in words that people read on the run.
        content: digest of what it is to read; equal requests for equal content are the same request.
        attempt: how often it has been asked for, this time included.
        not_before: seconds since the epoch before which it is not asked for.
    """

    tables: tuple[str, ...]
    first: str
    last: str
    why: str
    content: str
    attempt: int = 1
    not_before: float = 0

    @property
    def key(self) -> str:
        """What tells this request from all others, the earlier attempts included."""
        parts = [self.tables, self.first, self.last, self.content, self.attempt]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()

    @property
    def days(self) -> frozenset[date]:
        """Every day from the first to the last."""
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        return frozenset(first + timedelta(days=number) for number in range((last - first).days + 1))

    def run_request(self, lake: str) -> dg.RunRequest:
        """The request as Dagster takes it: one run for the whole range, of the lake with this root."""
        return dg.RunRequest(
            run_key=self.key,
            asset_selection=[dg.AssetKey(table.split("/")) for table in self.tables],
            tags={
                RANGE_START: self.first,
                RANGE_END: self.last,
                REQUEST_TAG: self.key,
                LAKE_TAG: lake,
                ATTEMPT_TAG: f"{self.attempt} of {MOST_ATTEMPTS}",
                WHY_TAG: self.why if len(self.why) <= MAX_TAG else f"{self.why[: MAX_TAG - 1]}…",
            },
        )

    def halves(self) -> tuple[Request, ...]:
        """The request as two for fewer days each, so that a day that fails does not hold up the others."""
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        if first == last:
            return (self,)
        middle = first + (last - first) // 2
        later = (middle + timedelta(days=1)).isoformat()
        return replace(self, last=middle.isoformat()), replace(self, first=later)


@dataclass(frozen=True)
class Book:
    """What a sensor has asked for and is going to ask for.

    Attributes:
        waiting: requests to ask for, in order.
        open: the request whose run has not been seen to end.
        aside: requests that have failed too often.
    """

    waiting: tuple[Request, ...] = ()
    open: Request | None = None
    aside: tuple[Request, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.open is None and not self.waiting

    def settled(self, look: Look, now: float, *, in_order: bool) -> Book:
        """Look what became of the open request.

        Args:
            look: tells what became of a request, by its key.
            now: seconds since the epoch.
            in_order: whether later requests build on earlier ones. They then wait for a retry, and are set aside with
                one that has failed too often; otherwise a request that failed goes to the end of the queue, in halves.
        """
        if self.open is None or (outcome := look(self.open.key)) is Outcome.UNDERWAY:
            return self
        if outcome is Outcome.DONE:
            return replace(self, open=None)
        if self.open.attempt >= MOST_ATTEMPTS:
            lost = (self.open, *self.waiting) if in_order else (self.open,)
            return Book(waiting=() if in_order else self.waiting, aside=(*self.aside, *lost))
        pause = FIRST_PAUSE_SECONDS * 2 ** (self.open.attempt - 1)
        again = replace(self.open, attempt=self.open.attempt + 1, not_before=now + pause)
        waiting = (again, *self.waiting) if in_order else (*self.waiting, *again.halves())
        return replace(self, open=None, waiting=waiting)

    def asked(self, now: float, *, in_order: bool) -> Book:
        """Open the next request whose time has come, when none is open."""
        if self.open is not None:
            return self
        for number, request in enumerate(self.waiting):
            if request.not_before <= now:
                rest = (*self.waiting[:number], *self.waiting[number + 1 :])
                return replace(self, open=request, waiting=rest)
            if in_order:
                break
        return self

    def to_json(self) -> dict[str, Any]:
        """The book as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Book:
        """The book that `to_json` wrote."""
        held = value["open"]
        return Book(_requests(value["waiting"]), _request(held) if held else None, _requests(value["aside"]))


def outcomes(instance: dg.DagsterInstance, now: float) -> Look:
    """How to find out from Dagster what became of a request, at an instant (seconds since the epoch)."""

    def look(key: str) -> Outcome:
        # Newest first: a run that Dagster retries after a crash carries the tags of the first.
        records = instance.get_run_records(dg.RunsFilter(tags={REQUEST_TAG: key}), limit=1)
        if not records:
            return Outcome.FAILED
        run, ended = records[0].dagster_run, records[0].end_time or 0
        if run.is_success:
            return Outcome.DONE
        is_retried = run.is_complete_and_waiting_to_retry and now < ended + RETRY_SECONDS
        return Outcome.FAILED if run.is_finished and not is_retried else Outcome.UNDERWAY

    return look


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


def describe(requests: Iterable[Request]) -> str:
    """Days and tables of some requests, for a person."""
    return "; ".join(f"{span(request.first, request.last)} of {len(request.tables)} tables" for request in requests)


def _request(value: dict[str, Any]) -> Request:
    return Request(**{**value, "tables": tuple(value["tables"])})


def _requests(values: Iterable[dict[str, Any]]) -> tuple[Request, ...]:
    return tuple(_request(value) for value in values)
