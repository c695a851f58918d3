"""The order in which Gold tables are computed.

Belongs here: following the declared inputs. Does not belong here: computing (`core/gold`), which days are concerned
(`reach.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

from project_etl.core.model.table import Table


def gold_order(tables: Iterable[Table]) -> list[Table]:
    """The Gold tables, each after those it reads."""
    gold = {table.name: table for table in tables if table.layer == "gold"}
    inputs = {
        name: [item.table for item in table.inputs.values() if item.table in gold] for name, table in gold.items()
    }
    return [gold[name] for name in TopologicalSorter(inputs).static_order()]
