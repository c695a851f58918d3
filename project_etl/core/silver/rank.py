"""Who wins: the winner of each key among judged records and stored rows, and what that means for the table.

Belongs here: ranking, validity in time, status and effect of rows. Does not belong here: where rows come from
(`frames.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from project_etl.core.model.records import ARRIVAL_ORDER
from project_etl.core.model.table import VALIDITY, History, Merge, Table

# Column of a table with natural keys: how much the source of a row is believed.
BELIEVED = "_believed"


class Stored(enum.Enum):
    """What the stored rows in a pool stand for."""

    NOTHING = "there are none"
    TRUSTED = "all earlier records of their key, so that they may win"
    DOUBTED = "nothing any more: the winner is found among the records"


def ranked(
    table: Table, columns: list[str], pool: DataFrame, stored: Stored, precedence: Mapping[str, int]
) -> DataFrame:
    """Find the winner of each key and say what each row means for the table.

    Args:
        table: the Silver table.
        columns: its stored columns.
        pool: judged records and stored rows of the keys concerned.
        stored: what the stored rows in the pool stand for.
        precedence: folder of a source → its place among those that may say something of one natural key.
    """
    if _is_natural(table):
        pool = pool.withColumn(BELIEVED, _believed(precedence))
    rows = _first(table, pool) if stored is Stored.NOTHING else _compared(table, columns, pool, stored)
    if isinstance(table.write, History):
        rows = _with_validity(rows, table.write)
    if stored is Stored.NOTHING:
        was, op, is_best = dict.fromkeys(table.days, F.lit(None)), F.when(_makes_row(), "insert"), F.col("_wins")
    else:
        was, op, is_best = {day: F.col(f"_was.{day}") for day in table.days}, _op(columns), _is_best()
    were = {was_day(day): value.cast("string") for day, value in was.items()}
    effect = {**were, "_op": op, "_status": _status(is_best), "_is_newer": _is_newer(table)}
    return rows.withColumns(effect).drop("_copy", "_best", "_wins", "_was", "_deleted", BELIEVED)


def _is_natural(table: Table) -> bool:
    """Whether several sources may say something of one key of a table."""
    return table.records is not None and table.records.are_natural(table.keys)


def _believed(precedence: Mapping[str, int]) -> Column:
    """How much a row's source is believed: more than those that stand behind it."""
    path = F.col("_source_file")
    cases = [F.when(path.startswith(folder), -place) for folder, place in precedence.items() if place]
    return F.coalesce(*cases, F.lit(0))


def _arrival(table: Table) -> tuple[str, ...]:
    """What decides between records of one instant, the larger one wins."""
    return (BELIEVED, *ARRIVAL_ORDER) if _is_natural(table) else ARRIVAL_ORDER


def was_day(column: str) -> str:
    """The column with the day that the stored row of a key has."""
    return f"_was_{column}"


def _first(table: Table, pool: DataFrame) -> DataFrame:
    """Find winners where there is nothing to compare them with, as in the first load: most rows of a lake's life.

    Most keys have one record then. To sort those would be most of the work.
    """
    keys = list(table.keys)
    repeated = pool.groupBy(*keys).agg(F.count(F.lit(1)).alias("_number")).where("_number > 1").select(*keys)
    # A record without a key is like no other, and cannot win.
    pool = pool.withColumn("_may_win", F.col("_valid"))
    alone = pool.join(repeated, on=keys, how="left_anti")
    alone = alone.withColumns({"_copy": F.lit(1), "_wins": F.col("_valid"), "_best": _as_best(table)})
    several = _with_winner(table, pool.join(repeated, on=keys, how="left_semi"))
    return alone.unionByName(several).drop("_may_win")


def _compared(table: Table, columns: list[str], pool: DataFrame, stored: Stored) -> DataFrame:
    """Find winners among records and stored rows: `_wins`, `_copy`, `_best` and `_was`."""
    may_win = F.col("_valid") | F.col("_stored") if stored is Stored.TRUSTED else F.col("_valid")
    rows = _with_winner(table, pool.withColumn("_may_win", may_win))
    was = F.first(F.when(F.col("_stored"), F.struct(*columns)), ignorenulls=True)
    return rows.withColumn("_was", was.over(Window.partitionBy(*table.keys))).drop("_may_win")


def _with_winner(table: Table, rows: DataFrame) -> DataFrame:
    """Add who comes first among the rows of a key.

    Returns:
        The rows with `_best` (that row, see `_as_best`), `_wins` (whether it is this one, and may win), and `_copy`
        (which of the records that say the same a record is, from 1).
    """
    said = F.xxhash64(*[name for name in table.schema.fieldNames() if name not in VALIDITY])
    same = Window.partitionBy(*table.keys, "_valid", "_deleted", said)
    order = _order(table)
    best = F.first(_as_best(table)).over(order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    return rows.withColumns(
        {
            "_copy": F.row_number().over(same.orderBy(*_newest(table))).cast("int"),
            "_wins": F.col("_may_win") & (F.row_number().over(order) == 1),
            "_best": best,
        }
    )


def _as_best(table: Table) -> Column:
    """What a row must be known by when it comes first among those of its key."""
    return F.struct(F.col(table.newest_by).alias("_at"), *_arrival(table), "_may_win", "_deleted")


def _newest(table: Table) -> list[Column]:
    return [F.col(name).desc_nulls_last() for name in (table.newest_by, *_arrival(table))]


def _order(table: Table) -> WindowSpec:
    return Window.partitionBy(*table.keys).orderBy(F.col("_may_win").desc(), *_newest(table), F.col("_stored").asc())


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
    is_gone = F.col("_stored") & (~F.col("_best._may_win") | F.col("_best._deleted"))
    return (
        F.when(_makes_row() & F.col("_was").isNull(), "insert")
        .when(_makes_row() & ~is_same, "update")
        .when(is_gone, "delete")
    )


def _makes_row() -> Column:
    """Whether a record won that does not say that its thing is gone."""
    return F.col("_wins") & ~F.col("_deleted")


def _is_newer(table: Table) -> Column:
    """Whether a record that is kept out is a newer version of a key that has a row."""
    if not isinstance(table.write, Merge):
        return F.lit(False)
    at, best, order = F.col(table.newest_by), F.col("_best._at"), _arrival(table)
    arrival, of_best = F.struct(*order), F.struct(*[F.col(f"_best.{name}") for name in order])
    is_later = (at > best) | (at.isNotNull() & best.isNull()) | (at.eqNullSafe(best) & (arrival > of_best))
    has_row = F.col("_best._may_win") & ~F.col("_best._deleted")
    return ~F.col("_valid") & ~F.col("_stored") & has_row & F.coalesce(is_later, F.lit(False))


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
        .when(is_best, "accepted")
        .when(F.col("_copy") > 1, "deduplicated")
        .otherwise("superseded")
    )
