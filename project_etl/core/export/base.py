"""What an export is, and what a target of exports can do.

Does not belong here: which rows an export has (`exported.py`), how a particular target holds them.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Protocol

from project_etl.core.arrow import ArrowRecordBatchReader, ArrowSchema
from project_etl.core.model.nearest import nearest

CSV, SQLITE, DUCKDB = "csv", "sqlite", "duckdb"
TARGETS = (CSV, SQLITE, DUCKDB)


class ExportError(ValueError):
    """An export is declared wrongly, or cannot be brought to its target; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """A table that leaves the lake: a Gold table, or the answer to a query over some.

    Attributes:
        table: the Gold table whose rows leave; empty where a query makes them.
        query: one SELECT in DuckDB's SQL over `reads`, each called as `core/views.py` does (`gold.daily_aov`).
        reads: the Gold tables that the query reads.
        to: the targets that take it.
        allow_pii: columns with personal data that leave; all others that a contract marks `pii` do not.
        ids: further column of text → `column.field` of an array of structs, whose values it has with commas between.
        name: its name in a target; the module's, taken by `from_module`.
        description: for whom it is; the module's docstring, taken by `from_module`.
    """

    table: str = ""
    query: str = ""
    reads: tuple[str, ...] = ()
    to: tuple[str, ...]
    allow_pii: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Check that the parts of the declaration fit each other."""
        what = self.table or self.query.strip().partition("\n")[0]
        if bool(self.table) == bool(self.query) or bool(self.query) != bool(self.reads):
            raise ExportError(f"Export {what!r}: give either a `table`, or a `query` and the tables that it `reads`.")
        if self.ids and not self.table:
            raise ExportError(f"Export {what!r}: `ids` are of a `table`; a query selects such a column itself.")
        for name in self.to:
            if name not in TARGETS:
                hint = f"; did you mean {meant}?" if (meant := nearest(name, TARGETS)) else "."
                raise ExportError(f"Export {what!r}: {name!r} is no target; there is {', '.join(TARGETS)}{hint}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The Gold tables that it is made from."""
        return self.reads or (self.table,)


def from_module(module: ModuleType) -> Export:
    """Complete a module's `EXPORT` with the module's name and docstring.

    Raises:
        ExportError: the module has no `EXPORT`.
    """
    export: Export | None = getattr(module, "EXPORT", None)
    if export is None:
        raise ExportError(f"{module.__name__} needs an EXPORT; found {sorted(vars(module))[:8]}…")
    return replace(export, name=module.__name__.rpartition(".")[2], description=inspect.getdoc(module) or "")


@dataclass(frozen=True)
class ExportedTable:
    """A table as targets see it.

    Attributes:
        name: its name.
        schema: its columns, each with a comment where one is known (metadata `comment`).
        keys: columns that identify a row; empty where nobody says.
        day: the column by whose days the target holds it; None when it is held as a whole.
    """

    name: str
    schema: ArrowSchema
    keys: tuple[str, ...] = ()
    day: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.schema.names)

    def comment(self, column: str) -> str:
        """What is said of a column; empty when nothing is."""
        return ((self.schema.field(column).metadata or {}).get(b"comment") or b"").decode()


@dataclass(frozen=True)
class Found:
    """What a target has of a table.

    Attributes:
        rows: unit → rows, counted.
        columns: the columns.
        damage: what else is wrong with it, in words; empty when nothing is.
    """

    rows: Mapping[str, int]
    columns: tuple[str, ...]
    damage: str = ""


class Writer(Protocol):
    """Changes a target. Each call is one transaction, together with the bookmarks that it is given."""

    def put(self, table: ExportedTable, bookmarks: Mapping[str, str], rows: ArrowRecordBatchReader) -> None:
        """Replace some units of a table by these rows, and make the table where it is not there.

        Args:
            table: the table.
            bookmarks: unit (a day, or `WHOLE`) → bookmark; none makes an empty table.
            rows: all rows of these units.
        """
        ...

    def drop_days(self, table: ExportedTable, days: Collection[str]) -> None:
        """Remove the rows and bookmarks of some days."""
        ...

    def drop_table(self, name: str) -> None:
        """Remove a table and its bookmarks."""
        ...


class Target(Protocol):
    """A place outside of the lake that holds exported tables, each by its units: days, or the whole."""

    @property
    def name(self) -> str:
        """One of `TARGETS`."""
        ...

    @property
    def holds_days(self) -> bool:
        """Whether it can replace a day of a table; if not, it holds each as a whole."""
        ...

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    @property
    def size_bytes(self) -> int:
        """How many bytes it takes."""
        ...

    @property
    def mark(self) -> object:
        """Equal marks mean that the target holds the same; cheap."""
        ...

    def held(self) -> Mapping[str, Mapping[str, str]]:
        """Table → unit → bookmark, of all that it holds."""
        ...

    def found(self, tables: Iterable[ExportedTable]) -> Mapping[str, Found]:
        """What is there of some tables, read and counted; a table that is not there is absent."""
        ...

    def writing(self, *, anew: bool) -> AbstractContextManager[Writer]:
        """Change the target in the block; `anew` begins with nothing."""
        ...

    def remove(self) -> None:
        """Delete all that was written there: rows that were deleted may live on in its files until then."""
        ...
