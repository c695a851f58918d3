"""The sensor `changed_days`: Gold follows Silver, and no day is computed that is not stale.

When a table has changed since the last tick, or a day has begun, the sensor asks which Gold days are stale
(`core/staleness`), without Spark, and then for one run per stretch of days: tables with fewer days first, for the
others read them. The next stretch is asked for when the run before it has ended. Does not belong here: retries
(`request_book.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from project_etl.core.lake import TableStore
from project_etl.core.model.table import Table
from project_etl.core.model.words import some_of
from project_etl.core.staleness import Staleness, days_of_data, work_of
from project_etl.orchestration.factory import parameters_of
from project_etl.orchestration.new_files import NAME as FILES_SENSOR
from project_etl.orchestration.request_book import Book, Look, Request, describe, digest, made_for
from project_etl.orchestration.requested_runs import is_underway, outcomes
from project_etl.settings import Settings

NAME = "changed_days"
# Where files land all the time, Gold does not wait for a pause that never comes.
PATIENCE_SECONDS = 600
SHOWN = 5

Versions = Mapping[str, tuple[str, int]]
"""Table → its identity and version."""


@dataclass(frozen=True)
class Cursor:
    """What a tick leaves for the next.

    Attributes:
        read: the tables as they were when somebody last looked what is stale.
        book: the runs.
        until: the day (ISO) of that look; None before the first.
        held_since: since when (seconds since the epoch) a load under way holds up what has changed; None: none does.
    """

    read: Versions = field(default_factory=dict[str, tuple[str, int]])
    book: Book = field(default_factory=Book)
    until: str | None = None
    held_since: float | None = None

    def to_text(self, lake: str) -> str:
        """The cursor as Dagster keeps it, with the root of the lake that it is about."""
        own = {"made_for": made_for(lake), "read": self.read, "until": self.until, "held_since": self.held_since}
        return json.dumps({**own, "book": self.book.to_json()})

    @staticmethod
    def from_text(text: str | None, lake: str, now: float) -> Cursor:
        """The cursor that `to_text` wrote; an empty one before the first tick, and after one for another lake."""
        value = json.loads(text) if text else {}
        if value.get("made_for") != made_for(lake):
            return Cursor(book=Book(begun=now))
        read = {name: (identity, version) for name, (identity, version) in value["read"].items()}
        return Cursor(read, Book.from_json(value["book"]), value["until"], value["held_since"])


@dataclass(frozen=True)
class Gold:
    """What the sensor looks at.

    Attributes:
        lake: the lake.
        tables: all tables.
        parameters: settings that transforms take.
        first_day: the first business day that has a partition.
        last_day: the last one.
    """

    lake: TableStore
    tables: Sequence[Table]
    parameters: Mapping[str, Any]
    first_day: date
    last_day: date

    def versions(self) -> Versions:
        """The Silver and Gold tables as they are, of those that exist."""
        names = [table.name for table in self.tables if self.lake.exists(table.name)]
        states = {name: self.lake.state(name) for name in names}
        return {name: (state.table_id, state.version) for name, state in states.items()}

    def stale(self) -> dict[str, frozenset[date]]:
        """Gold table → days to compute; a snapshot has none."""
        days = days_of_data(self.lake, self.tables, self.first_day, self.last_day)
        return Staleness(self.lake, {table.name: table for table in self.tables}, self.parameters).everywhere(days)

    def why(self, before: Cursor, versions: Versions) -> str:
        """What made somebody look, in words."""
        moved = [name for name, now in versions.items() if before.read.get(name) != now]
        silver = [name for name in moved if name.startswith("silver/")]
        if not before.read:
            return "first look at Silver"
        if silver:
            return f"changed: {some_of(silver, SHOWN)}"
        return f"computed: {some_of(moved, SHOWN)}" if moved else f"{self.last_day} has begun"


def changed_days_sensor(settings: Settings, lake: TableStore, tables: Sequence[Table]) -> dg.SensorDefinition:
    """The sensor for one lake."""

    @dg.sensor(
        name=NAME,
        target=dg.AssetSelection.groups("gold"),
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Computes the Gold days that changes in Silver reach, and no others.",
    )
    def changed_days(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = time.time()
        last_day = datetime.fromtimestamp(now, UTC).date()
        gold = Gold(lake, tables, parameters_of(settings), settings.start_date, last_day)
        before = Cursor.from_text(context.cursor, lake.root, now)
        is_loading = is_underway(context.instance, FILES_SENSOR)
        after, reason = tick(before, gold, outcomes(context.instance, now), now, is_loading=is_loading)
        opened = after.book.open if after.book.open != before.book.open else None
        if lost := after.book.aside[len(before.book.aside) :]:
            context.log.error("Set aside after failing too often: %s. Next change takes them along.", describe(lost))
        return dg.SensorResult(
            run_requests=[opened.run_request(lake.root)] if opened else [],
            skip_reason=None if opened else reason,
            cursor=after.to_text(lake.root),
        )

    return changed_days


def tick(before: Cursor, gold: Gold, look: Look, now: float, *, is_loading: bool = False) -> tuple[Cursor, str]:
    """Follow what changed, when nothing is under way, and open the next request.

    Args:
        before: the cursor of the tick before.
        gold: what to look at.
        look: tells what became of a request.
        now: seconds since the epoch.
        is_loading: whether a run is just loading Silver: half of what it brings would make Gold be computed twice.

    Returns:
        The new cursor, and why nothing is asked for, in case nothing is.
    """
    book = before.book.settled(look, now, in_order=True).only([table.name for table in gold.tables])
    if not book.is_idle:
        book = book.asked(now, in_order=True)
        return replace(before, book=book), _waiting(book)
    versions, until = gold.versions(), gold.last_day.isoformat()
    if not any(name.startswith("silver/") for name in versions):
        return replace(before, book=book), "Silver has not been computed yet"
    if (versions, until) == (before.read, before.until):
        return replace(before, book=book), _nothing("Silver is as it was", book)
    held_since = before.held_since or now
    if is_loading and now - held_since < PATIENCE_SECONDS:
        return replace(before, book=book, held_since=held_since), "waits for files that are being loaded"
    stale = gold.stale()
    if not stale:
        return Cursor(versions, book, until), _nothing("Gold is up to date with Silver", book)
    why, content = gold.why(before, versions), digest(before.read, versions, until)
    waiting = tuple(
        Request(tuple(names), first.isoformat(), last.isoformat(), why, content)
        for (first, last), names in work_of(gold.tables, stale, gold.last_day)
    )
    asked = replace(book, waiting=waiting, aside=()).asked(now, in_order=True)
    return Cursor(versions, asked, until), ""


def _waiting(book: Book) -> str:
    if book.open is not None:
        more = f"; then {len(book.waiting)} more runs" if book.waiting else ""
        return f"waits for the run for {describe([book.open])} (attempt {book.open.attempt}){more}"
    at = datetime.fromtimestamp(book.waiting[0].not_before, UTC)
    return f"waits until {at:%H:%M:%S} UTC to try again {describe(book.waiting[:1])}"


def _nothing(reason: str, book: Book) -> str:
    aside = f". Set aside after failing too often, until Silver changes: {describe(book.aside)}" if book.aside else ""
    return reason + aside
