"""The order in which Gold tables are computed.

Belongs here: following the declared inputs. Does not belong here: computing (`gold.py`), which days are concerned
(`reach.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from project_etl.core.table import Table


def gold_order(tables: Iterable[Table]) -> list[Table]:
    """The Gold tables, each after those it reads."""
    gold = {table.name: table for table in tables if table.layer == "gold"}
    ordered: dict[str, Table] = {}

    def visit(table: Table) -> None:
        for item in table.inputs.values():
            if item.table in gold and item.table not in ordered:
                visit(gold[item.table])
        ordered[table.name] = table

    for table in gold.values():
        if table.name not in ordered:
            visit(table)
    return list(ordered.values())
