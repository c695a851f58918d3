"""Dagster's event log in SQLite, without what a run over many days makes slow and large.

A run over 90 days writes two events per table and day. Dagster's own class makes a SQLAlchemy engine for each of them,
and so opens the file anew and compiles the same few statements again and again: 54 of the 78 s of a demo that had
nothing to do. This class keeps the engines. And Dagster notes for every check and day of the run that it is planned,
33 MB a run, although our checks report once for the whole run; here it is noted once. Files and tables are Dagster's.
`dagster.yaml` chooses this class; another `storage:` there, such as PostgreSQL, takes its place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine

# Where Dagster's own storage keeps the events, below DAGSTER_HOME.
FOLDER = Path("history", "runs")
# One file per run and one for all; a webserver that shows many runs must not keep a file open for each.
MAX_ENGINES = 4


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """`SqliteEventLogStorage` that keeps its connections between two events."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledSqliteEventLogStorage:
        """Make it from `dagster.yaml`, whose `base_dir` is DAGSTER_HOME."""
        return cls(str(Path(config_value["base_dir"]).expanduser() / FOLDER), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            self._engines[shard] = create_engine(self.conn_string_for_shard(shard), connect_args=timeout)
        self._engines.move_to_end(shard)
        if len(self._engines) > MAX_ENGINES:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event; that a check is planned is stored once, not for each day.

        A check that does report by partition loses nothing: Dagster adds a row for a result that was not planned.
        """
        super().store_event(_planned_once(event))

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


def _planned_once(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    event = entry.dagster_event
    if event is None or not isinstance(planned := event.event_specific_data, AssetCheckEvaluationPlanned):
        return entry
    whole = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
    return entry._replace(dagster_event=event._replace(event_specific_data=whole))
