"""DuckDB: the file `star.duckdb`, with the types that the tables have, and what each column means as its comment.

The table `_exports` says what is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.base import DUCKDB, Held, Shape, Units
from project_etl.core.export.files import replacing
from project_etl.core.lake import WHOLE
from project_etl.core.views import quoted

if TYPE_CHECKING:
    import duckdb

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS _exports (
    name VARCHAR, day_column VARCHAR, unit VARCHAR, bookmark VARCHAR, rows BIGINT, PRIMARY KEY (name, unit)
)
"""


class DuckdbFile:
    """The file `star.duckdb` of the exports."""

    name, holds_days, has_arrays = DUCKDB, True, True

    def __init__(self, root: str) -> None:
        """Nothing is read yet.

        Args:
            root: the folder of all exports.
        """
        self.path = Path(root) / "star.duckdb"

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def held(self) -> Mapping[str, Units]:
        """Table → what there is of it."""
        if not self.path.exists():
            return {}
        import duckdb

        with closing(duckdb.connect(self.path, read_only=True)) as database:
            writing = DuckdbWriting(database)
            return {name: writing.units(name) for name in writing.names()}

    @contextmanager
    def writing(self) -> Generator[DuckdbWriting]:
        """Write a copy in the block, which then takes the file's name: DuckDB lets nobody write what others read."""
        import duckdb

        with replacing(self.path) as new:
            if self.path.exists():
                shutil.copyfile(self.path, new)
            with closing(duckdb.connect(new)) as database:
                database.execute("BEGIN")
                database.execute(OWN_TABLES)
                yield DuckdbWriting(database)
                database.execute("COMMIT")
                database.execute("CHECKPOINT")

    def sizes(self) -> Mapping[str, int]:
        """File → bytes."""
        return {self.path.name: self.path.stat().st_size} if self.path.exists() else {}

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


class DuckdbWriting:
    """The tables of a database while it is written."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        """Take over a connection."""
        self._database = database

    def names(self) -> list[str]:
        """The exported tables that there are."""
        return [name for (name,) in self._all("SELECT DISTINCT name FROM _exports ORDER BY name")]

    def units(self, name: str) -> Units:
        """What there is of a table; what has other rows than were written has no bookmark."""
        counted = self.rows(name)
        found = self._all("SELECT unit, bookmark, rows FROM _exports WHERE name = ?", [name])
        written = {unit: Held(bookmark if counted.get(unit, 0) == rows else "", rows) for unit, bookmark, rows in found}
        return {unit: Held("", rows) for unit, rows in counted.items()} | written

    def take(self, shape: Shape, units: Mapping[str, str], rows: ArrowRecordBatchReader, *, anew: bool) -> None:
        """Replace some units of a table and their bookmarks."""
        if anew:
            self.drop(shape.name)
        else:
            self.drop(shape.name, [*units])
        self._database.register("_new", rows)
        if anew:
            self._database.execute(f"CREATE TABLE {quoted(shape.name)} AS FROM _new")
            self._describe(shape)
        else:
            self._database.execute(f"INSERT INTO {quoted(shape.name)} BY NAME FROM _new")
        self._database.unregister("_new")
        counted = self._counted(shape.name, shape.day)
        told = [(shape.name, shape.day, unit, bookmark, counted.get(unit, 0)) for unit, bookmark in units.items()]
        self._database.executemany("INSERT INTO _exports VALUES (?, ?, ?, ?, ?)", told)

    def drop(self, name: str, units: Sequence[str] | None = None) -> None:
        """Remove some units of a table, or the table."""
        if units is None:
            self._database.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
            self._database.execute("DELETE FROM _exports WHERE name = ?", [name])
            return
        day = self._day_of(name)
        where = f" WHERE list_contains(?, CAST({quoted(day)} AS VARCHAR))" if day else ""
        self._database.execute(f"DELETE FROM {quoted(name)}{where}", [[*units]] if day else [])
        self._database.execute("DELETE FROM _exports WHERE name = ? AND list_contains(?, unit)", [name, [*units]])

    def rows(self, name: str) -> Mapping[str, int]:
        """Unit → rows that are there now, counted; nothing when the table is gone."""
        there = self._all("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name])
        return self._counted(name, self._day_of(name)) if there else {}

    def columns(self, name: str) -> tuple[str, ...]:
        """The columns that the table has now, in order."""
        return tuple(column for column, *_ in self._all(f"DESCRIBE {quoted(name)}"))

    def _all(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._database.execute(query, [*parameters]).fetchall()

    def _counted(self, name: str, day: str) -> dict[str, int]:
        unit = f"CAST({quoted(day)} AS VARCHAR)" if day else f"'{WHOLE}'"
        found = self._database.execute(f"SELECT {unit}, count(*) FROM {quoted(name)} GROUP BY 1").fetchall()
        return dict(found)

    def _day_of(self, name: str) -> str:
        found = self._all("SELECT day_column FROM _exports WHERE name = ? LIMIT 1", [name])
        return found[0][0] if found else ""

    def _describe(self, shape: Shape) -> None:
        for column, meaning in shape.comments.items():
            self._database.execute(f"COMMENT ON COLUMN {quoted(shape.name)}.{quoted(column)} IS {_text(meaning)}")
        self._database.execute(f"COMMENT ON TABLE {quoted(shape.name)} IS {_text(shape.description)}")


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
