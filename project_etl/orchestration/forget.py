"""Forgetting: what Dagster remembers of runs, without records and without the words of a person.

Previews of tables and samples of check results are records. They stand in the events of runs, and in what Dagster
keeps of the newest of them. Messages of failures, and what runs have printed, may name a person too. Belongs here:
rewriting all that, and saying where it cannot be rewritten. Does not belong here: which words name a person.

Dagster's API adds events and changes none. So the rows of its SQLite files are rewritten, whichever tables and columns
a version of Dagster has: text that is JSON stays JSON of the same shape, with which all pages of the UI open.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

# Metadata that shows records.
SHOWS_RECORDS = frozenset({"preview", "samples"})
REMOVED = {"__class__": "TextMetadataEntryData", "text": "removed by an erasure"}
ERASED = "erased"
# Columns and keys of JSON that hold names and numbers of Dagster's own, by which it finds and reads all else.
NAMES = frozenset(
    {
        *(
            "__class__",
            "__enum__",
            "name",
            "path",
            "key",
            "asset_key",
            "check_name",
            "partition",
            "step_key",
            "job_name",
        ),
        *("run_id", "selector_id", "snapshot_id", "pipeline_name", "dagster_event_type", "event_type_value", "status"),
    }
)
# What Dagster writes below its home, which may be a folder that holds other things too.
FOLDERS = ("history", "schedules", "storage", "logs")
SQLITE = b"SQLite format 3\x00"
# Files of a SQLite database beside it.
BESIDE = ("-wal", "-shm", "-journal")
WAIT_SECONDS = 30
# So many rows are in memory at once.
PAGE = 1000


class StillOpen(Exception):  # noqa: N818 - it names what happened
    """Another process reads Dagster's memory, so that what was removed from it still lies in its files."""


@dataclass(frozen=True)
class Forgotten:
    """What was rewritten.

    Attributes:
        values: rewritten values of Dagster's databases, most of them events.
        files: rewritten text files.
        left: what could not be looked at, as sentences that say what to do.
    """

    values: int
    files: int
    left: tuple[str, ...]


def forget(instance: dg.DagsterInstance, home: Path, words: Sequence[str]) -> Forgotten:
    """Remove previews, samples and some words from Dagster's memory; no run may be in progress.

    Args:
        instance: Dagster's memory.
        home: its folder (`DAGSTER_HOME`).
        words: what names the person, such as an id and an e-mail; found as whole words, in capital or small letters.

    Raises:
        StillOpen: another process reads a database; the message says what to do. What was rewritten stays so.
    """
    scrubber = Scrubber(words)
    databases, left = _databases(instance, home)
    values = sum(_rewrite(database, scrubber) for database in databases)
    texts = [file for file in _files(instance, home) if not _is_sqlite(file) and not file.name.endswith(BESIDE)]
    files = sum(_rewrite_text(file, scrubber) for file in texts)
    return Forgotten(values, files, tuple(left))


class Scrubber:
    """Takes records and words out of values."""

    def __init__(self, words: Sequence[str]) -> None:
        """Args: words: what names the person; the longest are looked for first."""
        # JSON may spell a letter as a number, and JSON within JSON does so twice.
        spelled = {form for word in words if word for form in _spellings(word)}
        longest = sorted(map(re.escape, spelled), key=len, reverse=True)
        # A number is no part of a longer one, and an id no part of another.
        self._words = re.compile(rf"(?<![\w-])(?:{'|'.join(longest) or '(?!)'})(?![\w-])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """The text without the words; where it is JSON, also without metadata that shows records."""
        if not (self._words.search(text) or any(f'"{name}"' in text for name in SHOWS_RECORDS)):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict | list):
            return self._words.sub(ERASED, text)
        clean = self._value(value)
        return text if clean == value else json.dumps(clean)

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - a JSON value
        if isinstance(value, str):
            return self._words.sub(ERASED, value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("label") in SHOWS_RECORDS and "entry_data" in value:
            return value | {"entry_data": REMOVED}
        return {key: self._item(key, item) for key, item in value.items()}

    def _item(self, key: str, value: Any) -> Any:  # noqa: ANN401 - a JSON value
        if key in SHOWS_RECORDS and isinstance(value, dict) and "__class__" in value:
            return REMOVED
        return value if key in NAMES else self._value(value)


def _spellings(word: str) -> Iterator[str]:
    yield word
    once = json.dumps(word)[1:-1]
    yield once
    yield json.dumps(once)[1:-1]


def _databases(instance: dg.DagsterInstance, home: Path) -> tuple[list[Path], list[str]]:
    """The SQLite files of Dagster's memory, and what it keeps elsewhere."""
    found, left = {file for file in _files(instance, home) if _is_sqlite(file)}, list[str]()
    for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        connect = getattr(storage, "index_connection", None) or getattr(storage, "connect", None)
        if connect is None:
            left.append(_left(type(storage).__name__))
            continue
        with connect() as connection:
            dialect, database = connection.dialect.name, connection.engine.url.database
        if dialect != "sqlite":
            left.append(_left(f"{type(storage).__name__} ({dialect})"))
        elif database and not database.startswith(":memory:"):
            found |= {file for file in Path(database).parent.glob("*.db") if _is_sqlite(file)}
    logs = type(instance.compute_log_manager).__name__
    if logs not in ("LocalComputeLogManager", "NoOpComputeLogManager"):
        left.append(_left(logs))
    return sorted(found), left


def _left(where: str) -> str:
    return (
        f"Dagster keeps a part of its memory in {where}, which was not looked at. Remove its previews, samples and the "
        "person's words there by hand."
    )


def _files(instance: dg.DagsterInstance, home: Path) -> list[Path]:
    logs = yaml.safe_load(instance.get_ref().compute_logs_data.config_yaml).get("base_dir")
    folders = {*(home / folder for folder in FOLDERS), *([Path(logs)] if logs else [])}
    return sorted({file for folder in folders for file in folder.rglob("*") if file.is_file()})


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def _rewrite(database: Path, scrubber: Scrubber) -> int:
    """Rewrite the text of a database, and then the file, in which SQLite would keep what was there."""
    with closing(sqlite3.connect(database, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = [name for (name,) in connection.execute(names).fetchall()]
        try:
            connection.execute("BEGIN IMMEDIATE")
            count = sum(_rewrite_table(connection, table, scrubber) for table in tables)
            connection.execute("COMMIT")
            # Also when nothing is found: an earlier erasure may have died before it.
            connection.execute("VACUUM")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            raise _still_open(database, str(error)) from error
        if busy:
            raise _still_open(database, "it is being read")
    return count


def _still_open(database: Path, why: str) -> StillOpen:
    return StillOpen(
        f"{database} could not be rewritten: {why}. Stop the Dagster UI and daemon, and run the same command again."
    )


def _rewrite_table(connection: sqlite3.Connection, table: str, scrubber: Scrubber) -> int:
    columns = [name for _, name, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall()]
    count = 0
    for column in columns:
        if column in NAMES:
            continue
        # Job snapshots are compressed, and hold code and settings alone.
        some = f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\' AND rowid > ?'
        last = -1
        while rows := connection.execute(f"{some} ORDER BY rowid LIMIT {PAGE}", (last,)).fetchall():
            changed = [(new, row) for row, old in rows if (new := scrubber.text(old)) != old]
            connection.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', changed)
            count += len(changed)
            last = rows[-1][0]
    return count


def _rewrite_text(file: Path, scrubber: Scrubber) -> bool:
    # Bytes that are no UTF-8 come back as they were.
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    clean = scrubber.text(text)
    if clean == text:
        return False
    file.write_text(clean, encoding="utf-8", errors="surrogateescape")
    return True
