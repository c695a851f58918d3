"""SQLite: the file `star.sqlite`. Its table `_exports` says what is there, and `_columns` what that means.

SQLite has no decimals, days, instants or arrays. Amounts are numbers of up to 15 digits, days and instants are text
that its functions understand (UTC), and arrays and structs are JSON text.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.base import SQLITE, Held, Shape, Units
from project_etl.core.export.cells import as_text
from project_etl.core.export.files import replacing
from project_etl.core.lake import WHOLE
from project_etl.core.views import quoted

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS _exports (
    name TEXT, day_column TEXT, unit TEXT, bookmark TEXT, rows INTEGER, PRIMARY KEY (name, unit)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _columns (
    name TEXT, place INTEGER, "column" TEXT, meaning TEXT, PRIMARY KEY (name, place)
) WITHOUT ROWID;
"""


class SqliteFile:
    """The file `star.sqlite` of the exports."""

    name, holds_days, has_arrays = SQLITE, True, False

    def __init__(self, root: str) -> None:
        """Nothing is read yet.

        Args:
            root: the folder of all exports.
        """
        self.path = Path(root) / "star.sqlite"

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def held(self) -> Mapping[str, Units]:
        """Table → what there is of it."""
        if not self.path.exists():
            return {}
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as database:
            writing = SqliteWriting(database)
            return {name: writing.units(name) for name in writing.names()}

    @contextmanager
    def writing(self) -> Generator[SqliteWriting]:
        """Write a copy in the block, which then takes the file's name."""
        with replacing(self.path) as new:
            if self.path.exists():
                shutil.copyfile(self.path, new)
            with closing(sqlite3.connect(new, isolation_level=None)) as database:
                # Nobody sees the copy, and who dies leaves none: it needs no journal.
                database.execute("PRAGMA journal_mode = OFF")
                database.execute("PRAGMA synchronous = OFF")
                database.executescript(OWN_TABLES)
                database.execute("BEGIN")
                yield SqliteWriting(database)
                database.execute("COMMIT")

    def sizes(self) -> Mapping[str, int]:
        """File → bytes."""
        return {self.path.name: self.path.stat().st_size} if self.path.exists() else {}

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


class SqliteWriting:
    """The tables of a database while it is written."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Take over a connection."""
        self._database = database

    def names(self) -> list[str]:
        """The exported tables that there are."""
        return [name for (name,) in self._database.execute("SELECT DISTINCT name FROM _exports ORDER BY name")]

    def units(self, name: str) -> Units:
        """What there is of a table; what has other rows than were written has no bookmark."""
        counted = self.rows(name)
        found = self._database.execute("SELECT unit, bookmark, rows FROM _exports WHERE name = ?", [name])
        written = {unit: Held(bookmark if counted.get(unit, 0) == rows else "", rows) for unit, bookmark, rows in found}
        return {unit: Held("", rows) for unit, rows in counted.items()} | written

    def take(self, shape: Shape, units: Mapping[str, str], rows: ArrowRecordBatchReader, *, anew: bool) -> None:
        """Replace some units of a table and their bookmarks."""
        if anew:
            self.drop(shape.name)
            self._create(shape)
        else:
            self.drop(shape.name, [*units])
        places = ", ".join("?" * len(shape.columns.names))
        self._database.executemany(f"INSERT INTO {quoted(shape.name)} VALUES ({places})", _values(rows))
        counted = self._counted(shape.name, shape.day)
        self._database.executemany(
            "INSERT INTO _exports VALUES (?, ?, ?, ?, ?)",
            [(shape.name, shape.day, unit, bookmark, counted.get(unit, 0)) for unit, bookmark in units.items()],
        )

    def drop(self, name: str, units: Sequence[str] | None = None) -> None:
        """Remove some units of a table, or the table."""
        if units is None:
            self._database.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
            self._database.execute("DELETE FROM _exports WHERE name = ?", [name])
            self._database.execute("DELETE FROM _columns WHERE name = ?", [name])
            return
        day = self._day_of(name)
        for unit in units:
            where = f" WHERE {quoted(day)} = ?" if day else ""
            self._database.execute(f"DELETE FROM {quoted(name)}{where}", [unit] if day else [])
            self._database.execute("DELETE FROM _exports WHERE name = ? AND unit = ?", [name, unit])

    def rows(self, name: str) -> Mapping[str, int]:
        """Unit → rows that are there now, counted; nothing when the table is gone."""
        there = self._database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [name])
        return self._counted(name, self._day_of(name)) if there.fetchall() else {}

    def columns(self, name: str) -> tuple[str, ...]:
        """The columns that the table has now, in order."""
        return tuple(column for _, column, *_ in self._database.execute(f"PRAGMA table_info({quoted(name)})"))

    def _counted(self, name: str, day: str) -> dict[str, int]:
        unit = quoted(day) if day else f"'{WHOLE}'"
        return dict(self._database.execute(f"SELECT {unit}, count(*) FROM {quoted(name)} GROUP BY 1").fetchall())

    def _day_of(self, name: str) -> str:
        found = self._database.execute("SELECT day_column FROM _exports WHERE name = ? LIMIT 1", [name]).fetchall()
        return found[0][0] if found else ""

    def _create(self, shape: Shape) -> None:
        columns = [f"{quoted(item.name)} {_type(item.type)}" for item in shape.columns]
        columns += [f"PRIMARY KEY ({', '.join(map(quoted, shape.keys))})"] if shape.keys else []
        self._database.execute(f"CREATE TABLE {quoted(shape.name)} ({', '.join(columns)})")
        if shape.day:
            index = quoted(f"{shape.name}_by_day")
            self._database.execute(f"CREATE INDEX {index} ON {quoted(shape.name)} ({quoted(shape.day)})")
        told = [
            (shape.name, place, column, shape.comments.get(column)) for place, column in enumerate(shape.columns.names)
        ]
        self._database.executemany("INSERT INTO _columns VALUES (?, ?, ?, ?)", told)


def _values(rows: ArrowRecordBatchReader) -> Iterator[tuple[Any, ...]]:
    """Rows as SQLite takes them: numbers, and text for all else. It makes numbers of the text of decimals itself."""
    import pyarrow as pa

    for batch in rows:
        columns = [
            column.to_pylist()
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)
            else as_text(column)
            for column in batch.columns
        ]
        yield from zip(*columns, strict=True)


def _type(kind: Any) -> str:  # noqa: ANN401 - a type of pyarrow
    """The declared type; only its affinity counts: numbers stay numbers, and text stays text."""
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"
