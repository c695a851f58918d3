"""What a Gold table is made from, and whether that is still what it was: read from the commit notes, without Spark.

Belongs here: comparing a table's inputs with what the note of each computed day says it was made from. The answer is
coarse where a note is: a commit that does not say which days it touched may have touched them all. Does not belong
here: following single changes through the change feed (`reach.py`), computing (`gold.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from project_etl.core.delta_log import Commit
from project_etl.core.lake import Lake
from project_etl.core.staged import Memory
from project_etl.core.table import Input, ReplaceDays, Table

# The "day" of a table that is computed as a whole.
WHOLE = "all"


@dataclass(frozen=True)
class GoldInputs:
    """The inputs of a Gold table as they are now.

    Attributes:
        table: the Gold table.
        identity: stands for the code, the parameters and which tables the inputs are, however often they changed.
        logs: input table → its commits, newest first; none of a table that does not exist.
    """

    table: Table
    identity: str
    logs: Mapping[str, Sequence[Commit]]

    @property
    def versions(self) -> dict[str, int]:
        """Input table → Delta version."""
        return {name: log[0].version for name, log in self.logs.items() if log}

    def stale(self, units: Sequence[str], memory: Memory) -> tuple[str, ...]:
        """The units (days, or `WHOLE`) that were not made from these inputs, of which the last note is in `memory`."""
        return tuple(unit for unit in units if not self._is_fresh(unit, memory))

    def _is_fresh(self, unit: str, memory: Memory) -> bool:
        reads: Mapping[str, int] = memory.days.get(unit, {}).get("reads", {})
        return memory.fingerprint(unit) == self.identity and all(
            self._is_as_it_was(item, reads.get(item.table), unit) for item in self.table.inputs.values()
        )

    def _is_as_it_was(self, item: Input, since: int | None, unit: str) -> bool:
        log = self.logs[item.table]
        # What the log has forgotten may have been anything.
        if since is None or not log or log[-1].version > since + 1:
            return False
        later = [commit for commit in log if commit.version > since and commit.may_change_rows]
        return not any(self._concerns(commit, item, unit) for commit in later)

    def _concerns(self, commit: Commit, item: Input, unit: str) -> bool:
        touched: Sequence[str] | None = commit.note.get("touched")
        if touched is None or not isinstance(self.table.write, ReplaceDays):
            return True
        if not item.whole:
            return not set(touched).isdisjoint(input_days([unit], item))
        # What customers did before a day is read with it; what they do later is not its concern.
        return not self.table.write.reach_customers or any(day <= unit for day in touched)


def inputs_now(lake: Lake, table: Table, parameters: Mapping[str, Any]) -> GoldInputs:
    """Look at the inputs of a Gold table.

    Args:
        lake: the lake.
        table: the Gold table.
        parameters: settings that transforms take, part of what a result depends on.
    """
    names = [item.table for item in table.inputs.values()]
    logs = {name: lake.commits(name) for name in names}
    # A table that was deleted and made again counts its versions from the start.
    tables = {name: lake.delta(name).metadata().id for name in names if logs[name]}
    text = json.dumps([table.version, tables, sorted(parameters.items())], default=str)
    return GoldInputs(table, hashlib.blake2b(text.encode(), digest_size=6).hexdigest(), logs)


def input_days(asked: Sequence[str], item: Input) -> list[str]:
    """The days of an input that the asked days need: themselves and `back` days before each."""
    needed = {date.fromisoformat(day) - timedelta(days=back) for day in asked for back in range(item.back + 1)}
    return sorted(day.isoformat() for day in needed)
