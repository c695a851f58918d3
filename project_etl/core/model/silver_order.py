"""Which Silver tables are judged again when others are: those whose references decide about their records.

Does not belong here: whether anything changed (`core/silver/plan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from project_etl.core.contracts import Action
from project_etl.core.model.table import Table


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
