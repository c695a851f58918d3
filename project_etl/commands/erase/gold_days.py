"""Which Gold tables and days an erasure makes stale, told before it is done: by the rows that name the customer now.

Does not belong here: what is stale once Silver has changed (`core/staleness`); it may be more, for a first order that
leaves changes later days too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from project_etl.commands.erase.subject import CUSTOMER
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.days import days_in_words
from project_etl.core.model.order import gold_order
from project_etl.core.model.table import Table
from project_etl.core.staleness import Reads, day_of


def gold_days(lake: TableStore, tables: Sequence[Table], customer_id: str) -> dict[str, tuple[str, ...]]:
    """Gold table → its days that will be computed again at least; `WHOLE` alone for one that is computed as a whole."""
    by_name = {table.name: table for table in tables}
    changed = _silver_days(lake, tables, customer_id)
    found: dict[str, tuple[str, ...]] = {}
    for table in gold_order(tables):
        units = lake.journal(table.name).units
        read = [(item, changed[item.table]) for item in table.inputs.values() if item.table in changed]
        if not units or not read:
            continue
        if not table.is_daily:
            found[table.name], changed[table.name] = (WHOLE,), set()
            continue
        days = sorted(units)
        reads = Reads(lake, by_name, table, days)
        by_day = [(item, of_input) for item, of_input in read if day_of(by_name, table, item) is not None]
        stale = [day for day in days if any(not days_.isdisjoint(reads.days(item, [day])) for item, days_ in by_day)]
        if stale:
            found[table.name], changed[table.name] = tuple(stale), set(stale)
    return found


def _silver_days(lake: TableStore, tables: Sequence[Table], customer_id: str) -> dict[str, set[str]]:
    """Silver table → the business days of its rows that name the customer; none for a table that has no days."""
    found: dict[str, set[str]] = {}
    for table in tables:
        if table.layer != "silver" or not lake.exists(table.name) or CUSTOMER not in table.schema.fieldNames():
            continue
        columns = list(dict.fromkeys((CUSTOMER, *table.days)))
        rows = lake.state(table.name).rows(columns, among=(CUSTOMER, [customer_id])).to_pylist()
        if rows:
            found[table.name] = {str(row[day]) for row in rows for day in table.days if row[day] is not None}
    return found


def in_words(days: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Each table, and its days in words."""
    return [(name, "the whole" if list(units) == [WHOLE] else days_in_words(units)) for name, units in days.items()]
