"""The sensor `new_files`: what lands is loaded and judged, with nobody touching it.

What is wanted on a landing day: the Bronze tables of files that are not loaded as they are, the Silver tables behind
these, those that have not judged what Bronze holds, and tables that have never been made. It is found without Spark,
from landing and the journals, by the same functions as a run uses. Does not belong here: which folders are listed
(`core/bronze/arrivals.py`), pauses and retries (`reconcile.py`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from project_etl.catalog import datasets_of, feeds_of, landing_refusal, silver_behind
from project_etl.core.bronze import file_table
from project_etl.core.bronze.arrivals import Arrivals, Watch, Watcher
from project_etl.core.bronze.landing import LandingFile
from project_etl.core.digest import digest
from project_etl.core.lake import TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.order import with_dependents
from project_etl.core.model.table import Table
from project_etl.core.silver import quarantine
from project_etl.core.silver.plan import Behind
from project_etl.core.staleness import newest_landing_day
from project_etl.orchestration.sensors.lake_versions import Remembered, code_of, versions_of
from project_etl.orchestration.sensors.reconcile import SHOWN, Asker, Goal, Past, Wanted, answer, own_run
from project_etl.settings import Settings

NAME = "new_files"
# All landing days are looked at that often; with the next tick when somebody has reset the sensor's cursor.
FULL_LOOK_SECONDS = 3600


@dataclass(frozen=True)
class Loads:
    """What is to be loaded and judged, of one lake.

    Attributes:
        settings: the settings.
        lake: the lake.
        tables: all tables.
    """

    settings: Settings
    lake: TableStore
    tables: Sequence[Table]
    _watcher: Watcher = field(default_factory=Watcher)
    _behind: Remembered[dict[str, Behind]] = field(default_factory=Remembered[dict[str, Behind]])

    @property
    def silver(self) -> list[Table]:
        """The Silver tables."""
        return [table for table in self.tables if table.layer == "silver"]

    @property
    def names(self) -> list[str]:
        """What the runs make: Bronze of the sources that are on, and Silver."""
        return [*self.bronze, *(table.name for table in self.silver)]

    @property
    def bronze(self) -> list[str]:
        """The Bronze tables of the sources that are on."""
        return [dataset.bronze for dataset in datasets_of(self.settings.sources)]

    @property
    def code(self) -> str:
        """Digest of code and settings of what the runs make."""
        return code_of(self.settings, self.silver)

    def look(self, now: float, *, is_full: bool) -> Arrivals:
        """Look at landing at an instant (seconds since the epoch)."""
        settings = self.settings
        datasets, last = datasets_of(settings.sources), settings.last_day(now)
        watch = Watch(settings.landing_root, datasets, settings.settle_seconds, settings.start_date, last)
        return self._watcher.look(watch, self.lake, now, is_full=is_full)

    def goal(self, found: Arrivals, now: float) -> Goal:
        """What is wanted, with what landing holds, at an instant (seconds since the epoch)."""
        tables: dict[date, set[str]] = defaultdict(set)
        why: dict[date, list[str]] = defaultdict(list)
        for day, files in found.new.items():
            tables[day] |= files.keys()
            why[day] += [_news(table, day, [file.name for file in new]) for table, new in sorted(files.items())]
        beside = [file_table.FILES, *(quarantine.name_of(table.name) for table in self.silver)]
        versions, until = versions_of(self.lake, [*self.names, *beside]), self.settings.last_day(now)
        for name, late in self._behind.of(
            versions, lambda: silver_behind(self.lake, self.silver, self.settings)
        ).items():
            for day in map(date.fromisoformat, late.days):
                if self.settings.start_date <= day <= until:
                    tables[day].add(name)
                    why[day].append(f"not judged yet: {name} {day}")
            if late.parents:
                # Any day that has landed will do; today's files may still be coming.
                landed = newest_landing_day(self.lake) or until
                day = max(self.settings.start_date, min(landed, until - timedelta(days=1)))
                tables[day].add(name)
                why[day].append(f"judged before what they refer to: {name}")
        # A table without rows is one that others can read; without it, they could not be computed.
        missing = {name for name in self.names if not self.lake.exists(name)}
        wanted = {
            day: Wanted(self.concerned(names | missing), tuple(why[day]), digest(_files(found, day)))
            for day, names in tables.items()
        }
        return Goal(wanted, digest(versions), lambda days: self._changed_at(found, days, now))

    def concerned(self, tables: Collection[str]) -> frozenset[str]:
        """Some tables with those that are judged along."""
        found = {*tables}
        for table in self.silver:
            if any(feed.bronze in found for feed in feeds_of(table, self.settings)):
                found.add(table.name)
        return frozenset(with_dependents(self.silver, sorted(found)))

    def _changed_at(self, found: Arrivals, days: Collection[date], now: float) -> dict[date, float]:
        """When the files of some days arrived or were loaded, in seconds since the epoch.

        A time that is yet to come says nothing.
        """
        times = [(day, file.arrived) for day in days for file in _files(found, day)]
        rows = file_table.files(self.lake, self.bronze, [day.isoformat() for day in days]).values()
        times += [(row.landing_date, row.last_seen.timestamp()) for row in rows]
        changed: dict[date, float] = {}
        for day, at in times:
            if at <= now:
                changed[day] = max(at, changed.get(day, 0.0))
        return changed


def new_files_sensor(loads: Loads) -> dg.SensorDefinition:
    """The sensor for one lake and its landing."""
    settings = loads.settings

    @dg.sensor(
        name=NAME,
        target=dg.AssetSelection.groups("bronze", "silver"),
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description=f"Loads what lands in {settings.landing_root}: one run for landing days that adjoin.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(loads, context.instance, context.cursor, time.time())

    return new_files


def tick(loads: Loads, instance: dg.DagsterInstance, cursor: str | None, now: float) -> dg.SensorResult:
    """Look once, and ask for one run at most.

    Args:
        loads: what is to be loaded.
        instance: Dagster's memory.
        cursor: when all landing days were looked at last, as an ISO instant; empty before that.
        now: seconds since the epoch.
    """
    if refused := landing_refusal(loads.lake, loads.settings):
        return dg.SensorResult(skip_reason=refused, cursor=cursor)
    asker = Asker(NAME, loads.lake.root, loads.code)
    past = Past.of(instance, asker, now)
    if waits := own_run(past, asker):
        return dg.SensorResult(skip_reason=waits, cursor=cursor)
    # One that is yet to come is of a clock that was ahead.
    is_full = not 0 <= now - _instant(cursor) < FULL_LOOK_SECONDS
    found = loads.look(now, is_full=is_full)
    if is_full:
        cursor = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    goal = loads.goal(found, now)
    said = answer(asker, goal, past, now) if goal.days else "nothing new in landing"
    if isinstance(said, dg.RunRequest):
        return dg.SensorResult(run_requests=[said], cursor=cursor)
    return dg.SensorResult(skip_reason=". ".join([said, *_not_taken(found)]), cursor=cursor)


def _instant(cursor: str | None) -> float:
    """The cursor in seconds since the epoch; 0 for one that is empty, or of an earlier version and no instant."""
    try:
        return datetime.fromisoformat(cursor or "").timestamp()
    except ValueError:
        return 0.0


def _not_taken(found: Arrivals) -> list[str]:
    """What lies in landing and is not taken, in words."""
    said: list[str] = []
    if found.settling:
        names = [file.path for file in found.settling]
        said.append(f"{len(names)} files are still changing: {some_of(names, SHOWN)}")
    if found.unread:
        said.append(f"{len(found.unread)} things in landing are not read: {some_of(found.unread, SHOWN)}")
    if found.outside:
        days = some_of(found.outside, SHOWN)
        said.append(f"{len(found.outside)} landing days have no partition: {days}")
    if found.unread or found.outside:
        said.append("`project-etl status` names all that is not read, with what to do")
    return said


def _files(found: Arrivals, day: date) -> list[LandingFile]:
    return [file for files in found.new.get(day, {}).values() for file in files]


def _news(table: str, day: date, names: Sequence[str]) -> str:
    return f"new: {table.removeprefix('bronze/')}/{day} ({some_of(names, 1)})"
