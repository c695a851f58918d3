"""The lake: the only reader and writer of tables.

Belongs here: how rows become visible (append, merge, replace, overwrite). Empty tables are made with `deltalake`,
without a JVM; rows move through Spark. Does not belong here: where tables lie and what their logs say
(`lake_log.py`), what rows mean, rules, or anything Dagster.

Every commit carries a JSON note (`userMetadata`) that says which asset and run made it, what it had read and what it
counted. That note is the platform's memory: it makes re-running free and every number traceable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deltalake

from project_etl.core import meter
from project_etl.core.delta_log import PROPERTIES, Commit, commits_of, write_first_checksum
from project_etl.core.engine import runtime_conf
from project_etl.core.lake_log import LakeLog
from project_etl.core.lake_schema import new_columns
from project_etl.core.lock import LakeError, file_lock
from project_etl.core.sql_text import merge_into

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql import types as T

DELTA = "spark.databricks.delta."
# Who numbers the writes of a pinned table.
APP = "project_etl"


@dataclass(frozen=True)
class Lake(LakeLog):
    """All tables below one root folder.

    Attributes:
        session: gives the Spark session, and starts it when first called.
    """

    session: Callable[[], SparkSession]

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
        """All rows of a table as they are now, or at its pin, lazily.

        Raises:
            LakeError: there is no such table yet.
        """
        # Spark computes also a kept frame anew when a table that it reads is written; by its version it says the same.
        reader = self.session().read.format("delta").option("versionAsOf", self.delta(name).version())
        return reader.load(self.path(name))

    def changes(self, name: str, since: int) -> DataFrame:
        """The change data feed after version `since`: the columns, `_change_type` and `_commit_version`."""
        reader = self.session().read.format("delta").option("readChangeFeed", "true")
        reader = reader.option("startingVersion", since + 1).option("endingVersion", self.delta(name).version())
        return reader.load(self.path(name))

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
        self._writer(name, rows, note).mode("append").save(self.path(name))
        return self._made(name, note)

    def replace(self, name: str, rows: DataFrame, where: str, note: Mapping[str, Any]) -> Commit:
        """Replace the rows that match the SQL condition `where` by `rows`, which must all match it, in one commit."""
        self._writer(name, rows, note).mode("overwrite").option("replaceWhere", where).save(self.path(name))
        return self._made(name, note)

    def overwrite(self, name: str, rows: DataFrame, note: Mapping[str, Any]) -> Commit:
        """Replace all rows in one commit."""
        self._writer(name, rows, note).mode("overwrite").save(self.path(name))
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
        once = {f"{DELTA}write.{key}": value for key, value in self._once(name).items()}
        with runtime_conf(spark, {f"{DELTA}commitInfo.userMetadata": json.dumps(note), **once}):
            spark.sql(merge_into(f"delta.`{self.path(name)}`", view, on, columns, updated, within)).collect()
        spark.catalog.dropTempView(view)
        return self._made(name, note)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _once(self, name: str) -> dict[str, str]:
        # Delta's idempotent writes: of those with one number, it takes the first.
        if self.pins.get(name) is None:
            return {}
        last = self.delta(name).transaction_version(APP)
        return {"txnAppId": APP, "txnVersion": str(0 if last is None else last + 1)}

    def _writer(self, name: str, rows: DataFrame, note: Mapping[str, Any]) -> Any:  # noqa: ANN401 - untyped in PySpark
        return rows.write.format("delta").options(userMetadata=json.dumps(note), **self._once(name))

    def _made(self, name: str, note: Mapping[str, Any]) -> Commit:
        # Delta may have compacted after it.
        told = json.loads(json.dumps(note))
        meter.count("log_reads", name)  # its history, beside the table itself
        commits = commits_of(self._delta(name), 10)
        for commit in commits:
            if commit.note == told:
                return commit
        raise LakeError(
            f"Table {name}: the commit of this run is not in its log; version {commits[0].version} is the newest. "
            "Let one process write the table at a time, and run again."
        )

    def _evolve(self, name: str, schema: T.StructType) -> None:
        stored = json.loads(self.delta(name).schema().to_json())["fields"]
        added = new_columns(stored, schema, f"Table {name} at {self.path(name)}")
        if added:
            columns = ", ".join(f"`{column}` {schema[column].dataType.simpleString()}" for column in added)
            self.session().sql(f"ALTER TABLE delta.`{self.path(name)}` ADD COLUMNS ({columns})").collect()
