"""What a Gold table is made from, and whether that is still what it was: read from the commit notes, without Spark.

Belongs here: comparing a table's inputs with what the note of each computed day says it was made from. The answer is
coarse where a note is: a commit that does not say which days it touched may have touched them all. Does not belong
here: following single changes through the change feed (`reach.py`), computing (`gold.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from project_etl.core.lake import Commit, TableStore
from project_etl.core.staged import Memory, remember
from project_etl.core.steps import taken
from project_etl.core.table import Input, Table

# The "day" of a table that is computed as a whole.
WHOLE = "all"


@dataclass(frozen=True)
class Changes:
    """When the rows of a table last changed, as its log tells it.

    Attributes:
        version: the newest version.
        oldest: the oldest version of which the log says what it changed.
        anywhere: the newest version that may have changed any row.
        by_day: day → newest version that changed rows of it, where that is later than `anywhere`.
    """

    version: int
    oldest: int
    anywhere: int
    by_day: Mapping[str, int]

    @classmethod
    def of(cls, log: Sequence[Commit]) -> Changes:
        """Read the commits of a table, newest first."""
        anywhere, by_day = log[-1].version, dict[str, int]()
        for commit in (commit for commit in log if commit.may_change_rows):
            touched: Sequence[str] | None = commit.note.get("touched")
            if touched is None:
                anywhere = commit.version
                break
            for day in touched:
                by_day.setdefault(day, commit.version)
        return cls(log[0].version, log[-1].version, anywhere, by_day)

    @property
    def last(self) -> int:
        """The newest version that changed rows."""
        return max(self.by_day.values(), default=self.anywhere)

    def on(self, days: Iterable[str]) -> int:
        """The newest version that changed rows of some days."""
        return max((self.by_day.get(day, self.anywhere) for day in days), default=self.anywhere)


@dataclass(frozen=True)
class GoldInputs:
    """The inputs of a Gold table as they are now.

    Attributes:
        table: the Gold table.
        identity: stands for the code, the parameters and which tables the inputs are, however often they changed.
        changes: input table → its changes; those that do not exist are absent.
    """

    table: Table
    identity: str
    changes: Mapping[str, Changes]

    @property
    def versions(self) -> dict[str, int]:
        """Input table → Delta version."""
        return {name: changes.version for name, changes in self.changes.items()}

    def stale(self, units: Sequence[str], memory: Memory) -> tuple[str, ...]:
        """The units (days, or `WHOLE`) that were not made from these inputs, of which the last note is in `memory`."""
        return tuple(unit for unit in units if not self._is_fresh(unit, memory))

    def _is_fresh(self, unit: str, memory: Memory) -> bool:
        reads: Mapping[str, int] = memory.days.get(unit, {}).get("reads", {})
        return memory.fingerprint(unit) == self.identity and all(
            self._is_as_it_was(item, reads.get(item.table), unit) for item in self.table.inputs.values()
        )

    def _is_as_it_was(self, item: Input, since: int | None, unit: str) -> bool:
        changes = self.changes.get(item.table)
        # What the log has forgotten may have been anything, and so may what took the place of what it never knew.
        if changes is None or since is None or not changes.oldest - 1 <= since <= changes.version:
            return False
        return self._last_change(changes, item, unit) <= since

    def _last_change(self, changes: Changes, item: Input, unit: str) -> int:
        """The newest version of an input that changed what a unit is made from."""
        if self.table.is_daily and not item.whole:
            return changes.on(input_days([unit], item))
        return changes.last


def inputs_now(lake: TableStore, table: Table, parameters: Mapping[str, Any]) -> GoldInputs:
    """Look at the inputs of a Gold table.

    Args:
        lake: the lake.
        table: the Gold table.
        parameters: settings that transforms take, part of what a result depends on.
    """
    names = sorted({item.table for item in table.inputs.values() if lake.exists(item.table)})
    # A table that was deleted and made again counts its versions from the start.
    tables = {name: lake.state(name).table_id for name in names}
    text = json.dumps([table.version, tables, taken(table, parameters)], default=str)
    changes = {name: Changes.of(lake.commits(name)) for name in names}
    return GoldInputs(table, hashlib.blake2b(text.encode(), digest_size=6).hexdigest(), changes)


def input_days(asked: Sequence[str], item: Input) -> list[str]:
    """The days of an input that the asked days need: themselves and `back` days before each."""
    needed = {date.fromisoformat(day) - timedelta(days=back) for day in asked for back in range(item.back + 1)}
    return sorted(day.isoformat() for day in needed)


def unsettled(lake: TableStore, inputs: Iterable[str]) -> tuple[str, ...]:
    """The tables among some inputs that were judged with other rows of a table that they refer to.

    Another run was between the two when the lake was read: an item is then still on the day that its order has left.
    """

    def is_behind(name: str) -> bool:
        parents: Mapping[str, int] = remember(lake, name).last.get("parents") or {}
        return any(lake.data_version(parent) != judged for parent, judged in parents.items())

    return tuple(name for name in inputs if is_behind(name))
