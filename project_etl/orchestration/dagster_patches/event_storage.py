"""Dagster's event log in SQLite, without what a run over many days makes slow and large.

A run over 90 days writes two events per table and day. Dagster's own class makes an SQLAlchemy engine for each of them,
asks each time which tables and columns there are, and waits for the disk twice. A demo of 90 days takes 22 s with this
class and 28 s without, and 9 and 11 s when it has nothing to do. This class

- keeps its engines;
- stores the events of an output in one transaction, all of them or none;
- tells the list of assets the last of them, where Dagster writes there each one for the next to replace;
- waits for the disk only with what becomes of a run (queued, started, ended), and with all that came before it: what a
  killed process had stored stays stored, and a power cut may take the last events of a run but never the file, nor
  leave a run in a state of which Dagster finds no event. The lake does not need the events;
- notes once, and not for each day, that a check is planned: our checks report once for the whole run, and Dagster's way
  is 33 MB a run.

Waits for https://github.com/dagster-io/dagster/issues/19829 and https://github.com/dagster-io/dagster/issues/18789:
Dagster stores the events of a run over many partitions one by one.

Files and tables are Dagster's. `dagster.yaml` chooses this class; another `storage:` there, such as PostgreSQL, takes
its place.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine

# Where Dagster's own storage keeps the events, below DAGSTER_HOME.
FOLDER = Path("history", "runs")
# One file per run and one for all; a webserver that shows many runs must not keep a file open for each.
MAX_ENGINES = 4
# What a run was going to do; only while it runs does anybody ask.
PLANNED = [
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
]
# More than an output of ten years has.
BATCH_SIZE = 10_000

Subject = tuple[dg.AssetKey | None, str] | None


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """`SqliteEventLogStorage` that keeps its connections between two events."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._known_tables: set[str] = set()
        self._batch: dict[str, Connection] = {}
        self._newest: dict[Subject, dg.EventLogEntry] = {}
        self._has_index_cols = False
        self._waits_for_disk = False
        super().__init__(base_dir, inst_data)
        # A batch holds the lock while its events, one by one, ask for a connection.
        self._db_lock = threading.RLock()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledSqliteEventLogStorage:
        """Make it from `dagster.yaml`, whose `base_dir` is DAGSTER_HOME."""
        # Dagster hands over events in batches only where this says so; no setting of `dagster.yaml` does.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_SIZE))
        return cls(str(Path(config_value["base_dir"]).expanduser() / FOLDER), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            if shard in self._batch:
                yield self._batch[shard]
                return
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                # Safe in the write-ahead mode that Dagster chooses: https://sqlite.org/pragma.html#pragma_synchronous.
                connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if self._waits_for_disk else 'NORMAL'}")
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = create_engine(self.conn_string_for_shard(shard), connect_args=timeout)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        if len(self._engines) > MAX_ENGINES:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that is there stays."""
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        self._has_index_cols = self._has_index_cols or super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_cols

    def _store_asset_event(self, conn: Connection, event: dg.EventLogEntry, event_id: int) -> None:
        if self._newest.get(_subject(event), event) is event:
            super()._store_asset_event(conn, event, event_id)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event; that a check is planned is stored once, not for each day.

        A check that does report by partition loses nothing: Dagster adds a row for a result that was not planned.
        """
        with self._db_lock:
            self._waits_for_disk = event.dagster_event_type in EVENT_TYPE_TO_PIPELINE_RUN_STATUS
            try:
                super().store_event(_planned_once(event))
            finally:
                self._waits_for_disk = False

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store the events of one output, or none of them: one transaction for each file."""
        with self._db_lock, ExitStack() as transactions:
            shards = {*(entry.run_id for entry in events), INDEX_SHARD_NAME}
            connections = {shard: transactions.enter_context(self._connect(shard)) for shard in shards}
            try:
                self._batch = connections
                self._newest = {_subject(entry): entry for entry in events}
                super().store_event_batch(events)
            finally:
                self._batch = {}
                self._newest = {}

    def prune(self, run_ids: Sequence[str]) -> list[str]:
        """Remove the events of runs, but for what Dagster knows of assets and checks, which is kept apart from them.

        Returns:
            The runs that had events of their own.
        """
        pruned: list[str] = []
        for run_id in run_ids:
            file = Path(self.path_for_shard(run_id))
            if not file.exists():
                continue
            with self._db_lock:
                if run_id in self._engines:
                    self._engines.pop(run_id).dispose()
                self._initialized_dbs.discard(run_id)
                for part in ("", "-wal", "-shm"):
                    file.with_name(file.name + part).unlink(missing_ok=True)
            pruned.append(run_id)
        with self.index_connection() as connection:
            for run_id in pruned:
                planned = SqlEventLogStorageTable.c.dagster_event_type.in_(PLANNED)
                of_run = SqlEventLogStorageTable.c.run_id == run_id
                connection.execute(SqlEventLogStorageTable.delete().where(of_run & planned))
        return pruned

    def wipe(self) -> None:
        """Remove all events, and let go of the files that are removed with them."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close all files."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _subject(entry: dg.EventLogEntry) -> Subject:
    """The asset and what happened to it; a later event of the same replaces all that an earlier one says of it."""
    happened = entry.dagster_event
    return None if happened is None else (happened.asset_key, happened.event_type_value)


def _planned_once(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    happened = entry.dagster_event
    if happened is None or not isinstance(planned := happened.event_specific_data, AssetCheckEvaluationPlanned):
        return entry
    whole = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
    return entry._replace(dagster_event=happened._replace(event_specific_data=whole))
