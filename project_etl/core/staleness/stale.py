"""Which tables and days are stale: computed from inputs that have changed since, or never.

This is the one answer to that question, for a run, `plan`, `quarantine replay` and the sensor. It is read from the
journals: they say from which versions of its inputs each day was computed, and which days each version changed. Only
for an input that is read as of an instant the change feed is followed (`as_of.py`). The answer may be more than is
strictly needed, never less: a commit that does not say which days it changed may have changed them all.

Does not belong here: computing (`core/gold`), which runs follow (`work.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from project_etl.core.arrow import ArrowTable
from project_etl.core.bronze.file_table import FILES
from project_etl.core.digest import digest
from project_etl.core.lake import WHOLE, Journal, TableStore
from project_etl.core.model.days import each_day
from project_etl.core.model.order import gold_order
from project_etl.core.model.table import Input, Table
from project_etl.core.model.transform import taken
from project_etl.core.staleness.as_of import Affects, affected, changed_since
from project_etl.core.staleness.reads import Reads, day_of

# The rule that a day breaks when it is computed from days that are held back.
BLOCKED = "inputs_published"


@dataclass(frozen=True)
class Made:
    """What a Gold table is made from, as it is now.

    Attributes:
        identity: stands for the code, the parameters and which tables the inputs are, however often they changed.
        versions: input table → Delta version; inputs that do not exist are absent.
    """

    identity: str
    versions: Mapping[str, int]


@dataclass(frozen=True)
class Staleness:
    """The Gold tables beside their inputs, at one moment.

    Attributes:
        lake: the lake; tables are looked at as they are now, or at their pins.
        tables: all tables by name.
        parameters: settings that transforms take, part of what a result depends on.
        zone: the reporting time zone, which says when a business day begins.
    """

    lake: TableStore
    tables: Mapping[str, Table]
    parameters: Mapping[str, Any]
    zone: str = "UTC"
    _followed: dict[tuple[str, Input, int], Affects] = field(default_factory=dict[tuple[str, Input, int], Affects])
    _changed: dict[tuple[str, int], ArrowTable | None] = field(
        default_factory=dict[tuple[str, int], "ArrowTable | None"]
    )

    def made_from(self, table: Table) -> Made:
        """What a Gold table would be made from now."""
        names = sorted({item.table for item in table.inputs.values() if self.lake.exists(item.table)})
        states = {name: self.lake.state(name) for name in names}
        # A table that was deleted and made again counts its versions from the start.
        ids = {name: state.table_id for name, state in states.items()}
        identity = digest(table.version, ids, taken(table, self.parameters))
        return Made(identity, {name: state.version for name, state in states.items()})

    def units_of(self, table: Table, units: Sequence[str]) -> tuple[str, ...]:
        """Those of some units (days, or `WHOLE`) of a Gold table that are stale, its inputs being right.

        What is held back is stale, whatever it is computed from now.
        """
        made, journal = self.made_from(table), self.lake.journal(table.name)
        inputs = {name: self.lake.journal(name) for name in made.versions}
        these = self._reads(table, units)

        def is_fresh(unit: str) -> bool:
            reads: Mapping[str, int] = journal.note(unit).get("reads", {})
            since = {name: max(version, journal.checked.get(name, version)) for name, version in reads.items()}
            is_doubted = unit in journal.doubted or unit in journal.held
            return (
                journal.fingerprint(unit) == made.identity
                and not is_doubted
                and self._are_as_they_were(these, inputs, since, unit)
            )

        return tuple(unit for unit in units if not is_fresh(unit))

    def held_back(self, table: Table, units: Sequence[str]) -> tuple[str, ...]:
        """Those of some units of a Gold table that are held back, and would be again: their inputs are the same."""
        made, held = self.made_from(table), self.lake.journal(table.name).held
        inputs = {name: self.lake.journal(name) for name in made.versions} if held else {}
        asked = [unit for unit in units if unit in held]
        blocked, reads = self.blocked(table, asked), self._reads(table, asked)

        def is_held(unit: str) -> bool:
            entry = held.get(unit)
            if entry is None or entry.held[unit].made_from != made.identity:
                return False
            if BLOCKED in entry.held[unit].rules:
                # A day may be published again without a row, which changes nothing in the input.
                return unit in blocked
            return self._are_as_they_were(reads, inputs, entry.note.get("reads", {}), unit)

        return tuple(unit for unit in units if is_held(unit))

    def checked(self, table: Table, computed: Collection[str]) -> dict[str, Any]:
        """What the note of a commit says of the units that it does not compute.

        The change feed of an input that is read as of an instant goes back some days only. So each commit of a daily
        table looks at all its units, up to the inputs of now: `checked`; those that are stale are `doubted`. The next
        look follows the feed from there on, once for all units.
        """
        as_of = {item.table for item in table.inputs.values() if day_of(self.tables, table, item) is None}
        if not table.is_daily or not as_of:
            return {}
        journal, now = self.lake.journal(table.name), self.made_from(table).versions
        others = [unit for unit in journal.units if unit not in computed and unit not in journal.doubted]
        return {
            "checked": {name: version for name, version in now.items() if name in as_of},
            "doubted": self.units_of(table, others),
        }

    def blocked(self, table: Table, units: Sequence[str]) -> dict[str, int]:
        """Those of some units that are computed from days which an input holds back → how many these are."""
        by_day = [item for item in table.inputs.values() if day_of(self.tables, table, item) is not None]
        held, reads = {item: self.lake.journal(item.table).held for item in by_day}, self._reads(table, units)
        found = {
            unit: sum(day in days for item, days in held.items() if days for day in reads.days(item, [unit]))
            for unit in units
        }
        return {unit: number for unit, number in found.items() if number}

    def everywhere(self, days: Iterable[date], *, with_held: bool = True) -> dict[str, frozenset[date]]:
        """All stale tables, with those that will be once their inputs are computed.

        Args:
            days: the business days of interest.
            with_held: whether to name what is held back, too, and would be again.

        Returns:
            Gold table → stale days; none for one that is computed as a whole. Tables that are up to date are absent,
            and so are those of which an input does not exist yet. Of a table that is read by day and computed as a
            whole, nobody knows which days it will change: what reads it is found stale once it is computed.
        """
        asked = sorted(days)
        found: dict[str, frozenset[date]] = {}
        held: dict[str, frozenset[date]] = {}
        for table in gold_order(self.tables.values()):
            if any(item.table not in found and not self.lake.exists(item.table) for item in table.inputs.values()):
                continue
            behind = [(item, found[item.table]) for item in table.inputs.values() if item.table in found]
            if not table.is_daily:
                own = self.units_of(table, [WHOLE])
                if behind or (own and (with_held or not self.held_back(table, own))):
                    found[table.name] = frozenset()
                continue
            reads = self._reads(table, [day.isoformat() for day in asked])
            follow = {day for item, stale in behind for day in asked if _follows(reads, item, stale, day)}
            own = self.units_of(table, [day.isoformat() for day in asked if day not in follow])
            stale = follow.union(map(date.fromisoformat, own))
            if not with_held:
                kept = {date.fromisoformat(day) for day in self.held_back(table, own)}
                kept |= {
                    day
                    for item in table.inputs.values()
                    if not item.whole and item.table in held
                    for day in stale - follow
                    if _follows(reads, item, held[item.table], day)
                }
                held[table.name] = frozenset(kept)
                stale -= kept
            if stale:
                found[table.name] = frozenset(stale)
        return found

    def followers(self, stale: Mapping[str, frozenset[date]]) -> frozenset[date]:
        """The days on which nothing can be computed before other days, or tables, have been.

        Args:
            stale: what `everywhere` found.
        """
        own: set[date] = set()
        for name, days in stale.items():
            inputs = self.tables[name].inputs.values()
            behind = [(item, stale[item.table]) for item in inputs if item.table in stale]
            reads = self._reads(self.tables[name], [day.isoformat() for day in days])
            own |= {day for day in days if not any(_follows(reads, item, found, day) for item, found in behind)}
        return frozenset[date]().union(*stale.values()) - own

    def why(self, stale: Mapping[str, Collection[date]]) -> tuple[str, ...]:
        """What made tables stale, in words; of each table the first of its stale days speaks for all.

        Args:
            stale: what `everywhere` found.
        """
        changed, said = set[str](), set[str]()
        for name, days in stale.items():
            journal = self.lake.journal(name)
            unit = min(days).isoformat() if days else WHOLE
            reads = journal.note(unit).get("reads") or journal.last_note("reads") or {}
            newer = {source for source, version in reads.items() if (self.lake.data_version(source) or 0) > version}
            if newer:
                changed |= newer
            elif journal.fingerprint(unit) is None:
                said.add("not computed yet")
            elif journal.fingerprint(unit) != self.made_from(self.tables[name]).identity:
                said.add(f"other code, settings or inputs: {name}")
        silver = sorted(name for name in changed if name.startswith("silver/"))
        if silver:
            return (f"changed: {', '.join(silver)}",)
        if changed:
            return (f"computed: {', '.join(sorted(changed))}",)
        return tuple(sorted(said)) or ("inputs were computed again",)

    def _reads(self, table: Table, units: Sequence[str]) -> Reads:
        return Reads(self.lake, self.tables, table, units)

    def _are_as_they_were(
        self, reads: Reads, inputs: Mapping[str, Journal], since: Mapping[str, int], unit: str
    ) -> bool:
        """Whether all inputs say to a unit what they said at some versions."""
        return all(
            self._is_as_it_was(reads, item, inputs.get(item.table), since.get(item.table), unit)
            for item in reads.table.inputs.values()
        )

    def _is_as_it_was(self, reads: Reads, item: Input, journal: Journal | None, since: int | None, unit: str) -> bool:
        """Whether an input says to a unit what it said at a version."""
        # What was forgotten may have been anything, and so may what took the place of what was never known.
        if journal is None or since is None or not journal.oldest - 1 <= since <= journal.version:
            return False
        table = reads.table
        if not table.is_daily or journal.data_version <= since:
            return journal.data_version <= since
        if day_of(self.tables, table, item) is not None:
            return journal.changed_on(reads.days_in_notes(item, unit)) <= since
        key = (table.name, item, since)
        if key not in self._followed:
            # Several tables read the same histories and rates, mostly from the same version on.
            feed = (item.table, since)
            if feed not in self._changed:
                self._changed[feed] = changed_since(self.lake, *feed)
            self._followed[key] = affected(self.lake, self.tables, table, item, self._changed[feed], self.zone)
        return not self._followed[key](reads, unit)


def _follows(reads: Reads, item: Input, stale: frozenset[date], day: date) -> bool:
    """Whether a day is computed from stale days of an input."""
    if item.whole:
        return True
    return bool(stale) and any(date.fromisoformat(read) in stale for read in reads.days(item, [day.isoformat()]))


def days_of_data(lake: TableStore, tables: Iterable[Table], first: date, last: date) -> list[date]:
    """The business days, from `first` to `last` at most, for which Gold is to be right.

    These are the days up to the newest landing day of which Silver or Gold hold anything, and the days that Gold has
    been computed for. Windows look back from later days too: those are computed once landing has reached them.

    Args:
        lake: the lake.
        tables: all tables.
        first: the first day that has a partition.
        last: the last one.
    """
    bounds, computed = set[date](), set[date]()
    for table in tables:
        if table.day_column is not None and lake.exists(table.name):
            bounds |= {*lake.state(table.name).bounds(table.day_column)}
            if table.layer == "gold" and table.is_daily:
                computed |= {date.fromisoformat(unit) for unit in lake.journal(table.name).units}
    landed = newest_landing_day(lake)
    known = each_day(max(first, min(bounds)), min(last, landed)) if bounds and landed else []
    return sorted({*known, *(day for day in computed if first <= day <= last)})


def newest_landing_day(lake: TableStore) -> date | None:
    """The newest landing day of which Bronze has seen a file, be it empty; None before the first one."""
    if not lake.exists(FILES):
        return None
    return max(lake.state(FILES).bounds("landing_date"), default=None)


def misjudged(lake: TableStore, inputs: Iterable[str]) -> tuple[str, ...]:
    """The tables among some inputs that were judged with other rows of a table that they refer to.

    Another run was between the two when the lake was read: an item is then still on the day that its order has left.
    """

    def is_behind(name: str) -> bool:
        parents: Mapping[str, int] = lake.journal(name).last_note("parents") or {}
        return any(lake.data_version(parent) != judged for parent, judged in parents.items())

    return tuple(name for name in inputs if is_behind(name))
