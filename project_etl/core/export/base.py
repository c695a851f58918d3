"""What an export is, and what a target must be able to do: the seam between the lake and whoever reads it elsewhere.

A target holds *units* of a table: its days, or the whole of it. With each unit it holds a bookmark that says what the
unit was made from. Both change in one transaction of the target, so that a unit is never there twice or by half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from project_etl.core.arrow import ArrowRecordBatchReader, ArrowSchema

CSV, SQLITE, DUCKDB = "csv", "sqlite", "duckdb"
TARGETS = (CSV, SQLITE, DUCKDB)


class ExportError(Exception):
    """A target cannot take what it should; the message names it and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One table outside of the lake; its name is that of its module.

    Attributes:
        table: the table of which it has all columns, but for personal data; empty when there is a query.
        query: one SELECT in DuckDB's SQL over views such as `gold.daily_aov`.
        reads: the tables that the query names.
        to: the targets that have it.
        allow_pii: columns with personal data that may leave the lake.
        ids: further column of text → `column.field` of an array of structs whose values it holds, with commas.
        name: its name; taken from its module.
        description: what it is for; taken from its module.
    """

    table: str = ""
    query: str = ""
    reads: tuple[str, ...] = ()
    to: tuple[str, ...] = TARGETS
    allow_pii: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Check that it is either a table or a query, and goes somewhere."""
        if bool(self.table) == bool(self.query and self.reads):
            raise ExportError(f"Export {self.name or self.table}: give a `table`, or a `query` and what it `reads`.")
        if unknown := sorted({*self.to}.difference(TARGETS)):
            raise ExportError(
                f"Export {self.name or self.table}: no target {', '.join(unknown)}; {', '.join(TARGETS)}."
            )

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it is made from."""
        return self.reads or (self.table,)


@dataclass(frozen=True)
class Held:
    """A unit that a target holds.

    Attributes:
        bookmark: what it was made from; empty when it has other rows than were written.
        rows: its rows.
    """

    bookmark: str
    rows: int


@dataclass(frozen=True)
class Shape:
    """The table that a target is to hold.

    Attributes:
        name: its name there.
        columns: names and types of its columns.
        comments: column → what it means; columns without are absent.
        keys: columns that identify a row; empty when that is not known.
        day: the column of its days; empty when it is held as a whole.
        description: what it is for.
    """

    name: str
    columns: ArrowSchema
    comments: Mapping[str, str]
    keys: tuple[str, ...] = ()
    day: str = ""
    description: str = ""


Units = Mapping[str, Held]


class Writing(Protocol):
    """A target while it is written; what is written becomes visible at the end, all of it or nothing."""

    def take(self, shape: Shape, units: Mapping[str, str], rows: ArrowRecordBatchReader, *, anew: bool) -> None:
        """Replace some units of a table and their bookmarks.

        Args:
            shape: the table.
            units: unit → bookmark. A unit of which there are no rows becomes empty.
            rows: the rows of these units.
            anew: whether whatever is there of the table goes first, with its columns.
        """
        ...

    def drop(self, name: str, units: Sequence[str] | None = None) -> None:
        """Remove some units of a table, or the table."""
        ...

    def rows(self, name: str) -> Mapping[str, int]:
        """Unit → rows that are there now, counted; units without rows may be absent."""
        ...

    def columns(self, name: str) -> tuple[str, ...]:
        """The columns that the table has now, in order."""
        ...


class Target(Protocol):
    """Where tables are exported to.

    Attributes:
        name: one of `TARGETS`.
        place: where it is, for people.
        holds_days: whether it can replace a day of a table; otherwise it takes tables as a whole.
        has_arrays: whether it has arrays and structs; otherwise they come as JSON text.
    """

    name: str
    holds_days: bool
    has_arrays: bool

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def held(self) -> Mapping[str, Units]:
        """Table → what there is of it."""
        ...

    def writing(self) -> AbstractContextManager[Writing]:
        """Write in the block. An error leaves all as it was."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """File → bytes."""
        ...

    def remove(self) -> None:
        """Remove all that it holds, from the disk as well: what was only deleted lives on in a file."""
        ...
