"""The targets that there are, by name."""

from __future__ import annotations

from project_etl.core.export.base import CSV, DUCKDB, SQLITE, Target
from project_etl.core.export.csv_files import CsvFiles
from project_etl.core.export.duckdb_file import DuckdbFile
from project_etl.core.export.sqlite_file import SqliteFile

_MADE = {CSV: CsvFiles, SQLITE: SqliteFile, DUCKDB: DuckdbFile}


def target_named(name: str, root: str) -> Target:
    """A target by its name.

    Args:
        name: one of `TARGETS`.
        root: the folder of all exports.
    """
    return _MADE[name](root)
