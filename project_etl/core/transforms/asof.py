"""As-of joins: a row and the version that was valid at its instant.

Here: joins to tables whose rows are valid from an instant to another. Not here: how versions come to be (the History
write mode). Both joins keep the number of rows, because the versions of one key do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def as_of(rows: DataFrame, history: DataFrame, *, key: str, at: str, columns: Mapping[str, str]) -> DataFrame:
    """Add columns of the version that was valid at the row's instant, or of the earliest version before that.

    Args:
        rows: has the columns `key` and `at`.
        history: one row per `key` and version, with `valid_from` (inclusive); a version is valid until the next one.
        key: name of the key in both frames.
        at: instant column of `rows`.
        columns: column of `history` → name that it gets; must not be columns of `rows`.

    Returns:
        `rows` in the same number, with the columns added; they are NULL where the key has no version or is NULL.
    """
    versions = _that_differ(history.select(key, "valid_from", *columns), key, tuple(columns))
    return join_valid(rows, versions, key=key, at=at, columns=columns)


def _that_differ(history: DataFrame, key: str, columns: Sequence[str]) -> DataFrame:
    """The versions of each key that say something else than the one before; the first reaches back for ever.

    A row is compared with each version of its key. Of a product whose price changes daily, and its category never, it
    is one.
    """
    in_time = Window.partitionBy(key).orderBy("valid_from")
    is_first = F.row_number().over(in_time) == 1
    is_other = reduce(or_, [~F.lag(column).over(in_time).eqNullSafe(F.col(column)) for column in columns])
    versions = history.withColumns({"_is_first": is_first, "_is_other": is_other}).where("_is_first OR _is_other")
    # An order may be older than all we know of its product.
    since = F.when(~F.col("_is_first"), F.col("valid_from"))
    return versions.select(
        key, since.alias("valid_from"), F.lead("valid_from").over(in_time).alias("valid_to"), *columns
    )


def join_valid(rows: DataFrame, versions: DataFrame, *, key: str, at: str, columns: Mapping[str, str]) -> DataFrame:
    """Add columns of the version whose `valid_from` ≤ `at` < `valid_to`; NULL leaves that side open.

    Args:
        rows: has the columns `key` and `at`.
        versions: `key`, `valid_from`, `valid_to` and the wanted columns; the versions of one key do not overlap.
        key: name of the key in both frames.
        at: column of `rows` of the type of `valid_from`.
        columns: column of `versions` → name that it gets; must not be columns of `rows`.

    Returns:
        `rows` in the same number, with the columns added; they are NULL where no version is valid.
    """
    wanted = [F.col(column).alias(name) for column, name in columns.items()]
    bounds = [F.col(key).alias("_key"), F.col("valid_from").alias("_from"), F.col("valid_to").alias("_to")]
    has_begun = F.col("_from").isNull() | (F.col("_from") <= F.col(at))
    has_not_ended = F.col("_to").isNull() | (F.col(at) < F.col("_to"))
    is_valid = (F.col(key) == F.col("_key")) & has_begun & has_not_ended
    return rows.join(versions.select(*bounds, *wanted), on=is_valid, how="left").drop("_key", "_from", "_to")
