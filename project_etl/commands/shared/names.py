"""Names that people type: which of those that there are is meant, and what a pattern selects."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from project_etl.commands.shared.errors import UserError
from project_etl.core.lake import TableStore
from project_etl.core.model.nearest import suggestion


def named(name: str, names: Sequence[str]) -> str:
    """The table of that name, or the last one whose name ends so: `daily_aov` is `gold/daily_aov`.

    Raises:
        UserError: there is none.
    """
    if name in names:
        return name
    if found := [each for each in names if each.endswith(f"/{name}")]:
        return found[-1]
    raise UserError(f"There is no table {name!r}; {suggestion(name, names)}")


def selected(patterns: str, names: Sequence[str]) -> list[str]:
    """The names that patterns with commas select, such as `gold/*, silver/orders`, in the order of `names`.

    Raises:
        UserError: a pattern selects nothing.
    """
    asked = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    for pattern in asked:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(f"There is no table {pattern!r}; {suggestion(pattern, names)}")
    if not asked:
        raise UserError(f"No table is named; {suggestion('', names)}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in asked)]


def table_named(lake: TableStore, name: str) -> str:
    """The table of the lake that is meant: `daily_aov` is `gold/daily_aov`, `shop/orders` is `bronze/shop/orders`.

    Raises:
        UserError: there is none.
    """
    # Of two with one name, Gold's is meant, then Silver's.
    there = [each for layer in ("bronze", "quarantine", "silver", "gold") for each in lake.names(layer)]
    if not there:
        raise UserError(f"There is no table in {lake.root} yet: load something first, or name another environment.")
    return named(name.replace(".", "/"), there)
