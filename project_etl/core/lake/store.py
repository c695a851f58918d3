"""`TableStore`: the only reader and writer of tables.

Belongs here: which tables there are, their newest states, and how rows become visible. Who commits is decided here:
delta-rs on a local lake, in milliseconds; Spark where a batch is too large for this process or the lake is not local.
Does not belong here: what one state tells (`state.py`), what rows mean, rules, or anything Dagster.

Every commit carries a JSON note (`userMetadata`) that says which asset and run made it, what it had read and what it
counted. The sum of the notes is the table's journal (`journal.py`): it makes re-running free.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from project_etl.core import meter
from project_etl.core.arrow import ArrowTable
from project_etl.core.engine.base import CommittingEngine, Engine, Larger
from project_etl.core.lake import delta_rs, delta_spark
from project_etl.core.lake.changes import Change, Remake, Upsert
from project_etl.core.lake.delta_rs import Arrow
from project_etl.core.lake.errors import Conflict, LakeError
from project_etl.core.lake.journal import Journal
from project_etl.core.lake.locks import file_lock
from project_etl.core.lake.log import PROPERTIES, Commit
from project_etl.core.lake.schema import Fit, as_table, in_types_of, refusing_nulls, stored_schema
from project_etl.core.lake.state import Known, TableState

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql import types as T

# A frame, or a `pyarrow.Table`, which has no types.
Rows = Any
# A commit or a checkpoint in a log.
ENTRY = re.compile(r"[0-9].*\.(json|parquet)$")
# Who numbers the commits.
APP = "project_etl"
# What delta-rs takes into this process at most: bytes of a batch as Arrow, and of the files that a MERGE may rewrite.
MAX_BATCH_BYTES = 256 * 1024**2
MAX_MERGE_BYTES = 1024**3


@dataclass(frozen=True)
class TableStore:
    """All tables below one root folder.

    Attributes:
        root: local folder or object-store URL.
        engine: computes frames; None where nothing is computed, as in sensors and commands that only look.
        larger: the engine for what is too much for `engine`, and for what that cannot do; None where there is no other.
        storage_options: what `deltalake` needs to reach an object store.
        pins: table → the state at which it is looked at (see `pinned`); None when it did not exist.
        known: the newest state of each table that was read so far, shared by all copies of this store.
    """

    root: str
    engine: Engine | None = None
    larger: Larger | None = field(default=None, kw_only=True)
    storage_options: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)
    pins: Mapping[str, TableState | None] = field(default_factory=dict[str, "TableState | None"], kw_only=True)
    known: dict[str, Known] = field(default_factory=dict[str, "Known"], kw_only=True, repr=False, compare=False)

    # --- where and which ----------------------------------------------------------------------------------------------

    @property
    def is_local(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self._root

    def path(self, name: str) -> str:
        """Where the table `layer/name` lies: a folder or a URL."""
        return f"{self._root}/{name}"

    @property
    def _root(self) -> str:
        """The root without its last slash; a local one as a folder, however it was written."""
        return re.sub(r"^file:(//)?(?=/)", "", self.root).rstrip("/")

    def names(self, layer: str) -> list[str]:
        """The tables of a layer that exist, in order, without those of our own, whose names begin with `_`."""
        from fsspec.core import url_to_fs

        fs, base = url_to_fs(self._rust_path(layer), use_listings_cache=False)
        try:
            found = fs.ls(base, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = sorted({f"{layer}/{path.rstrip('/').rpartition('/')[2]}" for path in found})
        own = [name for name in names if not name.startswith(f"{layer}/_")]
        if layer == "bronze":
            # It has a folder for each source.
            return [table for source in own for table in self.names(source)]
        return [name for name in own if self.exists(name)]

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        if name in self.pins:
            return self.pins[name] is not None
        if self.is_local:
            # Who died while it made the table may have left other files there. One entry is enough: a log may be long.
            try:
                with os.scandir(Path(self.path(name)) / "_delta_log") as entries:
                    return any(ENTRY.match(entry.name) for entry in entries)
            except (FileNotFoundError, NotADirectoryError):
                return False
        return deltalake.DeltaTable.is_deltatable(self._rust_path(name), dict(self.storage_options))

    # --- states -------------------------------------------------------------------------------------------------------

    def state(self, name: str) -> TableState:
        """What the table's log tells now, or told at its pin. A log that has not moved on is not read again.

        Raises:
            LakeError: there is no such table yet.
        """
        state = self.pins[name] if name in self.pins else self._newest(name)
        if state is None:
            raise LakeError(f"Table {name} is not in the lake at {self.path(name)} yet: materialize it first.")
        return state

    def version(self, name: str) -> int | None:
        """The newest Delta version or the pin's, or None when the table does not exist."""
        return self.state(name).version if self.exists(name) else None

    def journal(self, name: str) -> Journal:
        """What the notes of the table's commits say; an empty journal when the table does not exist."""
        return self.state(name).journal if self.exists(name) else Journal()

    def data_version(self, name: str) -> int | None:
        """The newest version that changed rows, or None when the table does not exist."""
        return self.journal(name).data_version if self.exists(name) else None

    def is_empty(self, name: str) -> bool:
        """Whether the table holds no file, or does not exist."""
        return not self.exists(name) or self.state(name).is_empty

    def commits(self, name: str) -> tuple[Commit, ...]:
        """The commits that the log still knows, newest first; empty when the table does not exist."""
        return self.state(name).commits if self.exists(name) else ()

    def pinned(self, names: Iterable[str]) -> TableStore:
        """The lake with some tables as they are now (or pinned already), whatever others commit to them from now on.

        A commit to such a table fails when others have committed since then.
        """
        states = {name: self.state(name) if self.exists(name) else None for name in names}
        return replace(self, pins={**self.pins, **states})

    def at(self, name: str, version: int) -> TableState:
        """The table as it was at a version.

        Raises:
            LakeError: the log does not know that version any more.
        """
        try:
            return TableState.load(name, self._rust_path(name), self.storage_options, version)
        except DeltaError as error:
            raise LakeError(f"Version {version} of table {name} is not in its log any more: {error}.") from error

    # --- engines ------------------------------------------------------------------------------------------------------

    def for_work(self, bytes_read: Callable[[], int]) -> TableStore:
        """The lake with the engine for work that reads so many bytes of files; where there is one engine, none asks."""
        return self if self.larger is None or bytes_read() <= self.larger.above_bytes else self.handed_over()

    def handed_over(self) -> TableStore:
        """The lake with its larger engine, where it has one."""
        return replace(self, engine=self.larger.engine, larger=None) if self.larger else self

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, name: str) -> DataFrame:
        """All rows of a table as they are now, or at its pin, lazily.

        Raises:
            LakeError: there is no such table yet, or this store has no engine.
        """
        # By its version a frame says the same also when it is computed after a later commit.
        return self._engine.read(self.path(name), self.state(name).version)

    def no_rows(self, schema: T.StructType) -> DataFrame:
        """A frame without rows."""
        return self._engine.session().createDataFrame([], schema)

    def keep(self, rows: DataFrame) -> AbstractContextManager[DataFrame]:
        """The same rows, computed once for the length of the block."""
        return self._engine.keep(rows)

    def frame(self, rows: ArrowTable) -> DataFrame:
        """A frame of rows that are in this process."""
        return self._engine.frame(rows)

    @contextmanager
    def computing(self) -> Generator[None]:
        """Build frames and columns for this store's engine in the block; the first block starts it."""
        with self.active():
            # Columns need a session, and building them may be the first thing that a process does.
            self._engine.session()
            yield

    def active(self) -> AbstractContextManager[None]:
        """Build columns for this store's engine, where it has one, in the block; it is not started."""
        return self.engine.active() if self.engine else nullcontext()

    # --- writing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, name: str) -> Generator[None]:
        """Keep other processes of this machine from writing the table for the length of the block.

        Delta's log on a local disk can lose a commit when two processes race. The lock is the operating system's, so it
        goes when its owner dies. Object stores refuse the second of two equal commits themselves.

        Raises:
            LakeError: another process held the lock for too long.
        """
        if not self.is_local:
            yield
            return
        with file_lock(Path(self.path(".locks")) / f"{name.replace('/', '.')}.lock", name):
            yield

    def create(
        self,
        name: str,
        schema: T.StructType,
        *,
        partition_by: str | None = None,
        description: str = "",
        statistics: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Make an empty table with its columns' comments, or bring an existing one up to `schema`.

        A column that must not be null is stored as one that may be, with a mark by which `commit` refuses nulls: the
        embedded engine cannot read a NOT NULL column of a file that a MERGE has written.

        Raises:
            LakeError: the stored table has other types, or a new column that must not be null.
        """
        wanted = deltalake.Schema.from_json(stored_schema(schema).json())
        if self.exists(name):
            state = self.state(name)
            fit = Fit.of(state.schema_json, schema)
            fit.check(f"Table {name} at {self.path(name)}")
            if fit.added:
                state.release().alter.add_columns([item for item in wanted.fields if item.name in fit.added])
            return
        delta = deltalake.DeltaTable.create(
            self._rust_path(name),
            schema=wanted,
            partition_by=[partition_by] if partition_by else None,
            name=name.replace("/", "_"),
            description=description.split("\n")[0],
            configuration={
                **PROPERTIES,
                **({"delta.dataSkippingStatsColumns": ",".join(statistics)} if statistics else {}),
                **(properties or {}),
            },
            storage_options=dict(self.storage_options),
            mode="ignore",
        )
        self._remember(TableState(name, self._rust_path(name), delta, self.storage_options))

    def misfit(self, name: str, schema: T.StructType) -> str:
        """Why a table cannot be brought up to a contract's columns as it is, in words; empty when it can."""
        if not self.exists(name):
            return ""
        fit = Fit.of(self.state(name).schema_json, schema)
        return "; ".join((*fit.wrong, *(f"{column} is gone" for column in fit.gone)))

    def commit(self, name: str, change: Change, rows: Rows, note: Mapping[str, Any]) -> Commit:
        """Make rows visible in one commit, computed from the table's state at its pin, or else as it is now.

        This is the only function that makes rows visible.

        Args:
            name: the table.
            change: what the commit does with the rows.
            rows: a frame of this store's engine, or a table or reader of Arrow, with columns that fit the table's.
            note: what to remember with the commit.

        Raises:
            Conflict: another process has committed since the state; nothing was written, or is not visible.
            LakeError: there is no such table yet.
        """
        meter.count("commits", name)
        state = self._unchanged(self.state(name))
        # Writers clean the log up.
        state.keep_journal()
        last = state.delta.transaction_version(APP)
        number = (APP, 0 if last is None else last + 1)
        arrow = self._as_arrow(state, change, rows)
        if arrow is None:
            engine = self._engine
            if not isinstance(engine, CommittingEngine):
                raise LakeError(
                    f"Table {name} is not on this machine: engine {engine.name} cannot commit to it; use spark."
                )
            rows = refusing_nulls(state, rows if engine.owns(rows) else engine.frame(as_table(rows)))
            delta_spark.commit(engine, self.path(name), change, rows, note, number)
            return self._made(state, note)
        delta = state.release()
        try:
            delta_rs.commit(delta, change, arrow, note, number)
        except CommitFailedError as error:
            raise Conflict(
                f"Table {name} was written by another process while this run computed it; nothing was published. "
                "Let one process write the table at a time, and run again."
            ) from error
        return self._remember(state.moved_on(delta)).made_by

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _engine(self) -> Engine:
        if self.engine is None:
            raise LakeError("This command only looks at tables; it has no engine to compute rows with.")
        return self.engine

    def _newest(self, name: str) -> TableState | None:
        known = self.known.get(name)
        if known is not None and self._is_newest(known):
            return known.state
        if not self.exists(name):
            return None
        return self._remember(TableState.load(name, self._rust_path(name), self.storage_options))

    def _remember(self, state: TableState) -> TableState:
        self.known[state.name] = Known(state, state.entry(state.version))
        return state

    def _is_newest(self, known: Known) -> bool:
        """Whether a state is still the table's newest; of an object store that is not known without reading."""
        state = known.state
        if known.entry is None or state.entry(state.version) != known.entry:
            return False
        return state.entry(state.version + 1) is None

    def _unchanged(self, state: TableState) -> TableState:
        """The newest state, whose rows are those of the given one.

        Raises:
            Conflict: rows may have changed since then.
        """
        newest = replace(self, pins={})._newest(state.name)
        if newest is None or newest.table_id != state.table_id or newest.version < state.version:
            raise Conflict(f"Table {state.name} was removed or made anew while this run computed it. Run again.")
        if newest.version == state.version:
            return newest
        later = newest.commits_since(state.version)
        # Commits that a purge has removed may have changed rows.
        if len(later) < newest.version - state.version or any(commit.may_change_rows for commit in later):
            raise Conflict(
                f"Table {state.name} was at version {state.version} when this run read it and is at {newest.version}: "
                "another process has written it, so nothing was published. Run again."
            )
        return newest

    def _as_arrow(self, state: TableState, change: Change, rows: Rows) -> Arrow | None:
        """The rows for delta-rs, in the types of the table; None when Spark is to commit them."""
        if self.engine is not None and self.engine.owns(rows):
            if isinstance(self.engine, CommittingEngine) and self._is_for_spark(self.engine, state, change, rows):
                return None
            rows = self.engine.arrow(rows)
        elif not self.is_local:
            return None
        return in_types_of(state, rows, change.schema if isinstance(change, Remake) else None)

    def _is_for_spark(self, engine: CommittingEngine, state: TableState, change: Change, rows: DataFrame) -> bool:
        """Whether the engine's rows, or the stored ones that they change, are too much for this process."""
        if not self.is_local or (isinstance(change, Upsert) and state.size_bytes > MAX_MERGE_BYTES):
            return True
        size = engine.size(rows)
        return size is None or size > MAX_BATCH_BYTES

    def _made(self, before: TableState, note: Mapping[str, Any]) -> Commit:
        """The commit that Spark made after a state; it may have compacted after it."""
        told = json.loads(json.dumps(note))
        newest = replace(self, pins={}).state(before.name)
        for commit in newest.commits_since(before.version):
            if commit.note == told:
                return commit
        raise Conflict(
            f"Table {before.name}: the commit of this run is not in its log; version {newest.version} is the newest. "
            "Let one process write the table at a time, and run again."
        )

    def _rust_path(self, name: str) -> str:
        return self.path(name).replace("s3a://", "s3://", 1)
