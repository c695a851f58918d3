"""A small table, rows for it, and each of the four changes: what the store's tests start from.

Does not belong here: expectations.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import deltalake
import pyarrow as pa
from pyspark.sql import types as T

from project_etl.core.lake import Append, Change, Commit, Overwrite, ReplaceWhere, TableStore, Upsert

SCHEMA = T.StructType(
    [
        T.StructField("id", T.LongType(), False),
        T.StructField("day", T.DateType()),
        T.StructField("text", T.StringType()),
    ]
)
PARTITIONED = "silver/things"
WHOLE = "silver/all_things"
FEED = {"delta.enableChangeDataFeed": "true"}
DAY = "2025-01-01"
CHANGES: dict[str, Change] = {
    "append": Append(),
    "replace": ReplaceWhere(f"day = DATE'{DAY}'"),
    "overwrite": Overwrite(),
    "upsert": Upsert(("id",), ("id", "day", "text")),
}


def lake_in(root: str, engine: Any = None) -> TableStore:
    """A lake with both tables, empty."""
    lake = TableStore(root, engine)
    lake.create(PARTITIONED, SCHEMA, partition_by="day", properties=FEED)
    lake.create(WHOLE, SCHEMA, properties=FEED)
    return lake


def rows(*ids: int | None, day: str = DAY, text: str = "a", op: str | None = None) -> Any:
    """Rows in this process, with `_op` when one is given."""
    columns = {
        "id": pa.array(ids, pa.int64()),
        "day": pa.array([date.fromisoformat(day)] * len(ids), pa.date32()),
        "text": pa.array([text] * len(ids), pa.string()),
    }
    return pa.table(columns | ({"_op": pa.array([op] * len(ids), pa.string())} if op else {}))


def changed(lake: TableStore, how: str, *ids: int, run: str = "mine", name: str = PARTITIONED) -> Commit:
    """Commit rows by one of `CHANGES`."""
    return lake.commit(name, CHANGES[how], rows(*ids, op="update" if how == "upsert" else None), {"run_id": run})


def ids_in(lake: TableStore, name: str = PARTITIONED) -> list[int]:
    """The ids that a table holds, in order."""
    return sorted(lake.state(name).rows(["id"])["id"].to_pylist())


def another_writer(lake: TableStore, name: str = PARTITIONED) -> deltalake.DeltaTable:
    """The table as somebody opens it who does not know the platform."""
    return deltalake.DeltaTable(lake.path(name))
