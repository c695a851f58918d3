"""DeltaIOManager: where staged rows become visible, and what Dagster is told about it.

Belongs here: committing what an asset staged, loading tables for assets that take DataFrames, and materialization
metadata. Does not belong here: how rows are written (`core/lake`) or judged (`core/silver`, `core/gold`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
from pyspark.sql import functions as F

from project_etl.core.contracts.sql_text import sql_list
from project_etl.core.engine.spark import afterwards
from project_etl.core.lake import Commit, Entry, Overwrite, ReplaceWhere, TableStore
from project_etl.core.model.staged import Staged
from project_etl.core.silver.quarantine import name_of
from project_etl.orchestration.metadata import (
    day_metadata,
    in_words,
    last_change,
    preview,
    previews,
    table_metadata,
)
from project_etl.orchestration.plot import plot
from project_etl.orchestration.run_tags import WHY_TAG

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARTITION_COLUMN = "partition_expr"
MEASURE = "measure"


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
        if not isinstance(obj, Staged):
            self._write(context, obj)
            return
        days = context.asset_partition_keys if context.has_asset_partitions else ()
        last = last_change(obj, days)
        with afterwards(obj.discard):
            commit = obj.publish()
        version = commit.version if commit else obj.version
        state = self.lake.state(obj.table)
        context.log.info(in_words(obj, version, state.row_count, is_unchanged=commit is None))
        # A run with nothing new repeats what the last change was: its own page is the first that people open.
        told = table_metadata(self.lake, obj, version, commit, last) | self._why(context, commit, last)
        definition = context.definition_metadata or {}
        schema, column = definition["dagster/column_schema"], definition.get(PARTITION_COLUMN)
        # Bronze is shown nowhere: its text may hold personal data that nobody has declared.
        is_shown = not obj.table.startswith("bronze/")
        if is_shown and not days:
            told["preview"] = preview(self.lake, obj.table, schema)
        context.add_output_metadata(told)
        if days and column:
            # Where a day is a partition on disk too, the log says how many rows it holds, whoever wrote them.
            rows = dict.fromkeys(days, 0) | state.rows_by_day(column, days)
            shown = previews(self.lake, obj.table, schema, column, rows) if is_shown else {}
            for day, counts in day_metadata(obj, days, rows).items():
                context.step_context.add_asset_metadata(counts | shown.get(day, {}), context.asset_key, day)
            # Dagster shows the newest day of a run first; with each day the plots of a long run would fill its memory.
            if MEASURE in definition and (drawn := plot(state, schema, column, definition[MEASURE])):
                context.step_context.add_asset_metadata({"plot": drawn}, context.asset_key, max(days))
        if obj.table.startswith("silver/"):
            self._tell_of_quarantine(context, obj)

    def _why(self, context: dg.OutputContext, commit: Commit | None, last: Entry | None) -> dict[str, str]:
        """Why the run that made the last change was started, where a sensor started it and Dagster still knows."""
        run = context.step_context.dagster_run
        if commit is None and last is not None:
            run = context.step_context.instance.get_run_by_id(last.note["run_id"])
        why = run.tags.get(WHY_TAG) if run else None
        return {"why": why} if why else {}

    def _tell_of_quarantine(self, context: dg.OutputContext, staged: Staged) -> None:
        """Tell Dagster what a quarantine table holds, when this run has changed it."""
        name = name_of(staged.table)
        if not self.lake.exists(name) or self.lake.version(name) == staged.lake.version(name):
            return
        state = self.lake.state(name)
        metadata = {"dagster/row_count": state.row_count, "delta_version": state.version}
        context.log_event(dg.AssetMaterialization(name.split("/"), metadata=metadata))

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
