"""Commits by Spark: rows as a frame, for batches that do not fit into this process and for lakes on object stores.

Does not belong here: whether it is Spark that commits (`store.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from project_etl.core.lake.changes import Append, Change, Overwrite, Remake, ReplaceWhere, Upsert
from project_etl.core.lake.schema import stored_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from project_etl.core.engine.base import CommittingEngine

DELTA = "spark.databricks.delta."
VIEW = "project_etl_changes"


def commit(
    engine: CommittingEngine,
    path: str,
    change: Change,
    rows: DataFrame,
    note: Mapping[str, Any],
    number: tuple[str, int],
) -> None:
    """Commit rows to a table.

    Args:
        engine: the engine that computes the rows.
        path: the table's folder or URL.
        change: what the commit does.
        rows: the rows.
        note: what to remember with the commit.
        number: writer and number of the commit. Of two commits with one number, Delta takes the first and leaves the
            second out without a word; the caller looks whether its own is in the log.
    """
    once = {"txnAppId": number[0], "txnVersion": str(number[1])}
    writer = rows.write.format("delta").options(userMetadata=json.dumps(note), **once)
    match change:
        case Append():
            writer.mode("append").save(path)
        case ReplaceWhere(where):
            writer.mode("overwrite").option("replaceWhere", where).save(path)
        case Overwrite():
            writer.mode("overwrite").save(path)
        case Remake(schema):
            # It carries the columns' comments along.
            columns = rows.to(stored_schema(schema))
            columns.write.format("delta").options(userMetadata=json.dumps(note), **once).mode("overwrite").option(
                "overwriteSchema", "true"
            ).save(path)
        case Upsert():
            # Spark replaces `${…}` in settings; this is the same JSON.
            conf = {f"{DELTA}commitInfo.userMetadata": json.dumps(note).replace("${", "$\\u007b")}
            conf |= {f"{DELTA}write.{key}": value for key, value in once.items()}
            _upsert(engine, path, change, rows, conf)


def _upsert(engine: CommittingEngine, path: str, change: Upsert, rows: DataFrame, conf: Mapping[str, str]) -> None:
    assign = ", ".join(f"t.`{column}` = s.`{column}`" for column in change.updated)
    names, values = (", ".join(f"{prefix}`{column}`" for column in change.columns) for prefix in ("", "s."))
    rows.createOrReplaceGlobalTempView(VIEW)
    with engine.session_with(conf) as session:
        session.sql(
            f"MERGE INTO delta.`{path}` t USING global_temp.{VIEW} s ON {change.condition()} "
            "WHEN MATCHED AND s._op = 'delete' THEN DELETE "
            f"WHEN MATCHED AND s._op <> 'delete' THEN UPDATE SET {assign} "
            f"WHEN NOT MATCHED AND s._op <> 'delete' THEN INSERT ({names}) VALUES ({values})"
        ).collect()
        session.catalog.dropGlobalTempView(VIEW)
