"""The sensor `changed_days`: Gold follows Silver, exports follow Gold, and nothing is computed that is not stale.

What is wanted is what `core/staleness` calls stale, found without Spark: one run makes all stale tables of days that
adjoin. It waits while files are being loaded, or have landed and are about to be, for they would make the same days
stale again. Does not belong here: pauses and retries (`reconcile.py`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import dagster as dg

from project_etl.catalog import stale_exports, staleness_of, streamed, targets_of
from project_etl.core.bronze.landing import LandingFile
from project_etl.core.digest import digest
from project_etl.core.lake import TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.table import Table
from project_etl.core.staleness import Reads, by_day, day_of, days_of_data, newest_landing_day
from project_etl.orchestration.sensors.lake_versions import Remembered, code_of, versions_of
from project_etl.orchestration.sensors.new_files import Loads
from project_etl.orchestration.sensors.reconcile import SHOWN, Asker, Goal, Past, Wanted, answer, own_run
from project_etl.settings import Settings

NAME = "changed_days"
# Where files land all the time, Gold does not wait for a pause that never comes.
PATIENCE_SECONDS = 600

Stale = Mapping[str, frozenset[date]]
EXPORTS_BEHIND = "exports behind Gold"


@dataclass
class Waiting:
    """How long loads have been waited for, as one process remembers it.

    Attributes:
        since: when it began, in seconds since the epoch; None while nothing is waited for.
        given_up: files that nobody loaded for too long; as they are, they are not waited for again.
    """

    since: float | None = None
    given_up: frozenset[LandingFile] = frozenset()


@dataclass(frozen=True)
class Gold:
    """What is to be computed, of one lake.

    Attributes:
        settings: the settings.
        lake: the lake.
        tables: all tables.
        waiting: how long loads have been waited for.
    """

    settings: Settings
    lake: TableStore
    tables: Sequence[Table]
    waiting: Waiting = field(default_factory=Waiting)
    _stale: Remembered[tuple[Stale, tuple[str, ...]]] = field(default_factory=Remembered[tuple[Stale, tuple[str, ...]]])

    @property
    def code(self) -> str:
        """Digest of code and settings of what the runs make."""
        return code_of(self.settings, self._gold)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the assets that the runs make."""
        return ("gold", "export") if self.settings.exports else ("gold",)

    @property
    def is_loaded(self) -> bool:
        """Whether there is any Silver table."""
        return any(table.layer == "silver" and self.lake.exists(table.name) for table in self.tables)

    def waits(self, past: Past, now: float) -> str:
        """Which load is waited for at an instant (seconds since the epoch), in words; empty when none is.

        What a person loads counts, and so do files that have landed and are about to be loaded: orders would else be
        computed before their items. With a stream there is no pause to wait for: Gold follows at once.
        """
        if streamed(self.settings):
            return ""
        silver = [table.name for table in self.tables if table.layer == "silver"]
        loads = [run for run in past.flying if run.makes_any(silver)]
        arriving = self._arriving(now)
        files = [file for file in arriving if file not in self.waiting.given_up]
        if not loads and not files:
            self.waiting.since = None
            return ""
        since = self.waiting.since = now if self.waiting.since is None else self.waiting.since
        if now - since >= PATIENCE_SECONDS:
            self.waiting.since, self.waiting.given_up = None, frozenset(arriving)
            return ""
        if loads:
            return f"waits for files that run {loads[0].run_id[:8]} loads"
        return f"waits for files to be loaded: {some_of([file.path for file in files], SHOWN)}"

    def _arriving(self, now: float) -> list[LandingFile]:
        """The files in landing that are not in Bronze as they are, those that are still changing included."""
        found = self._loads.look(now, is_full=False)
        new = (file for tables in found.new.values() for files in tables.values() for file in files)
        return sorted([*new, *found.settling])

    def goal(self, until: date) -> Goal:
        """What is wanted.

        Args:
            until: the newest business day that has a partition.
        """
        staleness = staleness_of(self.lake, self.settings, self.tables)

        def find() -> tuple[Stale, tuple[str, ...]]:
            days = days_of_data(self.lake, self.tables, self.settings.start_date, until)
            # What is held back would be again: it is wanted when what it is computed from has changed.
            found = staleness.everywhere(days, with_held=False)
            return found, stale_exports(self.lake, self.settings, self.tables, found)

        versions = versions_of(self.lake, (table.name for table in self.tables))
        targets = [target.mark for target in targets_of(self.settings)]
        stale, exports = self._stale.of((versions, newest_landing_day(self.lake), until, targets), find)
        # An export is brought up to date as a whole, as a snapshot table is.
        tables = by_day({**stale, **dict.fromkeys(exports, frozenset[date]())}, until)
        why, follow = staleness.why(stale) if stale else (EXPORTS_BEHIND,), staleness.followers(stale)
        wanted = {day: Wanted(names, why, follows=day in follow) for day, names in tables.items()}
        return Goal(wanted, digest(versions), lambda days: self._changed_at(tables, days))

    @property
    def held(self) -> list[str]:
        """The tables that hold something back."""
        return [table.name for table in self._gold if self.lake.journal(table.name).held]

    @cached_property
    def _loads(self) -> Loads:
        """A look at landing of its own: what it remembers belongs to one sensor."""
        return Loads(self.settings, self.lake, self.tables)

    @property
    def _gold(self) -> list[Table]:
        return [table for table in self.tables if table.layer == "gold"]

    def _changed_at(self, tables: Mapping[date, frozenset[str]], days: Collection[date]) -> dict[date, float]:
        """When rows last changed from which tables are computed for some days, in seconds since the epoch.

        An input that is read as of an instant does not count: it changes every day.

        Args:
            tables: day → the tables that are computed for it.
            days: the days.
        """
        declared = {table.name: table for table in self.tables}
        changed: dict[date, set[tuple[str, int]]] = {day: set() for day in days}
        for table in self._gold:
            units = {day.isoformat(): day for day in days if table.name in tables[day]}
            reads = Reads(self.lake, declared, table, [*units])
            for item in table.inputs.values():
                if not self.lake.exists(item.table) or day_of(declared, table, item) is None:
                    continue
                journal = self.lake.journal(item.table)
                for unit, day in units.items():
                    changed[day].add((item.table, journal.changed_on(reads.days_in_notes(item, unit))))
        return {
            day: max((self._made_at(name, version) for name, version in found), default=0.0)
            for day, found in changed.items()
        }

    def _made_at(self, name: str, version: int) -> float:
        commits = self.lake.state(name).commits_since(version - 1)
        return next((commit.timestamp / 1000 for commit in commits if commit.version == version), 0.0)


def changed_days_sensor(gold: Gold) -> dg.SensorDefinition:
    """The sensor for one lake."""
    settings = gold.settings

    @dg.sensor(
        name=NAME,
        target=dg.AssetSelection.groups(*gold.groups),
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Computes the Gold days that changes in Silver reach, and no others. Exports follow.",
    )
    def changed_days(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        said = tick(gold, context.instance, time.time())
        return dg.SensorResult(skip_reason=said) if isinstance(said, str) else dg.SensorResult(run_requests=[said])

    return changed_days


def tick(gold: Gold, instance: dg.DagsterInstance, now: float) -> dg.RunRequest | str:
    """The run to ask for at an instant (seconds since the epoch), or in words why none is."""
    asker = Asker(NAME, gold.lake.root, gold.code)
    past = Past.of(instance, asker, now)
    if waits := own_run(past, asker):
        return waits
    if not gold.is_loaded:
        return "Silver has not been computed yet"
    goal = gold.goal(gold.settings.last_day(now))
    if not goal.days:
        gold.waiting.since = None
        held = f", but for what {', '.join(gold.held)} hold back" if gold.held else ""
        return f"Gold is up to date with Silver{held}"
    return gold.waits(past, now) or answer(asker, goal, past, now)
