"""The book of a sensor: which runs it has asked for, which are still to be asked for, and what became of them.

Belongs here: one run at a time, retries with growing pauses, and setting aside what keeps failing. The book is the
sensor's cursor, so it is as old as the newest tick that Dagster has stored. A tick that died after its run was created
asks again for the same with the same key, and Dagster then makes no second run. Does not belong here: what to ask for
(`new_files.py`, `changed_days.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Any

import dagster as dg

from project_etl.core.model.days import each_day
from project_etl.core.model.words import span
from project_etl.orchestration.partitions import RANGE_END, RANGE_START

# A request that failed so often is set aside; what fails on bad data fails again, and what fails on a full disk or a
# lost network has had a quarter of an hour. Outages may last longer: it is tried again a few times a day.
MOST_ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 960
ASIDE_SECONDS = 6 * 3600

REQUEST_TAG = "project_etl/request"
ATTEMPT_TAG = "project_etl/attempt"
WHY_TAG = "project_etl/why"
LAKE_TAG = "project_etl/lake"
# To be counted up when what sensors keep in their cursors changes; they then begin anew, which loads nothing twice.
CURSOR_SHAPE = 3
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
        content: digest of what it is to read.
        attempt: how often it has been asked for, this time included.
        not_before: seconds since the epoch before which it is not asked for.
        opening: the book, and how many requests it has opened with this one; empty before.
    """

    tables: tuple[str, ...]
    first: str
    last: str
    why: str
    content: str
    attempt: int = 1
    not_before: float = 0
    opening: str = ""

    @property
    def key(self) -> str:
        """What tells this request from all others: the earlier attempts, and those for files that have come back."""
        return digest(self.tables, self.first, self.last, self.content, self.opening)

    @property
    def days(self) -> frozenset[date]:
        """Every day from the first to the last."""
        return frozenset(each_day(date.fromisoformat(self.first), date.fromisoformat(self.last)))

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
        begun: when the book was begun (seconds since the epoch). A lake that was lost is asked for the same as before,
            and a person who resets the sensor wants that: requests of another book are other requests.
        opened: how many requests it has opened.
    """

    waiting: tuple[Request, ...] = ()
    open: Request | None = None
    aside: tuple[Request, ...] = ()
    begun: float = 0
    opened: int = 0

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
                one that has failed too often, for the sensor to ask anew. Otherwise a request that failed goes to the
                end of the queue, in halves, and a single day that has failed too often is set aside.
        """
        if self.open is None or (outcome := look(self.open.key)) is Outcome.UNDERWAY:
            return self
        if outcome is Outcome.DONE:
            return replace(self, open=None)
        has_failed_too_often = self.open.attempt >= MOST_ATTEMPTS
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self.open.attempt - 1), LONGEST_PAUSE_SECONDS)
        again = replace(self.open, attempt=self.open.attempt + 1, not_before=now + pause)
        if in_order and has_failed_too_often:
            return replace(self, open=None, waiting=(), aside=(*self.aside, self.open, *self.waiting))
        if in_order:
            return replace(self, open=None, waiting=(again, *self.waiting))
        if has_failed_too_often and again.first == again.last:
            return replace(self, open=None, aside=(*self.aside, replace(again, not_before=now + ASIDE_SECONDS)))
        return replace(self, open=None, waiting=(*self.waiting, *again.halves()))

    def asked(self, now: float, *, in_order: bool) -> Book:
        """Open the next request whose time has come, when none is open; one that was set aside when no other has."""
        if self.open is not None:
            return self
        held = self.waiting[:1] if in_order else (*self.waiting, *self.aside)
        due = next((request for request in held if request.not_before <= now), None)
        if due is None:
            return self
        waiting, aside = (tuple(each for each in held if each != due) for held in (self.waiting, self.aside))
        opened = self.opened + 1
        open_ = replace(due, opening=f"{self.begun}/{opened}")
        return replace(self, open=open_, waiting=waiting, aside=aside, opened=opened)

    def merged(self) -> Book:
        """The book with one request where several, not tried yet, are for the same days or for days that adjoin.

        What lands faster than runs can load it would else make a queue of many runs for the same days.
        """
        joined: list[Request] = []
        for request in sorted((each for each in self.waiting if each.attempt == 1), key=lambda each: each.first):
            if joined and date.fromisoformat(request.first) <= date.fromisoformat(joined[-1].last) + timedelta(days=1):
                earlier = joined.pop()
                why = earlier.why if request.why in earlier.why else f"{earlier.why}; {request.why}"
                request = replace(
                    request,
                    tables=tuple(dict.fromkeys((*earlier.tables, *request.tables))),
                    first=earlier.first,
                    last=max(earlier.last, request.last),
                    why=why[:MAX_TAG],
                    content=digest(earlier.content, request.content),
                )
            joined.append(request)
        tried = (each for each in self.waiting if each.attempt > 1)
        return replace(self, waiting=(*tried, *joined))

    def only(self, known: Collection[str]) -> Book:
        """The book without tables that there are no more, of which Dagster could make no run."""

        def kept(held: tuple[Request, ...]) -> tuple[Request, ...]:
            found = (replace(each, tables=tuple(name for name in each.tables if name in known)) for each in held)
            return tuple(each for each in found if each.tables)

        return replace(self, waiting=kept(self.waiting), aside=kept(self.aside))

    def to_json(self) -> dict[str, Any]:
        """The book as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Book:
        """The book that `to_json` wrote."""
        held = value["open"]
        open_ = _request(held) if held else None
        return Book(_requests(value["waiting"]), open_, _requests(value["aside"]), value["begun"], value["opened"])


def digest(*parts: object) -> str:
    """Digest of JSON values."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def made_for(lake: str) -> list[object]:
    """What a sensor's cursor must have been made for to be gone on from: its shape, and the lake with this root."""
    return [CURSOR_SHAPE, lake]


def describe(requests: Iterable[Request]) -> str:
    """Days and tables of some requests, for a person."""
    return "; ".join(f"{span(request.first, request.last)} of {len(request.tables)} tables" for request in requests)


def _request(value: dict[str, Any]) -> Request:
    return Request(**{**value, "tables": tuple(value["tables"])})


def _requests(values: Iterable[dict[str, Any]]) -> tuple[Request, ...]:
    return tuple(_request(value) for value in values)
