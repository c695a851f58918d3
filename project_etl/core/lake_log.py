"""The lake as its logs tell it, without Spark.

Belongs here: where tables lie, which there are, and what the Delta log says about them, read with `deltalake`. Does not
belong here: rows, writing (`lake.py`), what an entry of a log means (`delta_log.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import deltalake

from project_etl.core import meter
from project_etl.core.delta_log import Commit, commits_of
from project_etl.core.lock import LakeError


@dataclass(frozen=True)
class LakeLog:
    """The logs of all tables below one root folder.

    Attributes:
        root: local folder or object-store URL.
        storage_options: what `deltalake` needs to reach an object store.
        pins: table → version at which it is looked at (see `pinned`); None when it did not exist.
    """

    root: str
    storage_options: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)
    pins: Mapping[str, int | None] = field(default_factory=dict[str, int | None], kw_only=True)

    @property
    def is_local(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self.root

    def path(self, name: str) -> str:
        """Where the table `layer/name` lies."""
        return f"{self.root.rstrip('/')}/{name}"

    def pinned(self, names: Iterable[str]) -> Self:
        """The lake with some tables as they are now (or pinned already), whatever others commit to them from now on.

        Writing such a table fails when another who had it pinned has written it meanwhile, be it the JVM of a process
        that was killed.
        """
        return replace(self, pins={**self.pins, **{name: self.version(name) for name in names}})

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        if name in self.pins:
            return self.pins[name] is not None
        return deltalake.DeltaTable.is_deltatable(self._rust_path(name), dict(self.storage_options))

    def delta(self, name: str) -> deltalake.DeltaTable:
        """The table as `deltalake` sees it, at its newest version or its pin.

        Raises:
            LakeError: there is no such table yet.
        """
        if not self.exists(name):
            raise LakeError(f"Table {name} is not in the lake at {self.path(name)} yet: materialize it first.")
        return self._delta(name, self.pins.get(name))

    def version(self, name: str) -> int | None:
        """The newest Delta version or the pin, or None when the table does not exist."""
        if name in self.pins:
            return self.pins[name]
        return self.delta(name).version() if self.exists(name) else None

    def is_empty(self, name: str) -> bool:
        """Whether the table holds no file, or does not exist; read from the log."""
        return not self.exists(name) or self.delta(name).get_add_actions().num_rows == 0

    def partition_rows(self, name: str, column: str) -> dict[str, int]:
        """Rows by value of the column that partitions the files, read from the log."""
        actions = self.delta(name).get_add_actions(flatten=True)
        values, counts = (actions.column(item).to_pylist() for item in (f"partition.{column}", "num_records"))
        rows: dict[str, int] = {}
        for value, count in zip(values, counts, strict=True):
            rows[str(value)] = rows.get(str(value), 0) + (count or 0)
        return rows

    def commits(self, name: str) -> tuple[Commit, ...]:
        """The commits that the log still knows, newest first; empty when the table does not exist."""
        if not self.exists(name):
            return ()
        meter.count("log_reads", name)  # its history, beside the table itself
        pin = self.pins.get(name)
        return tuple(commit for commit in commits_of(self._delta(name)) if pin is None or commit.version <= pin)

    def data_version(self, name: str) -> int | None:
        """The newest version that changed rows; equal numbers mean equal rows."""
        commits = self.commits(name)
        changed = (commit.version for commit in commits if commit.may_change_rows)
        return next(changed, commits[-1].version if commits else None)

    def _delta(self, name: str, version: int | None = None) -> deltalake.DeltaTable:
        meter.count("log_reads", name)
        return deltalake.DeltaTable(self._rust_path(name), version, storage_options=dict(self.storage_options))

    def _rust_path(self, name: str) -> str:
        return self.path(name).replace("s3a://", "s3://", 1)
