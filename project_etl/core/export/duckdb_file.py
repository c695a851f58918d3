"""The target `duckdb`: one file, `star.duckdb`, with a table for each export and `_exports`.

Every type is DuckDB's own, arrays and structs included; columns have their descriptions as comments. Keys are not
enforced: the platform has done so. Who opens the file to write in it changes a copy that the next export replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.aside import replacing
from project_etl.core.export.base import DUCKDB, ExportedTable, Found
from project_etl.core.export.one_file import HELD, OneFile, by_table
from project_etl.core.lake import WHOLE
from project_etl.core.views import literal, quoted

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class DuckdbFile(OneFile):
    """A DuckDB file; see `Target`."""

    name: str = DUCKDB
    holds_days: bool = True
    FILE: ClassVar = "star.duckdb"
    BESIDE: ClassVar = (".wal",)
    CHANGING: ClassVar = BESIDE

    def held(self) -> Mapping[str, Mapping[str, str]]:
        """Table → unit → bookmark; nothing of a file that cannot be read, or that somebody is changing."""
        if not self.is_whole:
            return {}
        import duckdb

        try:
            with self._reading() as there:
                return by_table(_tables(there), there.execute(HELD).fetchall())
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

        with replacing(self.file, copied=not anew, beside=self.BESIDE) as aside:
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

    @contextmanager
    def _reading(self) -> Generator[duckdb.DuckDBPyConnection]:
        import duckdb

        self.require()
        with duckdb.connect(str(self.file), read_only=True) as there:
            yield there


@dataclass(frozen=True)
class DuckdbWriter:
    """Changes a DuckDB file; see `Writer`."""

    there: duckdb.DuckDBPyConnection

    def put(self, table: ExportedTable, bookmarks: Mapping[str, str], rows: ArrowRecordBatchReader) -> None:
        """Replace some units of a table by these rows."""
        name = quoted(table.name)
        if table.day is None or table.name not in _tables(self.there):
            self.drop_table(table.name)
            self.there.register("_rows", table.schema.empty_table())
            self.there.execute(f"CREATE TABLE {name} AS FROM _rows")
            self.there.unregister("_rows")
            for column in filter(table.comment, table.columns):
                self.there.execute(f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(table.comment(column))}")
        else:
            self.drop_days(table, bookmarks)
        self.there.register("_rows", rows)
        self.there.execute(f"INSERT INTO {name} BY NAME FROM _rows")
        self.there.unregister("_rows")
        unit = literal(WHOLE) if table.day is None else f"{quoted(table.day)}::VARCHAR"
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
            f"DELETE FROM {quoted(table.name)} WHERE {quoted(table.day)}::VARCHAR IN (SELECT unnest(?))", [given]
        )
        self.there.execute(
            "DELETE FROM _exports WHERE table_name = ? AND unit IN (SELECT unnest(?))", [table.name, given]
        )

    def drop_table(self, name: str) -> None:
        """Remove a table and its bookmarks."""
        self.there.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
        self.there.execute("DELETE FROM _exports WHERE table_name = ?", [name])


def _found(there: duckdb.DuckDBPyConnection, table: ExportedTable) -> Found:
    name = quoted(table.name)
    columns = tuple(column for (column, *_) in there.execute(f"DESCRIBE {name}").fetchall())
    by_day = table.day is not None and table.day in columns
    unit = f"{quoted(table.day or '')}::VARCHAR" if by_day else literal(WHOLE)
    counted = there.execute(f"SELECT {unit}, count(*) FROM {name} GROUP BY ALL").fetchall()
    return Found({WHOLE: 0} if not by_day and not counted else {str(day): rows for day, rows in counted}, columns)


def _tables(there: duckdb.DuckDBPyConnection) -> set[str]:
    found = there.execute("SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(table_name, '_')").fetchall()
    return {name for (name,) in found}
