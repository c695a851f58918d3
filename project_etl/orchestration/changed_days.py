"""The sensor `changed_days`: what changed in Silver reaches Gold, and no day that it does not reach is computed.

Each tick reads Silver's change feed since the versions in its cursor, without Spark, follows the changed rows to the
Gold days they reach (`core/reach.py`), and asks for one run per stretch of days: tables with fewer days first, for the
others read them. The next stretch is asked for when the run before it has ended. Where the feed does not go back to the
cursor (the first tick, a table made anew, a vacuumed feed) or is too long for a tick, every Gold day that was not made
from its inputs as they are now is computed, and the run says so. A day that has begun since the last tick is computed
too, for a window may look back on days with orders when it has none itself. Does not belong here: retries
(`request_book.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from project_etl.core.days import each_day
from project_etl.core.gold_stale import data_span, outdated
from project_etl.core.gold_work import all_changes_since, reached_days, work_of
from project_etl.core.lake import LakeError, TableStore
from project_etl.core.reach import ArrowTable
from project_etl.core.table import Table
from project_etl.core.words import span
from project_etl.orchestration.factory import parameters_of
from project_etl.orchestration.new_files import NAME as FILES_SENSOR
from project_etl.orchestration.request_book import Book, Look, Request, describe, digest, made_for
from project_etl.orchestration.requested_runs import is_underway, outcomes
from project_etl.settings import Settings

NAME = "changed_days"
# Where files land all the time, Gold does not wait for a pause that never comes.
PATIENCE_SECONDS = 600
# Dagster ends a tick after a minute; so many changed rows of all tables together are followed in some seconds.
MOST_ROWS = 500_000

Stale = dict[str, frozenset[date]]


@dataclass(frozen=True)
class Cursor:
    """What a tick leaves for the next.

    Attributes:
        read: Silver table → its identity, and the version up to which its changes have been followed.
        book: the runs.
        until: the newest business day (ISO) that had begun; None before the first tick that found Silver.
        held_since: since when (seconds since the epoch) a load under way holds up what has changed; None: none does.
    """

    read: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
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

    def silver(self) -> dict[str, tuple[str, int]]:
        """Silver table → identity and newest version, of those that exist."""
        found: dict[str, tuple[str, int]] = {}
        for table in self.tables:
            if table.layer == "silver" and self.lake.exists(table.name):
                state = self.lake.state(table.name)
                found[table.name] = (state.table_id, state.version)
        return found

    def stale(self, since: Mapping[str, tuple[str, int]], now: Mapping[str, tuple[str, int]]) -> tuple[Stale, str]:
        """Gold table → days that changes since some versions reach, and the reason in words; a snapshot has no days."""
        lost = [name for name, known in since.items() if not _goes_on(known, now.get(name))]
        if not since or lost:
            why = f"{', '.join(lost)} made anew or restored" if lost else "first look at Silver"
            return self._outdated(), f"all days that are out of date: {why}"
        # A table that is new since then is followed from its first version.
        versions = {name: since[name][1] if name in since else -1 for name in now}
        try:
            changes = all_changes_since(self.lake, versions, most=MOST_ROWS)
        except LakeError as error:
            return self._outdated(), f"all days that are out of date: {error}"
        rows = ", ".join(self._told(name, found) for name, found in changes.items())
        return reached_days(self.lake, self.tables, changes, self.first_day, self.last_day), rows

    def due(
        self,
        since: Mapping[str, tuple[str, int]],
        now: Mapping[str, tuple[str, int]],
        begun: frozenset[date],
    ) -> tuple[Stale, str]:
        """What is stale, and days that have begun for every daily table, with the reasons in words."""
        stale, why = self.stale(since, now) if since != now else (Stale(), "")
        if not begun:
            return stale, why
        daily = [table.name for table in self.tables if table.layer == "gold" and table.is_daily]
        stale |= {name: stale.get(name, frozenset()) | begun for name in daily}
        return stale, "; ".join(filter(None, [why, f"{max(begun)} has begun"]))

    def begun(self, until: str | None) -> frozenset[date]:
        """The business days that have begun after one; none when it is not known."""
        newest = date.fromisoformat(until) if until else self.last_day
        return frozenset(each_day(newest + timedelta(days=1), self.last_day))

    def _told(self, name: str, feed: ArrowTable) -> str:
        rows = sum(kind != "update_preimage" for kind in feed["_change_type"].to_pylist())
        column = next(table.day_column for table in self.tables if table.name == name)
        days = sorted(day for day in feed[column].unique().to_pylist() if day) if column else []
        return f"{name}: {rows:,} rows{f' of {span(days[0], days[-1])}' if days else ''}"

    def _outdated(self) -> Stale:
        days = data_span(self.lake, self.tables, self.first_day, self.last_day)
        return outdated(self.lake, self.tables, days, self.parameters)


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
    versions = gold.silver()
    if not book.is_idle:
        book = book.asked(now, in_order=True)
        return replace(before, book=book), _waiting(book)
    if not versions:
        return replace(before, book=book), "Silver has not been computed yet"
    begun = gold.begun(before.until)
    if versions == before.read and not begun:
        return replace(before, book=book), _nothing("Silver is as it was", book)
    held_since = before.held_since or now
    if is_loading and now - held_since < PATIENCE_SECONDS:
        return replace(before, book=book, held_since=held_since), "waits for files that are being loaded"
    stale, why = gold.due(before.read, versions, begun)
    until = gold.last_day.isoformat()
    if not stale:
        return Cursor(versions, book, until), _nothing("Gold is up to date with Silver", book)
    snapshots = {table.name for table in gold.tables if not table.is_daily}
    for request in book.aside:
        for name in request.tables:
            stale[name] = stale.get(name, frozenset()) | (frozenset() if name in snapshots else request.days)
    content = digest(before.read, versions, until)
    waiting = tuple(
        Request(tuple(names), first.isoformat(), last.isoformat(), why, content)
        for (first, last), names in work_of(gold.tables, stale, gold.last_day)
    )
    asked = replace(book, waiting=waiting, aside=()).asked(now, in_order=True)
    return Cursor(versions, asked, until), ""


def _goes_on(known: tuple[str, int], now: tuple[str, int] | None) -> bool:
    """Whether a table is the one that was known, at its version or a later one; an older one is from a backup."""
    return now is not None and now[0] == known[0] and now[1] >= known[1]


def _waiting(book: Book) -> str:
    if book.open is not None:
        more = f"; then {len(book.waiting)} more runs" if book.waiting else ""
        return f"waits for the run for {describe([book.open])} (attempt {book.open.attempt}){more}"
    at = datetime.fromtimestamp(book.waiting[0].not_before, UTC)
    return f"waits until {at:%H:%M:%S} UTC to try again {describe(book.waiting[:1])}"


def _nothing(reason: str, book: Book) -> str:
    aside = f". Set aside after failing too often, until Silver changes: {describe(book.aside)}" if book.aside else ""
    return reason + aside
