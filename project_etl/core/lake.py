"""The lake: the only reader and writer of tables.

Belongs here: where tables lie, how rows become visible (append, merge, replace, overwrite), and what the Delta log says
about it. Metadata is read and empty tables are made with `deltalake`, without a JVM; rows move through Spark. Does not
belong here: what rows mean, rules, or anything Dagster.

Every commit carries a JSON note (`userMetadata`) that says which asset and run made it, what it had read and what it
counted. That note is the platform's memory: it makes re-running free and every number traceable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deltalake

from project_etl.core.delta_log import PROPERTIES, Commit, commits_of, rows_by, write_first_checksum
from project_etl.core.engine import runtime_conf
from project_etl.core.lake_schema import new_columns
from project_etl.core.lock import LakeError, file_lock
from project_etl.core.sql_text import merge_into

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql import types as T

USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Lake:
    """All tables below one root folder.

    Attributes:
        root: local folder or object-store URL.
        session: gives the Spark session, and starts it when first called.
        storage_options: what `deltalake` needs to reach an object store.
        pins: tables that are looked at as they were at a version, None when they did not exist (see `pinned`).
    """

    root: str
    session: Callable[[], SparkSession]
    storage_options: Mapping[str, str] = field(default_factory=dict[str, str])
    pins: Mapping[str, int | None] = field(default_factory=dict[str, int | None])

    # --- looking, without Spark ---------------------------------------------------------------------------------------

    @property
    def is_local(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self.root

    def path(self, name: str) -> str:
        """Where the table `layer/name` lies."""
        return f"{self.root.rstrip('/')}/{name}"

    def pinned(self, names: Iterable[str]) -> Lake:
        """The lake with some tables as they are now, whatever other processes commit to them from now on."""
        return replace(self, pins={**self.pins, **{name: self.version(name) for name in names}})

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        if name in self.pins:
            return self.pins[name] is not None
        return deltalake.DeltaTable.is_deltatable(self._rust_path(name), dict(self.storage_options))

    def delta(self, name: str) -> deltalake.DeltaTable:
        """The table as `deltalake` sees it, at its newest version.

        Raises:
            LakeError: there is no such table yet.
        """
        if not self.exists(name):
            raise LakeError(f"Table {name} is not in the lake at {self.path(name)} yet: materialize it first.")
        return self._delta(name, self.pins.get(name))

    def version(self, name: str) -> int | None:
        """The newest Delta version, or None when the table does not exist."""
        return self.delta(name).version() if self.exists(name) else None

    def is_empty(self, name: str) -> bool:
        """Whether the table holds no file, or does not exist; read from the log."""
        return not self.exists(name) or self.delta(name).get_add_actions().num_rows == 0

    def partition_rows(self, name: str, column: str) -> dict[str, int]:
        """Rows by value of the column that partitions the files, read from the log."""
        return rows_by(self.delta(name), column)

    def commits(self, name: str, limit: int | None = None) -> tuple[Commit, ...]:
        """The (newest) commits that the log still knows, newest first; empty when the table does not exist."""
        if not self.exists(name):
            return ()
        pin = self.pins.get(name)
        return tuple(commit for commit in commits_of(self._delta(name), limit) if pin is None or commit.version <= pin)

    def data_version(self, name: str) -> int | None:
        """The newest version that changed rows; equal numbers mean equal rows."""
        commits = self.commits(name)
        changed = (commit.version for commit in commits if commit.may_change_rows)
        return next(changed, commits[-1].version if commits else None)

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
        with file_lock(Path(self.root) / ".locks" / f"{name.replace('/', '.')}.lock", name):
            yield

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, name: str) -> DataFrame:
        """All rows of a table as they are now, lazily.

        Raises:
            LakeError: there is no such table yet.
        """
        # Spark computes also a kept frame anew when a table that it reads is written; by its version it says the same.
        reader = self.session().read.format("delta").option("versionAsOf", self.delta(name).version())
        return reader.load(self.path(name))

    def changes(self, name: str, since: int) -> DataFrame:
        """The change data feed after version `since`: the columns, `_change_type` and `_commit_version`."""
        reader = self.session().read.format("delta").option("readChangeFeed", "true")
        return reader.option("startingVersion", since + 1).load(self.path(name))

    def release(self) -> None:
        """Free what was kept in memory between judging and committing."""
        self.session().catalog.clearCache()

    # --- writing ------------------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        schema: T.StructType,
        *,
        partition_by: str | None = None,
        description: str = "",
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Make an empty table with comments and NOT NULL constraints, or bring an existing one up to `schema`.

        Raises:
            LakeError: the stored table has other types, or a new column that must not be null.
        """
        if self.exists(name):
            self._evolve(name, schema)
            return
        deltalake.DeltaTable.create(
            self._rust_path(name),
            schema=deltalake.Schema.from_json(schema.json()),
            partition_by=[partition_by] if partition_by else None,
            name=name.replace("/", "_"),
            description=description.split("\n")[0],
            configuration={**PROPERTIES, **(properties or {})},
            storage_options=dict(self.storage_options),
            mode="ignore",
        )
        if self.is_local:
            write_first_checksum(Path(self.path(name)) / "_delta_log")

    def append(self, name: str, rows: DataFrame, note: Mapping[str, Any]) -> Commit:
        """Add rows in one commit."""
        self._writer(rows, note).mode("append").save(self.path(name))
        return self._made(name, note)

    def replace(self, name: str, rows: DataFrame, where: str, note: Mapping[str, Any]) -> Commit:
        """Replace the rows that match the SQL condition `where` by `rows`, which must all match it, in one commit."""
        self._writer(rows, note).mode("overwrite").option("replaceWhere", where).save(self.path(name))
        return self._made(name, note)

    def overwrite(self, name: str, rows: DataFrame, note: Mapping[str, Any]) -> Commit:
        """Replace all rows in one commit."""
        self._writer(rows, note).mode("overwrite").save(self.path(name))
        return self._made(name, note)

    def merge(
        self,
        name: str,
        changes: DataFrame,
        *,
        on: Sequence[str],
        columns: Sequence[str],
        note: Mapping[str, Any],
        within: str | None = None,
        keep: Collection[str] = (),
    ) -> Commit:
        """Apply changes in one commit.

        Args:
            name: the table.
            changes: at most one row per key: `columns` and `_op` (`insert`, `update` or `delete`).
            on: key columns.
            columns: columns to write.
            note: what to remember with the commit.
            within: SQL condition over `t.` that holds for every stored row that may match, to spare the other files.
            keep: columns that an update leaves as they are.
        """
        spark = self.session()
        view = f"changes_of_{name.replace('/', '_')}"
        changes.createOrReplaceTempView(view)
        updated = [column for column in columns if column not in keep]
        with runtime_conf(spark, {USER_METADATA: json.dumps(note)}):
            spark.sql(merge_into(f"delta.`{self.path(name)}`", view, on, columns, updated, within)).collect()
        spark.catalog.dropTempView(view)
        return self._made(name, note)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _delta(self, name: str, version: int | None = None) -> deltalake.DeltaTable:
        return deltalake.DeltaTable(self._rust_path(name), version, storage_options=dict(self.storage_options))

    def _rust_path(self, name: str) -> str:
        return self.path(name).replace("s3a://", "s3://", 1)

    def _writer(self, rows: DataFrame, note: Mapping[str, Any]) -> Any:  # noqa: ANN401 - DataFrameWriter is untyped in PySpark
        return rows.write.format("delta").option("userMetadata", json.dumps(note))

    def _made(self, name: str, note: Mapping[str, Any]) -> Commit:
        # Delta may have compacted after it.
        told = json.loads(json.dumps(note))
        for commit in self.commits(name, 10):
            if commit.note == told:
                return commit
        raise LakeError(
            f"Table {name}: the commit of this run is not in its log; version {self.version(name)} is the newest. "
            "Let one process write the table at a time, and run again."
        )

    def _evolve(self, name: str, schema: T.StructType) -> None:
        stored = json.loads(self.delta(name).schema().to_json())["fields"]
        added = new_columns(stored, schema, f"Table {name} at {self.path(name)}")
        if added:
            columns = ", ".join(f"`{column}` {schema[column].dataType.simpleString()}" for column in added)
            self.session().sql(f"ALTER TABLE delta.`{self.path(name)}` ADD COLUMNS ({columns})").collect()
