"""Who wins: the winner of each key among judged records and stored rows, and what that means for the table.

Belongs here: ranking, validity in time, status and effect of rows. Does not belong here: where rows come from
(`silver_frames.py`).
"""

from __future__ import annotations

import enum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from project_etl.core.records import ARRIVAL_ORDER
from project_etl.core.silver_plan import VALIDITY
from project_etl.core.table import History, Merge, Table

# Of the stored row of a record's key: its partition, and the record that it was made from.
WAS = {"_was_partition": "string", "_was_file": "string", "_was_row": "bigint"}


class Stored(enum.Enum):
    """What the stored rows in a pool stand for."""

    NOTHING = "there are none"
    TRUSTED = "all earlier records of their key, so that they may win"
    DOUBTED = "nothing any more: the winner is found among the records"


def ranked(table: Table, columns: list[str], pool: DataFrame, stored: Stored) -> DataFrame:
    """Find the winner of each key and say what each row means for the table.

    Args:
        table: the Silver table.
        columns: its stored columns.
        pool: judged records and stored rows of the keys concerned.
        stored: what the stored rows in the pool stand for.
    """
    assert isinstance(table.write, History | Merge)
    newest = [F.col(name).desc_nulls_last() for name in (table.write.newest_by, *ARRIVAL_ORDER)]
    may_win = F.col("_valid") | F.col("_stored") if stored is Stored.TRUSTED else F.col("_valid")
    key = Window.partitionBy(*table.keys)
    same = Window.partitionBy(
        *table.keys, "_valid", F.xxhash64(*[name for name in table.schema.fieldNames() if name not in VALIDITY])
    )
    rows = pool.withColumns({"_may_win": may_win, "_copy": F.row_number().over(same.orderBy(*newest))})
    best = key.orderBy(F.col("_may_win").desc(), *newest, F.col("_stored").asc())
    rows = rows.withColumn("_wins", F.col("_may_win") & (F.row_number().over(best) == 1))
    if stored is Stored.NOTHING:
        # Most rows of a lake's life come in the first load, where there is nothing to compare them with.
        was = {name: F.lit(None).cast(kind) for name, kind in WAS.items()}
        op, is_best = F.when(F.col("_wins"), "insert"), F.col("_wins")
    else:
        rows, was = _with_stored(rows, columns, key, best), _was(table)
        op, is_best = _op(columns), _is_best()
    if isinstance(table.write, History):
        rows = _with_validity(rows, table.write)
    return rows.withColumns({**was, "_op": op, "_status": _status(is_best)}).drop(
        "_may_win", "_copy", "_best", "_wins", "_was"
    )


def _was(table: Table) -> dict[str, Column]:
    """What the rest of the algorithm asks of a key's stored row."""
    partition = f"_was.{table.partition_by}" if table.partition_by else "_was._source_file"
    names = {"_was_partition": partition, "_was_file": "_was._source_file", "_was_row": "_was._row_number"}
    return {name: F.col(column).cast(WAS[name]) for name, column in names.items()}


def _with_stored(rows: DataFrame, columns: list[str], key: WindowSpec, best: WindowSpec) -> DataFrame:
    """Add to each row its key's stored row (`_was`) and who came first among the key's rows (`_best`)."""
    return rows.withColumns(
        {
            "_was": F.first(F.when(F.col("_stored"), F.struct(*columns)), ignorenulls=True).over(key),
            "_best": F.first(F.struct("_source_file", "_row_number", "_may_win")).over(
                best.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
            ),
        }
    )


def _with_validity(rows: DataFrame, history: History) -> DataFrame:
    """Fill `valid_from`, `valid_to` and `is_current` of winners from the next version of the same thing."""
    by_version = Window.partitionBy(history.of).orderBy(F.col("_wins").desc(), F.col(history.newest_by).asc())
    following = F.lead(F.when(F.col("_wins"), F.col(history.newest_by))).over(by_version)
    return (
        rows.withColumn("_next", following)
        .withColumns(
            {
                "valid_from": F.col(history.newest_by),
                "valid_to": F.col("_next"),
                "is_current": F.col("_next").isNull(),
            }
        )
        .drop("_next")
    )


def _op(columns: list[str]) -> Column:
    is_same = F.col("_was").eqNullSafe(F.struct(*columns))
    orphan = F.col("_stored") & ~F.col("_best._may_win")
    return (
        F.when(F.col("_wins") & F.col("_was").isNull(), "insert")
        .when(F.col("_wins") & ~is_same, "update")
        .when(orphan, "delete")
    )


def _is_best() -> Column:
    """Whether the record won, or is the one that the stored winner was made from."""
    is_same = (F.col("_best._source_file") == F.col("_source_file")) & (
        F.col("_best._row_number") == F.col("_row_number")
    )
    return F.col("_wins") | is_same


def _status(is_best: Column) -> Column:
    return (
        F.when(F.col("_stored"), F.lit(None).cast("string"))
        .when(~F.col("_valid"), "quarantined")
        .when(is_best, "published")
        .when(F.col("_copy") > 1, "deduplicated")
        .otherwise("superseded")
    )
