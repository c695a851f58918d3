"""The target `duckdb`: one file, `star.duckdb`, with a table for each export and `_exports`.

Every type is DuckDB's own, arrays and structs included; columns have their descriptions as comments. Keys are not
enforced: the platform has done so. Who opens the file to write in it changes a copy that the next export replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.aside import clear, mark_of, replacing
from project_etl.core.export.base import DUCKDB, ExportedTable, ExportError, Found
from project_etl.core.lake import WHOLE

if TYPE_CHECKING:
    import duckdb

FILE = "star.duckdb"
# What DuckDB keeps beside a file that somebody changes: the file alone is then not all there is.
BESIDE = (".wal",)


@dataclass(frozen=True)
class DuckdbFile:
    """A DuckDB file; see `Target`.

    Attributes:
        root: the folder of all exports.
    """

    root: Path
    name: str = DUCKDB
    holds_days: bool = True

    @property
    def file(self) -> Path:
        """The file."""
        return self.root / FILE

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.file)

    @property
    def size_bytes(self) -> int:
        """How many bytes it takes."""
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def mark(self) -> object:
        """Equal marks mean that it holds the same."""
        return mark_of(self.file)

    def held(self) -> Mapping[str, Mapping[str, str]]:
        """Table → unit → bookmark; nothing of a file that cannot be read, or that somebody is changing."""
        if not self.file.exists() or any(self.file.with_name(f"{FILE}{ending}").exists() for ending in BESIDE):
            return {}
        import duckdb

        try:
            with self._reading() as there:
                found: dict[str, dict[str, str]] = {name: {} for name in _tables(there)}
                for name, unit, bookmark in there.execute("SELECT table_name, unit, bookmark FROM _exports").fetchall():
                    if name in found:
                        found[name][unit] = bookmark
                return found
        except duckdb.Error:
            # It is made again.
            return {}

    def found(self, tables: Iterable[ExportedTable]) -> Mapping[str, Found]:
        """What is there of some tables, read and counted."""
        with self._reading() as there:
            names = _tables(there)
            return {table.name: _found(there, table) for table in tables if table.name in names}

    @contextmanager
    def writing(self, *, anew: bool) -> Generator[DuckdbWriter]:
        """Change a copy of the file in one transaction; it takes the file's place when the block ends."""
        import duckdb

        with replacing(self.file, copied=not anew, beside=BESIDE) as aside:
            with duckdb.connect(str(aside)) as there:
                there.execute("BEGIN")
                there.execute(
                    "CREATE TABLE IF NOT EXISTS _exports (table_name VARCHAR, unit VARCHAR, bookmark VARCHAR, "
                    '"rows" BIGINT)'
                )
                yield DuckdbWriter(there)
                there.execute("COMMIT")
                there.execute("CHECKPOINT")
            # What it has in memory may be right where the file is not.
            with duckdb.connect(str(aside), read_only=True) as there:
                there.execute("SELECT count(*) FROM _exports")

    def remove(self) -> None:
        """Delete the file."""
        clear(self.file)
        for ending in ("", *BESIDE):
            self.file.with_name(f"{FILE}{ending}").unlink(missing_ok=True)

    @contextmanager
    def _reading(self) -> Generator[duckdb.DuckDBPyConnection]:
        import duckdb

        if not self.file.exists():
            raise ExportError(f"{self.place} is not there.")
        with duckdb.connect(str(self.file), read_only=True) as there:
            yield there


@dataclass(frozen=True)
class DuckdbWriter:
    """Changes a DuckDB file; see `Writer`."""

    there: duckdb.DuckDBPyConnection

    def put(self, table: ExportedTable, bookmarks: Mapping[str, str], rows: ArrowRecordBatchReader) -> None:
        """Replace some units of a table by these rows."""
        name = _name(table.name)
        if table.day is None or table.name not in _tables(self.there):
            self.drop_table(table.name)
            self.there.register("_rows", table.schema.empty_table())
            self.there.execute(f"CREATE TABLE {name} AS FROM _rows")
            self.there.unregister("_rows")
            for column in filter(table.comment, table.columns):
                self.there.execute(f"COMMENT ON COLUMN {name}.{_name(column)} IS {_text(table.comment(column))}")
        else:
            self.drop_days(table, bookmarks)
        self.there.register("_rows", rows)
        self.there.execute(f"INSERT INTO {name} BY NAME FROM _rows")
        self.there.unregister("_rows")
        unit = _text(WHOLE) if table.day is None else f"{_name(table.day)}::VARCHAR"
        self.there.execute(
            "INSERT INTO _exports SELECT ?, unit, bookmark, count(made) "
            "FROM (SELECT unnest(?) unit, unnest(?) bookmark) "
            f"LEFT JOIN (SELECT {unit} made FROM {name}) ON made = unit GROUP BY ALL",
            [table.name, [*bookmarks], [*bookmarks.values()]],
        )

    def drop_days(self, table: ExportedTable, days: Collection[str]) -> None:
        """Remove the rows and bookmarks of some days."""
        assert table.day is not None, table.name
        given = [*days]
        self.there.execute(
            f"DELETE FROM {_name(table.name)} WHERE {_name(table.day)}::VARCHAR IN (SELECT unnest(?))", [given]
        )
        self.there.execute(
            "DELETE FROM _exports WHERE table_name = ? AND unit IN (SELECT unnest(?))", [table.name, given]
        )

    def drop_table(self, name: str) -> None:
        """Remove a table and its bookmarks."""
        self.there.execute(f"DROP TABLE IF EXISTS {_name(name)}")
        self.there.execute("DELETE FROM _exports WHERE table_name = ?", [name])


def _found(there: duckdb.DuckDBPyConnection, table: ExportedTable) -> Found:
    name = _name(table.name)
    columns = tuple(column for (column, *_) in there.execute(f"DESCRIBE {name}").fetchall())
    by_day = table.day is not None and table.day in columns
    unit = f"{_name(table.day or '')}::VARCHAR" if by_day else _text(WHOLE)
    counted = there.execute(f"SELECT {unit}, count(*) FROM {name} GROUP BY ALL").fetchall()
    return Found({WHOLE: 0} if not by_day and not counted else {str(day): rows for day, rows in counted}, columns)


def _tables(there: duckdb.DuckDBPyConnection) -> set[str]:
    found = there.execute("SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(table_name, '_')").fetchall()
    return {name for (name,) in found}


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
