"""The target `sqlite`: one file, `star.sqlite`, with a table for each export, `_exports` and `_columns`.

SQLite has no types of its own for most of what Gold holds. A decimal is a REAL, of which up to 15 digits are exact. Of
a column that is declared as DECIMAL, SQLite would make whole amounts integers, and cut their quotients. Days, instants,
arrays and structs are text (`as_text.py`). Booleans are 0 and 1.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.as_text import is_text, plain
from project_etl.core.export.aside import replacing
from project_etl.core.export.base import SQLITE, ExportedTable, ExportError, Found
from project_etl.core.export.one_file import HELD, OneFile, by_table
from project_etl.core.lake import WHOLE
from project_etl.core.views import quoted

OWN = """
CREATE TABLE _exports (table_name TEXT, unit TEXT, bookmark TEXT NOT NULL, "rows" INTEGER NOT NULL,
                       PRIMARY KEY (table_name, unit)) WITHOUT ROWID;
CREATE TABLE _columns (table_name TEXT, column_name TEXT, position INTEGER, type TEXT, description TEXT,
                       PRIMARY KEY (table_name, column_name)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class SqliteFile(OneFile):
    """A SQLite file; see `Target`."""

    name: str = SQLITE
    holds_days: bool = True
    FILE: ClassVar = "star.sqlite"
    BESIDE: ClassVar = ("-journal", "-wal", "-shm")
    CHANGING: ClassVar = ("-journal", "-wal")

    def held(self) -> Mapping[str, Mapping[str, str]]:
        """Table → unit → bookmark; nothing of a file that cannot be read, or that somebody is changing."""
        if not self.is_whole:
            return {}
        try:
            with self._reading() as there:
                return by_table(_tables(there), there.execute(HELD))
        except sqlite3.DatabaseError:
            # It is made again.
            return {}

    def found(self, tables: Iterable[ExportedTable]) -> Mapping[str, Found]:
        """What is there of some tables, read and counted."""
        with self._reading() as there:
            names = _tables(there)
            return {table.name: _found(there, table) for table in tables if table.name in names}

    @contextmanager
    def writing(self, *, anew: bool) -> Generator[SqliteWriter]:
        """Change a copy of the file in one transaction; it takes the file's place when the block ends."""
        with replacing(self.file, copied=not anew, beside=self.BESIDE) as aside:
            with closing(sqlite3.connect(aside, isolation_level=None)) as there:
                # The copy is thrown away when anything goes wrong, and brought to the disk at the end.
                there.execute("PRAGMA journal_mode = OFF")
                there.execute("PRAGMA synchronous = OFF")
                there.execute("BEGIN")
                if "_exports" not in _tables(there, own=True):
                    for statement in filter(str.strip, OWN.split(";")):
                        there.execute(statement)
                yield SqliteWriter(there)
                there.execute("COMMIT")
            self._check(aside)

    def _check(self, aside: Path) -> None:
        with closing(sqlite3.connect(aside)) as there:
            ((said,), *_) = there.execute("PRAGMA quick_check(1)").fetchall()
        if said != "ok":
            raise ExportError(f"The new {self.place} is damaged ({said}); the old one was kept. Run again.")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        self.require()
        with closing(sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro", uri=True)) as there:
            yield there


@dataclass(frozen=True)
class SqliteWriter:
    """Changes a SQLite file; see `Writer`."""

    there: sqlite3.Connection

    def put(self, table: ExportedTable, bookmarks: Mapping[str, str], rows: ArrowRecordBatchReader) -> None:
        """Replace some units of a table by these rows."""
        if table.day is None or table.name not in _tables(self.there):
            self.drop_table(table.name)
            self._make(table)
        else:
            self.drop_days(table, bookmarks)
        places = ", ".join("?" * len(table.columns))
        counted = dict.fromkeys(bookmarks, 0)
        for batch in rows:
            columns = [plain(column).to_pylist() for column in batch.columns]
            try:
                self.there.executemany(
                    f"INSERT INTO {quoted(table.name)} VALUES ({places})", zip(*columns, strict=True)
                )
            except sqlite3.IntegrityError as error:
                raise ExportError(
                    f"{table.name} has two rows of one key ({', '.join(table.keys)}), which SQLite does not take: "
                    f"{error}. Look what is wrong with the Gold table; nothing was written."
                ) from error
            days = [WHOLE] * batch.num_rows if table.day is None else columns[table.columns.index(table.day)]
            for unit in days:
                counted[unit] += 1
        held = [(table.name, unit, bookmark, counted[unit]) for unit, bookmark in bookmarks.items()]
        self.there.executemany("INSERT INTO _exports VALUES (?, ?, ?, ?)", held)

    def drop_days(self, table: ExportedTable, days: Collection[str]) -> None:
        """Remove the rows and bookmarks of some days."""
        assert table.day is not None, table.name
        given = [(day,) for day in days]
        self.there.executemany(f"DELETE FROM {quoted(table.name)} WHERE {quoted(table.day)} = ?", given)
        named = [(table.name, day) for day in days]
        self.there.executemany("DELETE FROM _exports WHERE table_name = ? AND unit = ?", named)

    def drop_table(self, name: str) -> None:
        """Remove a table and its bookmarks."""
        self.there.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
        for own in ("_exports", "_columns"):
            self.there.execute(f"DELETE FROM {own} WHERE table_name = ?", [name])

    def _make(self, table: ExportedTable) -> None:
        columns = [f"{quoted(each.name)} {_type(each.type)}" for each in table.schema]
        keys = [f"PRIMARY KEY ({', '.join(map(quoted, table.keys))})"] if table.keys else []
        self.there.execute(f"CREATE TABLE {quoted(table.name)} ({', '.join([*columns, *keys])})")
        if table.day is not None and table.keys[:1] != (table.day,):
            index = quoted(f"{table.name}_{table.day}")
            self.there.execute(f"CREATE INDEX {index} ON {quoted(table.name)} ({quoted(table.day)})")
        described = [
            (table.name, each.name, at, str(each.type), table.comment(each.name))
            for at, each in enumerate(table.schema, 1)
        ]
        self.there.executemany("INSERT INTO _columns VALUES (?, ?, ?, ?, ?)", described)


def _found(there: sqlite3.Connection, table: ExportedTable) -> Found:
    name = quoted(table.name)
    columns = tuple(column for (column,) in there.execute("SELECT name FROM pragma_table_info(?)", [table.name]))
    if table.day is None or table.day not in columns:
        return Found(dict(there.execute(f"SELECT ?, count(*) FROM {name}", [WHOLE])), columns)
    day = quoted(table.day)
    counted = there.execute(f"SELECT {day}, count(*) FROM {name} GROUP BY {day}")
    return Found({str(unit): rows for unit, rows in counted}, columns)


def _tables(there: sqlite3.Connection, *, own: bool = False) -> set[str]:
    names = {name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return names if own else {name for name in names if not name.startswith("_")}


def _type(kind: Any) -> str:  # noqa: ANN401 - a type of pyarrow
    """SQLite's type of a column."""
    import pyarrow as pa

    types = pa.types
    if types.is_integer(kind):
        return "INTEGER"
    if types.is_decimal(kind) or types.is_floating(kind):
        return "REAL"
    if types.is_boolean(kind):
        # An affinity of numbers, and a name that tools know.
        return "BOOLEAN"
    if types.is_binary(kind):
        return "BLOB"
    assert is_text(kind) or types.is_temporal(kind) or types.is_nested(kind), kind
    return "TEXT"
