"""Who wins: the winner of each key among judged records and stored rows, and what that means for the table.

Belongs here: ranking, validity in time, status and effect of rows. Does not belong here: where rows come from
(`frames.py`).
"""

from __future__ import annotations

import enum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from project_etl.core.model.records import ARRIVAL_ORDER
from project_etl.core.model.table import VALIDITY, History, Merge, Table


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
    rows = _first(table, pool) if stored is Stored.NOTHING else _compared(table, columns, pool, stored)
    if isinstance(table.write, History):
        rows = _with_validity(rows, table.write)
    if stored is Stored.NOTHING:
        was_day, op, is_best = F.lit(None), F.when(F.col("_wins"), "insert"), F.col("_wins")
    else:
        was_day = F.col(f"_was.{table.day_column}") if table.day_column else F.lit(None)
        op, is_best = _op(columns), _is_best()
    effect = {"_was_day": was_day.cast("string"), "_op": op, "_status": _status(is_best)}
    return rows.withColumns(effect).drop("_copy", "_best", "_wins", "_was")


def _first(table: Table, pool: DataFrame) -> DataFrame:
    """Find winners where there is nothing to compare them with, as in the first load: most rows of a lake's life.

    Most keys have one record then. To sort those would be most of the work.
    """
    keys = list(table.keys)
    repeated = pool.groupBy(*keys).agg(F.count(F.lit(1)).alias("_number")).where("_number > 1").select(*keys)
    # A record without a key is like no other, and cannot win.
    alone = pool.join(repeated, on=keys, how="left_anti").withColumns({"_copy": F.lit(1), "_wins": F.col("_valid")})
    several = _with_winner(table, pool.join(repeated, on=keys, how="left_semi"), F.col("_valid"))
    return alone.unionByName(several)


def _compared(table: Table, columns: list[str], pool: DataFrame, stored: Stored) -> DataFrame:
    """Find winners among records and stored rows: `_wins`, `_copy`, `_best` and `_was`."""
    may_win = F.col("_valid") | F.col("_stored") if stored is Stored.TRUSTED else F.col("_valid")
    rows = _with_winner(table, pool.withColumn("_may_win", may_win), F.col("_may_win"))
    return _with_stored(rows, columns, Window.partitionBy(*table.keys), _order(table, F.col("_may_win"))).drop(
        "_may_win"
    )


def _with_winner(table: Table, rows: DataFrame, may_win: Column) -> DataFrame:
    """Add `_wins`, and `_copy`: which of the records that say the same a record is, from 1."""
    same = Window.partitionBy(
        *table.keys, "_valid", F.xxhash64(*[name for name in table.schema.fieldNames() if name not in VALIDITY])
    )
    is_best = F.row_number().over(_order(table, may_win)) == 1
    return rows.withColumns(
        {"_copy": F.row_number().over(same.orderBy(*_newest(table))).cast("int"), "_wins": may_win & is_best}
    )


def _newest(table: Table) -> list[Column]:
    assert isinstance(table.write, History | Merge)
    return [F.col(name).desc_nulls_last() for name in (table.write.newest_by, *ARRIVAL_ORDER)]


def _order(table: Table, may_win: Column) -> WindowSpec:
    return Window.partitionBy(*table.keys).orderBy(may_win.desc(), *_newest(table), F.col("_stored").asc())


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
