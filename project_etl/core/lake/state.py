"""A table state: what one read of a table's log tells, kept for as long as somebody needs that version.

Belongs here: version, schema, files, commits and rows of a table at one version, read with `deltalake`, without an
engine. Does not belong here: which version is the newest and how a new one is made (`store.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import deltalake

from project_etl.core import meter
from project_etl.core.arrow import ArrowDataset, ArrowSchema, ArrowTable
from project_etl.core.lake.errors import LakeError
from project_etl.core.lake.journal import MOST_COMMITS, MOST_SECONDS, Journal, JournalFiles
from project_etl.core.lake.log import Commit, after_purge, commit_of
from project_etl.core.lake.schema import REQUIRED

# Kinds of changes in a change feed that show a row as it was before.
BEFORE_IMAGES = frozenset({"update_preimage", "delete"})
# Key in the note of a commit that has given the table other columns.
REMADE = "remade"
# So many commits are read from the log at once by who needs the newest alone.
PAGE = 100


class TableState:
    """A table at one version.

    Attributes:
        name: the table, `layer/name`.
        path: its folder or URL, as `deltalake` calls it.
        version: the Delta version.
        table_id: Delta's identity of the table; a table that was deleted and made again has another one.
    """

    def __init__(self, name: str, path: str, delta: deltalake.DeltaTable, options: Mapping[str, str]) -> None:
        """Take over a loaded table; nothing more is read yet."""
        self.name = name
        self.path = path
        self.version: int = delta.version()
        self.table_id = str(delta.metadata().id)
        self.partition_columns = tuple(delta.metadata().partition_columns)
        self._options = dict(options)
        self._delta: deltalake.DeltaTable | None = delta

    @classmethod
    def load(cls, name: str, path: str, options: Mapping[str, str], version: int | None = None) -> TableState:
        """Read a table's log, up to its newest version or the given one."""
        meter.count("log_reads", name)
        return cls(name, path, deltalake.DeltaTable(path, version, storage_options=dict(options)), options)

    def moved_on(self, delta: deltalake.DeltaTable) -> TableState:
        """The state after a commit of ours, without reading the log again."""
        state = TableState(self.name, self.path, delta, self._options)
        if state.version == self.version + 1:
            if "commits" in self.__dict__:
                state.__dict__["commits"] = (state.made_by, *self.commits)
            if "journal" in self.__dict__:
                state.__dict__["journal"] = self.journal.after(self.name, (state.made_by,))
        return state

    # --- what the log tells -------------------------------------------------------------------------------------------

    @property
    def is_local(self) -> bool:
        """Whether the table lies in a folder of this machine."""
        return "://" not in self.path

    def entry(self, version: int) -> tuple[int, int] | None:
        """Identity of the file of the log that made a version; None when there is none, and on an object store."""
        if not self.is_local:
            return None
        try:
            found = (Path(self.path) / "_delta_log" / f"{version:020}.json").stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    @cached_property
    def schema_json(self) -> str:
        """The stored schema as Delta's JSON."""
        return self.delta.schema().to_json()

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Columns that a commit must give a value."""
        fields = json.loads(self.schema_json)["fields"]
        return tuple(item["name"] for item in fields if item["metadata"].get(REQUIRED))

    @cached_property
    def arrow_schema(self) -> ArrowSchema:
        """The stored schema as Arrow's."""
        import pyarrow as pa

        return pa.schema(self.delta.schema().to_arrow())

    @cached_property
    def files(self) -> list[dict[str, Any]]:
        """The table's files: path, size, rows, partition values and statistics, flattened."""
        import pyarrow as pa

        return pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()

    @property
    def is_empty(self) -> bool:
        """Whether the table holds no file."""
        return not self.files

    @property
    def size_bytes(self) -> int:
        """Bytes of the table's files."""
        return sum(file["size_bytes"] for file in self.files)

    def size_on(self, column: str, days: Collection[str]) -> int:
        """Bytes of the files that may hold rows of some days (ISO dates), as far as the log can tell."""
        if not days:
            return 0
        first, last = min(days), max(days)

        def may_hold(file: Mapping[str, Any]) -> bool:
            low, high = (file.get(f"partition.{column}", file.get(f"{end}.{column}")) for end in ("min", "max"))
            return low is None or high is None or (str(low) <= last and str(high) >= first)

        return sum(file["size_bytes"] for file in self.files if may_hold(file))

    @property
    def row_count(self) -> int:
        """Rows of the table, from the log where each file says how many it has, else counted."""
        rows = [file["num_records"] for file in self.files]
        return sum(rows) if None not in rows else self.dataset().count_rows()

    def partition_rows(self, column: str) -> dict[str, int]:
        """Rows by value of the column that partitions the files."""
        rows: dict[str, int] = {}
        for file in self.files:
            value = str(file[f"partition.{column}"])
            rows[value] = rows.get(value, 0) + (file["num_records"] or 0)
        return rows

    def partitions_with(self, partition: str, column: str, *, but: Collection[str]) -> set[str]:
        """Where a column of text may have a value, as far as the log can tell.

        Args:
            partition: the column that partitions the files, of which the values are returned.
            column: the column of text.
            but: values that do not count, in small letters.
        """
        if column not in self.arrow_schema.names:
            return set()

        def may_have(file: Mapping[str, Any]) -> bool:
            low, high = file.get(f"min.{column}"), file.get(f"max.{column}")
            return file.get(f"null_count.{column}") != file["num_records"] and not (
                low == high and low is not None and low.lower() in but
            )

        return {str(file[f"partition.{partition}"]) for file in self.files if may_have(file)}

    def bounds(self, column: str) -> tuple[Any, ...]:
        """The smallest and the largest value of a column; nothing when no row has a value."""
        names = (f"min.{column}", f"max.{column}")
        if all(file.get(name) is not None for file in self.files for name in names):
            found = [file[name] for file in self.files for name in names]
        else:
            found = [value for value in self.rows([column])[column].unique().to_pylist() if value is not None]
        return (min(found), max(found)) if found else ()

    def rows_by_day(self, column: str, days: Collection[str]) -> dict[str, int]:
        """How many rows some days (ISO dates) have; days without rows are absent."""
        if column in self.partition_columns:
            rows = self.partition_rows(column)
            return {day: rows[day] for day in days if day in rows}
        return _counts(self.rows([column], on_days(column, days))[column])

    def rows_of_each_day(self, column: str) -> dict[str, int]:
        """How many rows each day has that has any."""
        return _counts(self.rows([column])[column])

    def rows_outside(self, column: str, first: date, last: date) -> dict[str, int]:
        """How many rows each day has that is before the first or after the last of some days."""
        import pyarrow.compute as pc

        is_outside = (pc.field(column) < first) | (pc.field(column) > last)
        return _counts(self.rows([column], where=is_outside)[column])

    @cached_property
    def commits(self) -> tuple[Commit, ...]:
        """The commits up to this version that the log still knows, newest first. Costs more the longer the log is."""
        meter.count("histories", self.name)
        return self._history()

    def commits_since(self, version: int) -> tuple[Commit, ...]:
        """The commits after a version up to this one that the log still knows, newest first."""
        if "commits" not in self.__dict__ and self.version - version <= PAGE:
            found = self._history(self.version - version) if version < self.version else ()
        else:
            found = self.commits
        return tuple(commit for commit in found if commit.version > version)

    @cached_property
    def made_by(self) -> Commit:
        """The commit that made this version."""
        return self._history(1)[0]

    # --- the journal --------------------------------------------------------------------------------------------------

    @cached_property
    def journal(self) -> Journal:
        """What the notes of all commits up to this version say."""
        stored = self._stored_journal
        if stored is not None:
            found = self.commits_since(stored.version - 1)
            if found and found[-1].version == stored.version:
                # A log that was put back from a copy may have gone on in another way.
                stored = stored if found[-1].timestamp == stored.timestamp else None
                found = found[:-1]
            if stored is not None and len(found) == self.version - stored.version:
                return stored.after(self.name, found)
        return Journal().after(self.name, self.commits)

    def keep_journal(self) -> None:
        """Store the journal, when many of its commits or an old one stand in the log alone."""
        stored = self._stored_journal
        version, made_at = (stored.version, stored.timestamp) if stored else (-1, self.delta.metadata().created_time)
        is_old = version < self.version and made_at < (time.time() - MOST_SECONDS) * 1000
        if is_old or self.version - version >= MOST_COMMITS:
            self._journals.store(self.journal)

    @cached_property
    def _stored_journal(self) -> Journal | None:
        return self._journals.newest(self.version)

    @property
    def _journals(self) -> JournalFiles:
        return JournalFiles(self.path, self.table_id)

    def _history(self, limit: int | None = None) -> tuple[Commit, ...]:
        # `deltalake` counts back from the version that it has loaded, and lists later commits too: read again, with a
        # table of its own, when one was made in between.
        table = later = self.delta
        entries = list[dict[str, Any]]()
        while later is not None:
            table = later
            entries = table.history(limit and limit + table.version() - self.version)
            later = self._later_than(table)
        found = (commit_of(entry) for entry in entries)
        return tuple(commit for commit in found if commit.version <= self.version)

    def _later_than(self, table: deltalake.DeltaTable) -> deltalake.DeltaTable | None:
        """The table at its newest version; None when that is the given one."""
        if self.is_local and self.entry(table.version() + 1) is None:
            return None
        meter.count("log_reads", self.name)
        newest = deltalake.DeltaTable(self.path, storage_options=self._options)
        return newest if newest.version() > table.version() else None

    # --- what the files hold ------------------------------------------------------------------------------------------

    @property
    def delta(self) -> deltalake.DeltaTable:
        """The table as `deltalake` sees it, at this version."""
        delta = self._delta
        if delta is None:
            meter.count("log_reads", self.name)
            delta = self._delta = deltalake.DeltaTable(self.path, self.version, storage_options=self._options)
        return delta

    def release(self) -> deltalake.DeltaTable:
        """Hand over the loaded table to who moves it on to a later version; this state loads it again when asked."""
        delta, self._delta = self.delta, None
        return delta

    def dataset(self, file_filter: Sequence[tuple[str, str, Any]] | None = None) -> ArrowDataset:
        """The rows as a dataset of pyarrow.

        Args:
            file_filter: conditions on partition columns that spare files, such as `("day", "=", "2025-01-01")`.
        """
        if not file_filter:
            return self._all_files
        return self.delta.to_pyarrow_dataset(file_pruning_predicate=list(file_filter))

    @cached_property
    def _all_files(self) -> ArrowDataset:
        # Made once: it has an expression for each file's statistics.
        return self.delta.to_pyarrow_dataset()

    def rows(
        self,
        columns: Sequence[str] | None = None,
        where: Any = None,  # noqa: ANN401 - an expression of pyarrow
        among: tuple[str, Collection[Any]] | None = None,
    ) -> ArrowTable:
        """Some columns of some rows.

        Args:
            columns: None takes all.
            where: a condition of pyarrow that the rows meet, on columns other than text: pyarrow cannot compare text
                with the statistics of files that a MERGE has written.
            among: a column, and values of which a row must have one.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = list(columns) if columns is not None else self.arrow_schema.names
        if among is None:
            return self.dataset().to_table(columns=wanted, filter=where)
        name, values = among
        is_wanted = pc.field(name).isin(pa.array(list(values), self.arrow_schema.field(name).type))
        read = list(dict.fromkeys([*wanted, name]))
        found = (batch.filter(is_wanted) for batch in self.dataset().to_batches(columns=read, filter=where))
        schema = pa.schema([self.arrow_schema.field(column) for column in read])
        return pa.Table.from_batches(found, schema).select(wanted)

    def changes(self, since: int, *, most: int | None = None) -> ArrowTable:
        """The change data feed after a version up to this one; empty when there is nothing newer.

        Args:
            since: the version.
            most: how many rows to read at most; None reads all.

        Returns:
            The table's columns, `_change_type` and `_commit_version`.

        Raises:
            LakeError: the feed does not go back so far, is longer than `most`, or spans a change of columns; or the
                table is partitioned by text with signs that a folder's name must escape, such as a blank: `deltalake`
                escapes them twice here.
        """
        import pyarrow as pa

        later = self.commits_since(since)
        since = after_purge(since, later)
        if self.version <= since:
            return pa.table({})
        if any(REMADE in commit.note for commit in later):
            raise LakeError(f"{self.name} has had other columns since version {since}: no change feed spans that.")
        rows, batches = 0, list[Any]()
        try:
            # The feed is read as it is iterated, so that one that is too long is not read to its end.
            feed = pa.RecordBatchReader.from_stream(
                self.delta.load_cdf(starting_version=since + 1, ending_version=self.version)
            )
            for batch in feed:
                rows += batch.num_rows
                batches.append(batch)
                if most is not None and rows > most:
                    break
        except Exception as error:  # deltalake raises its base class, and none of its own, for a file that is gone
            raise LakeError(
                f"The change feed of {self.name} does not go back to version {since + 1}: {error}. "
                "Materialize the tables that read it for all days instead."
            ) from error
        if most is not None and rows > most:
            raise LakeError(f"more than {most:,} rows of {self.name} have changed since version {since}")
        stored, text = self.arrow_schema, pa.string()
        # Text of files that a MERGE has written comes in a type that is not understood everywhere.
        plain = [
            stored.field(item.name)
            if item.name in stored.names
            else item.with_type(text if pa.types.is_string_view(item.type) else item.type)
            for item in feed.schema
        ]
        return pa.Table.from_batches(batches, feed.schema).cast(pa.schema(plain))


def _counts(values: Any) -> dict[str, int]:  # noqa: ANN401 - a column of pyarrow
    """How often each value occurs, in the order of the values."""
    return {str(entry["values"]): entry["counts"] for entry in values.value_counts().to_pylist()}


@dataclass(frozen=True)
class Known:
    """A state, and the file of the log that made it, by which a table that was made anew is told apart."""

    state: TableState
    entry: tuple[int, int] | None


def on_days(column: str, days: Collection[str]) -> Any:  # noqa: ANN401 - an expression of pyarrow
    """The condition of pyarrow that a date column is one of `days` (ISO dates)."""
    import pyarrow.compute as pc

    return pc.field(column).isin([date.fromisoformat(day) for day in sorted(days)])
