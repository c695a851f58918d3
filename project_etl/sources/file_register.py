"""The register of files that did not become Bronze rows of their own: unreadable, empty of records, or copies.

Belongs here: the table `quarantine/files`, one row per file, read and written without Spark. Together with the Bronze
tables it knows every file name ever seen and its newest bytes. Does not belong here: single records
(`core/quarantine.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import pyarrow as pa
from pyspark.sql import types as T

from project_etl.core.lake import ReplaceWhere, TableStore
from project_etl.core.sql_text import sql_list
from project_etl.sources.unreadable import FILE_RULES

TABLE = "quarantine/files"

FILE_UNIQUE = "file_unique"
FILE_HAS_RECORDS = "file_has_records"

# Whole-file rules that the loader judges, beside those of the reader.
RULES = {
    **FILE_RULES,
    FILE_UNIQUE: "A file is not a copy of another file of its landing day.",
    FILE_HAS_RECORDS: "A file holds at least one record.",
}

_COMMENTS = {
    "_source_file": "Landing path of the file, relative to the landing root.",
    "_source_version": "Content version of the file.",
    "_landing_date": "Landing day.",
    "dataset": "Bronze table that the file belongs to.",
    "rule": "The rule that the file as a whole broke.",
    "detail": "What was found and what was expected.",
    "size_bytes": "Size of the file as it lay in landing.",
    "run_id": "Run that found it.",
    "first_seen": "When it was first found.",
    "last_seen": "When its entry last changed.",
}
_KINDS = {
    "_landing_date": T.DateType(),
    "size_bytes": T.LongType(),
    "first_seen": T.TimestampType(),
    "last_seen": T.TimestampType(),
}
SCHEMA = T.StructType(
    [T.StructField(n, _KINDS.get(n, T.StringType()), False, {"comment": c}) for n, c in _COMMENTS.items()]
)


@dataclass(frozen=True)
class FileEntry:
    """One file that has no Bronze rows of its own; see the table's column comments."""

    _source_file: str
    _source_version: str
    _landing_date: date
    dataset: str
    rule: str
    detail: str
    size_bytes: int
    run_id: str
    first_seen: datetime
    last_seen: datetime

    @property
    def path(self) -> str:
        """Landing path of the file."""
        return self._source_file

    @property
    def version(self) -> str:
        """Content version of the file."""
        return self._source_version

    @property
    def day(self) -> str:
        """Landing day."""
        return self._landing_date.isoformat()


def entries(lake: TableStore, bronze: str, days: Collection[str]) -> list[FileEntry]:
    """The entries of a Bronze table's files on those landing days."""
    if not lake.exists(TABLE):
        return []
    rows = lake.state(TABLE).rows().to_pylist()
    return [FileEntry(**row) for row in rows if row["dataset"] == bronze and row["_landing_date"].isoformat() in days]


def update(lake: TableStore, put: Sequence[FileEntry], gone: Collection[str]) -> None:
    """Replace the entries of some files, and drop those of files that are in order now, in one commit.

    Args:
        lake: the lake.
        put: entries to write; the time at which a file was first seen is kept when its bytes are the same.
        gone: landing paths to drop.
    """
    if not put and not gone:
        return
    with lake.lock(TABLE):
        lake.create(TABLE, SCHEMA, description="Files that did not become Bronze rows of their own.")
        paths = {*(entry.path for entry in put), *gone}
        rows = pa.Table.from_pylist([asdict(entry) for entry in put], schema=lake.state(TABLE).arrow_schema)
        lake.commit(TABLE, ReplaceWhere(f"_source_file IN ({sql_list(paths)})"), rows, {"table": TABLE})
