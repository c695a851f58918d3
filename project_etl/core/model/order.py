"""The order in which tables are made: Gold after what it reads, Silver after what decides about its records.

Does not belong here: whether anything changed (`core/staleness`, `core/silver/plan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

from project_etl.core.contracts import Action
from project_etl.core.model.table import Table


def gold_order(tables: Iterable[Table]) -> list[Table]:
    """The Gold tables, each after those it reads."""
    gold = {table.name: table for table in tables if table.layer == "gold"}
    inputs = {
        name: [item.table for item in table.inputs.values() if item.table in gold] for name, table in gold.items()
    }
    return [gold[name] for name in TopologicalSorter(inputs).static_order()]


def with_dependents(silver: Iterable[Table], names: Iterable[str]) -> list[str]:
    """Some tables, then those that refer to them and wait for them, breadth first.

    A reference that only warns decides nothing and leads nowhere.

    Args:
        silver: all Silver tables.
        names: tables to begin with; names of other layers stay, and nothing refers to them.
    """
    tables, along = list(silver), list(names)
    # The list grows while it is walked through.
    for name in along:
        along += [
            table.name
            for table in tables
            if table.name not in along
            and any(ref.table == name and ref.action is not Action.WARN for ref in table.references)
        ]
    return along
