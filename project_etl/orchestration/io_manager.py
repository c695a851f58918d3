"""DeltaIOManager: where staged rows become visible, and what Dagster is told about it.

Belongs here: committing what an asset staged, loading tables for assets that take DataFrames, and materialization
metadata. Does not belong here: how rows are written (`core/lake`) or judged (`core/silver`, `core/gold`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import dagster as dg
from pyspark.sql import functions as F

from project_etl.core.contracts.sql_text import sql_list
from project_etl.core.engine.spark import afterwards
from project_etl.core.lake import Overwrite, ReplaceWhere, TableStore
from project_etl.core.model.staged import Staged
from project_etl.orchestration.metadata import day_metadata, in_words, preview, table_metadata
from project_etl.orchestration.run_tags import WHY_TAG

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARTITION_COLUMN = "partition_expr"


class DeltaIOManager(dg.IOManager):
    """Stores every table as Delta at `<lake_root>/<layer>/<table>`.

    The platform's own assets hand over a `Staged` value: rows that have been judged and know how to commit themselves.
    An asset of your own may return a DataFrame instead; it replaces the run's partitions (by the column that its
    metadata calls `partition_expr`), or the whole table when it has no partitions.
    """

    def __init__(self, lake: TableStore) -> None:
        self.lake = lake

    def handle_output(self, context: dg.OutputContext, obj: Staged | DataFrame) -> None:
        """Make the rows visible and describe the result."""
        started = time.monotonic()
        if not isinstance(obj, Staged):
            self._write(context, obj)
            return
        with afterwards(obj.discard):
            commit = obj.publish()
        seconds = time.monotonic() - started
        version = commit.version if commit else obj.version
        context.log.info(in_words(obj, version, is_unchanged=commit is None))
        metadata = table_metadata(self.lake, obj, version, commit, seconds)
        if why := context.step_context.dagster_run.tags.get(WHY_TAG):
            metadata["why"] = why
        definition = context.definition_metadata or {}
        # Bronze is shown nowhere: its text may hold personal data that nobody has declared.
        if commit is not None and not obj.table.startswith("bronze/"):
            metadata["preview"] = preview(self.lake, obj.table, definition["dagster/column_schema"])
        context.add_output_metadata(metadata)
        if context.has_asset_partitions:
            column = definition.get(PARTITION_COLUMN)
            # Where a day is a partition on disk too, the log says how many rows it holds, whoever wrote them.
            state = self.lake.state(obj.table)
            stored = state.rows_by_day(column, context.asset_partition_keys) if column else None
            for day, counts in day_metadata(obj, context.asset_partition_keys, stored).items():
                context.step_context.add_asset_metadata(counts, context.asset_key, day)

    def load_input(self, context: dg.InputContext) -> DataFrame:
        """Read the partitions that the asset's partition mapping asks for; all of an unpartitioned table."""
        name = "/".join(context.asset_key.path)
        rows = self.lake.read(name)
        if not context.has_asset_partitions or context.upstream_output is None:
            return rows
        column = (context.upstream_output.definition_metadata or {}).get(PARTITION_COLUMN)
        if column is None:
            return rows
        return rows.where(F.col(column).cast("string").isin(list(context.asset_partition_keys)))

    def _write(self, context: dg.OutputContext, rows: DataFrame) -> None:
        name = "/".join(context.asset_key.path)
        note: dict[str, Any] = {"table": name, "run_id": context.run_id}
        column = (context.definition_metadata or {}).get(PARTITION_COLUMN)
        with self.lake.lock(name):
            self.lake.create(name, rows.schema, partition_by=column)
            if context.has_asset_partitions and column is not None:
                where = f"`{column}` IN ({sql_list(context.asset_partition_keys)})"
                commit = self.lake.commit(name, ReplaceWhere(where), rows, note)
            else:
                commit = self.lake.commit(name, Overwrite(), rows, note)
        context.log.info(f"{name}: version {commit.version}")
        context.add_output_metadata({"delta_version": commit.version, "dagster/uri": self.lake.path(name)})
