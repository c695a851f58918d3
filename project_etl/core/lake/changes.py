"""The ways in which a commit changes a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import types as T


@dataclass(frozen=True)
class Append:
    """Add rows."""


@dataclass(frozen=True)
class ReplaceWhere:
    """Replace the rows that match a SQL condition by the given rows, which must all match it.

    Attributes:
        where: condition over the table's columns.
    """

    where: str


@dataclass(frozen=True)
class Overwrite:
    """Replace all rows."""


@dataclass(frozen=True)
class Remake:
    """Replace all rows, and the columns by other ones.

    Attributes:
        schema: the new columns.
    """

    schema: T.StructType


@dataclass(frozen=True)
class Upsert:
    """Apply changes by key. The given rows have `_op`: `insert`, `update` or `delete`; at most one row a key.

    Attributes:
        on: key columns.
        columns: columns that an insert or update writes.
        within: SQL condition over `t.` that holds for every stored row that may match; it spares the other files.
        keep: columns that an update leaves as they are.
    """

    on: tuple[str, ...]
    columns: tuple[str, ...]
    within: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def updated(self) -> tuple[str, ...]:
        """Columns that an update writes."""
        return tuple(column for column in self.columns if column not in self.keep)

    def condition(self) -> str:
        """When a stored row `t` and a change `s` are the same row."""
        same = [f"t.`{key}` = s.`{key}`" for key in self.on]
        return " AND ".join([*same, f"({self.within})"] if self.within else same)


Change = Append | ReplaceWhere | Overwrite | Remake | Upsert
