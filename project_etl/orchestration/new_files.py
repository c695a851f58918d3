"""The sensor `new_files`: what lands is loaded and judged, with nobody touching it.

Each tick lists the landing folders without Spark and asks for one run per stretch of landing days that hold anything
new: their Bronze tables, the Silver tables behind these, and tables that have never been made. What of it is new to
Bronze is decided by content when the run starts, so that a request too many costs seconds and changes nothing. One run
at a time: what lands meanwhile makes the next batch. Does not belong here: comparing folders
(`core/bronze/arrivals.py`), retries (`request_book.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import dagster as dg

from project_etl.core.bronze.arrivals import Arrivals, Seen, Watch, arrivals
from project_etl.core.lake import TableStore
from project_etl.core.model.days import stretches
from project_etl.core.model.silver_order import with_dependents
from project_etl.core.model.table import Table
from project_etl.core.model.words import some_of
from project_etl.orchestration.request_book import Book, Look, Request, describe, digest, made_for
from project_etl.orchestration.requested_runs import outcomes
from project_etl.settings import Settings
from project_etl.sources.catalog import datasets_of, feeds_of

NAME = "new_files"
SHOWN = 5


@dataclass(frozen=True)
class Cursor:
    """What a tick leaves for the next.

    Attributes:
        seen: what landing held.
        book: the runs.
    """

    seen: Seen
    book: Book

    def to_text(self, lake: str) -> str:
        """The cursor as Dagster keeps it, with the root of the lake that it is about."""
        return json.dumps({"made_for": made_for(lake), "seen": self.seen, "book": self.book.to_json()})

    @staticmethod
    def from_text(text: str | None, lake: str, now: float) -> Cursor:
        """The cursor that `to_text` wrote; an empty one before the first tick, and after one for another lake."""
        value = json.loads(text) if text else {}
        if value.get("made_for") != made_for(lake):
            return Cursor({}, Book(begun=now))
        return Cursor(value["seen"], Book.from_json(value["book"]))


def new_files_sensor(settings: Settings, lake: TableStore, tables: Sequence[Table]) -> dg.SensorDefinition:
    """The sensor for the sources that are on."""

    @dg.sensor(
        name=NAME,
        target=dg.AssetSelection.groups("bronze", "silver"),
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description=(
            f"Loads what lands in {settings.landing_root}: one run per stretch of landing days that hold anything new."
        ),
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = time.time()
        watch = Watch(
            settings.landing_root,
            datasets_of(settings.sources),
            settings.settle_seconds,
            settings.start_date,
            datetime.fromtimestamp(now, UTC).date(),
        )
        before = Cursor.from_text(context.cursor, lake.root, now)
        found = arrivals(watch, before.seen, now)
        look = outcomes(context.instance, now)
        after = tick(before, found, look, Loadable(lake, tables, settings), now)
        opened = after.book.open if after.book.open != before.book.open else None
        known = {request.key for request in before.book.aside}
        if lost := [request for request in after.book.aside if request.key not in known]:
            context.log.error("Set aside after failing too often: %s", _aside(lost))
        return dg.SensorResult(
            run_requests=[opened.run_request(lake.root)] if opened else [],
            skip_reason=None if opened else waiting_for(after.book, found),
            cursor=after.to_text(lake.root),
        )

    return new_files


@dataclass(frozen=True)
class Loadable:
    """The tables that the sensor's runs make."""

    lake: TableStore
    tables: Sequence[Table]
    settings: Settings

    @property
    def silver(self) -> list[Table]:
        """The Silver tables."""
        return [table for table in self.tables if table.layer == "silver"]

    @property
    def names(self) -> list[str]:
        """All of them: Bronze of the sources that are on, and Silver."""
        bronze = (dataset.bronze for dataset in datasets_of(self.settings.sources))
        return [*bronze, *(table.name for table in self.silver)]

    def concerned(self, bronze: Collection[str]) -> list[str]:
        """The tables to materialize when some Bronze tables have news, those that were never made included.

        A table without rows is one that others can read; without it, they could not be computed.
        """
        found = {*bronze, *(name for name in self.names if not self.lake.exists(name))}
        found |= {
            table.name
            for table in self.silver
            if any(feed.bronze in found for feed in feeds_of(table.records or "", self.settings.sources))
        }
        judged = with_dependents(self.silver, sorted(found))
        return [name for name in self.names if name in judged]


def tick(before: Cursor, found: Arrivals, look: Look, loadable: Loadable, now: float) -> Cursor:
    """Take what was found into the book, and open the next request.

    Args:
        before: the cursor of the tick before.
        found: what landing holds now.
        look: tells what became of a request.
        loadable: the tables there are.
        now: seconds since the epoch.
    """
    book = before.book.settled(look, now, in_order=False).only(loadable.names)
    if book.open is not None:
        # What landed meanwhile is found again when the run has ended.
        return replace(before, book=book)
    # A day that was set aside gets a new chance with its new files.
    news = {date.fromisoformat(day) for day in found.days}
    aside = tuple(replace(each, not_before=now) if each.days & news else each for each in book.aside)
    book = replace(book, waiting=(*book.waiting, *requests(found, loadable)), aside=aside).merged()
    return Cursor(found.seen, book.asked(now, in_order=False))


def requests(found: Arrivals, loadable: Loadable) -> list[Request]:
    """One request per stretch of landing days that hold anything new."""
    if not found.days:
        return []
    asked: list[Request] = []
    days = [date.fromisoformat(day) for day in found.days]
    for first, last in stretches(days, len(days)):
        within = {day: found.days[day] for day in found.days if first.isoformat() <= day <= last.isoformat()}
        bronze = sorted({table for tables in within.values() for table in tables})
        digests = [(day, table, found.seen[table][day]) for day, tables in within.items() for table in sorted(tables)]
        tables = tuple(loadable.concerned(bronze))
        asked.append(Request(tables, first.isoformat(), last.isoformat(), _why(within), digest(digests)))
    return asked


def waiting_for(book: Book, found: Arrivals) -> str:
    """Why a tick asks for nothing."""
    reasons: list[str] = []
    if book.open is not None:
        behind_it = f"; {len(found.days)} landing days have news for the next" if found.days else ""
        reasons.append(f"waits for the run for {describe([book.open])} (attempt {book.open.attempt}){behind_it}")
    elif book.waiting:
        soonest = min(request.not_before for request in book.waiting)
        at = datetime.fromtimestamp(soonest, UTC)
        reasons.append(f"waits until {at:%H:%M:%S} UTC to try again {describe(book.waiting)}")
    if found.settling:
        reasons.append(f"{len(found.settling)} files are still changing: {', '.join(found.settling[:SHOWN])}")
    if found.outside:
        days = ", ".join(found.outside[:SHOWN])
        reasons.append(f"{len(found.outside)} landing days are before the first partition or yet to come: {days}")
    if book.aside:
        reasons.append(f"set aside after failing too often: {_aside(book.aside)}")
    return ". ".join(reasons or ["nothing new in landing"])


def _aside(held: Sequence[Request]) -> str:
    at = datetime.fromtimestamp(min(request.not_before for request in held), UTC)
    return f"{describe(held)}; tried again from {at:%Y-%m-%d %H:%M} UTC on, or when files change"


def _why(within: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    folders = [
        f"{table.removeprefix('bronze/')}/{day} ({files[0]}{f', newest of {len(files)}' if files[1:] else ''})"
        for day, found in within.items()
        for table, files in sorted(found.items())
    ]
    return f"new in landing: {some_of(folders, SHOWN)}"
