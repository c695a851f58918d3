"""What a Gold table is made from, and whether that is still what it was: read from the journals, without Spark.

Belongs here: comparing a table's inputs with what the journal says that each day was made from. The answer is coarse
where a note is: a commit that does not say which days it touched may have touched them all. Does not belong
here: following single changes through the change feed (`reach.py`), computing (`gold.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from project_etl.core.lake import Journal, TableStore
from project_etl.core.steps import taken
from project_etl.core.table import Input, Table


@dataclass(frozen=True)
class GoldInputs:
    """The inputs of a Gold table as they are now.

    Attributes:
        table: the Gold table.
        identity: stands for the code, the parameters and which tables the inputs are, however often they changed.
        journals: input table → its journal; those that do not exist are absent.
    """

    table: Table
    identity: str
    journals: Mapping[str, Journal]

    @property
    def versions(self) -> dict[str, int]:
        """Input table → Delta version."""
        return {name: journal.version for name, journal in self.journals.items()}

    def stale(self, units: Sequence[str], journal: Journal) -> tuple[str, ...]:
        """The units (days, or `WHOLE`) that, by the table's journal, were not made from these inputs."""
        return tuple(unit for unit in units if not self._is_fresh(unit, journal))

    def _is_fresh(self, unit: str, journal: Journal) -> bool:
        reads: Mapping[str, int] = journal.note(unit).get("reads", {})
        return journal.fingerprint(unit) == self.identity and all(
            self._is_as_it_was(item, reads.get(item.table), unit) for item in self.table.inputs.values()
        )

    def _is_as_it_was(self, item: Input, since: int | None, unit: str) -> bool:
        journal = self.journals.get(item.table)
        # What was forgotten may have been anything, and so may what took the place of what was never known.
        if journal is None or since is None or not journal.oldest - 1 <= since <= journal.version:
            return False
        return self._last_change(journal, item, unit) <= since

    def _last_change(self, journal: Journal, item: Input, unit: str) -> int:
        """The newest version of an input that changed what a unit is made from."""
        if self.table.is_daily and not item.whole:
            return journal.changed_on(input_days([unit], item))
        return journal.data_version


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
    journals = {name: lake.journal(name) for name in names}
    return GoldInputs(table, hashlib.blake2b(text.encode(), digest_size=6).hexdigest(), journals)


def input_days(asked: Sequence[str], item: Input) -> list[str]:
    """The days of an input that the asked days need: themselves and `back` days before each."""
    needed = {date.fromisoformat(day) - timedelta(days=back) for day in asked for back in range(item.back + 1)}
    return sorted(day.isoformat() for day in needed)


def unsettled(lake: TableStore, inputs: Iterable[str]) -> tuple[str, ...]:
    """The tables among some inputs that were judged with other rows of a table that they refer to.

    Another run was between the two when the lake was read: an item is then still on the day that its order has left.
    """

    def is_behind(name: str) -> bool:
        parents: Mapping[str, int] = lake.journal(name).last_note("parents") or {}
        return any(lake.data_version(parent) != judged for parent, judged in parents.items())

    return tuple(name for name in inputs if is_behind(name))
