"""Validation: one row per check of the star schema as it is published, whoever wrote it.

The checks trust no rule of any table: they read the six tables and ask whether keys are unique, references lead
somewhere, dates are of this world, numbers make sense and totals agree. A check that finds something is broken is
published, and fails. `project-etl validate` asks them of the tables of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import pandera.pyspark as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import ERROR, FAIL, WARN, Action, on_fail, sql_rule
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import Share, share
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of

FIRST_DAY = "1900-01-01"
MOST_DAYS = 10


class Validation(pa.DataFrameModel):
    """What one check found."""

    name: T.StringType = pa.Field(description="Name of the check.", metadata=on_fail(FAIL))
    table: T.StringType = pa.Field(description="Table that it is about.", metadata=on_fail(FAIL))
    kind: T.StringType = pa.Field(
        isin=("primary key", "reference", "date range", "number", "total"),
        description="What it asks.",
        metadata=on_fail(FAIL),
    )
    severity: T.StringType = pa.Field(
        isin=("ERROR", "WARN"), description="Whether the star schema is wrong where it fails.", metadata=on_fail(FAIL)
    )
    checked: T.LongType = pa.Field(ge=0, description="Rows that it looked at.", metadata=on_fail(FAIL))
    broken: T.LongType = pa.Field(ge=0, description="Rows that fail it.", metadata=on_fail(FAIL))
    share: Share = pa.Field(
        nullable=True,
        in_range={"min_value": 0, "max_value": 1},
        description="broken / checked; empty when there is no row.",
        metadata=on_fail(FAIL),
    )
    passed: T.BooleanType = pa.Field(description="Whether no row fails it.", metadata=on_fail(FAIL))
    days: T.ArrayType(T.DateType()) = pa.Field(  # pyright: ignore[reportInvalidTypeForm]
        description="The first ten business days with such rows; empty for dimensions.", metadata=on_fail(FAIL)
    )
    sample_keys: T.ArrayType(T.StringType()) = pa.Field(  # pyright: ignore[reportInvalidTypeForm]
        description="Smallest and largest key of such rows.", metadata=on_fail(FAIL)
    )
    as_of: T.DateType = pa.Field(nullable=True, description=AS_OF_MEANS)


@dataclass(frozen=True)
class Star:
    """A table of the star schema.

    Attributes:
        name: its short name, which is the argument of the transform.
        keys: columns that identify a row.
        day: column of its business day; empty for a dimension.
    """

    name: str
    keys: tuple[str, ...]
    day: str = ""


@dataclass(frozen=True)
class Check:
    """A question to a table.

    Attributes:
        name: its name, which is that of the asset check.
        table: the table's short name.
        kind: what is asked.
        what: what must hold, as a sentence.
        asks: which rows are looked at, in SQL.
        breaks: which of these fail, in SQL; `as_of` is the latest business day.
        parent: for a reference, column and parent table.
        severity: what a failing row means.
    """

    name: str
    table: str
    kind: str
    what: str
    asks: str = "TRUE"
    breaks: str = ""
    parent: tuple[str, str] | None = None
    severity: Action = ERROR


STARS = (
    Star("dim_customers", ("customer_id",)),
    Star("dim_products", ("product_id",)),
    Star("fact_orders", ("order_id",), "order_date"),
    Star("fact_order_items", ("order_id", "order_item_id"), "order_date"),
    Star("fact_events", ("event_id",), "event_date"),
    Star("fact_reviews", ("review_id",), "review_date"),
)
KEYS = {star.name: star.keys for star in STARS}


def _primary_key(star: Star) -> Check:
    keys = " and ".join(star.keys)
    return Check(f"{star.name}_primary_key", star.name, "primary key", f"{keys} must be given, and once")


def _reference(table: str, column: str, parent: str, severity: Action = ERROR) -> Check:
    return Check(
        f"{table}_{column}_in_{parent}",
        table,
        "reference",
        f"{column} must be in {parent}, where it is given",
        asks=f"`{column}` IS NOT NULL",
        breaks=f"{_found(column)} IS NULL",
        parent=(column, parent),
        severity=severity,
    )


def _date(table: str, column: str) -> Check:
    return Check(
        f"{table}_{column}_in_range",
        table,
        "date range",
        f"{column} must not be before {FIRST_DAY} nor later than the day after as_of",
        asks=f"`{column}` IS NOT NULL",
        breaks=f"`{column}` < DATE'{FIRST_DAY}' OR `{column}` > date_add(as_of, 1)",
    )


def _number(table: str, column: str, must: str, sentence: str) -> Check:
    return Check(
        f"{table}_{column}", table, "number", f"{column} must be {sentence}", f"`{column}` IS NOT NULL", f"NOT ({must})"
    )


def _found(column: str) -> str:
    """The column that says whether a reference leads somewhere."""
    return f"_found_{column}"


CHECKS = (
    *map(_primary_key, STARS),
    _reference("fact_orders", "customer_id", "dim_customers", WARN),
    _reference("fact_order_items", "product_id", "dim_products"),
    _reference("fact_order_items", "order_id", "fact_orders"),
    _reference("fact_events", "customer_id", "dim_customers", WARN),
    _reference("fact_reviews", "product_id", "dim_products"),
    _date("dim_customers", "signup_date"),
    _date("fact_orders", "order_date"),
    _date("fact_events", "event_date"),
    _date("fact_reviews", "review_date"),
    _number("fact_orders", "order_total", "order_total >= 0", "0 or more"),
    _number("dim_products", "price", "price > 0", "greater than 0"),
    _number("fact_order_items", "quantity", "quantity > 0", "greater than 0"),
    _number("fact_reviews", "rating", "rating BETWEEN 1 AND 5", "1 to 5"),
    Check(
        "fact_orders_totals",
        "fact_orders",
        "total",
        "order_total, where given, must be net_amount (± 0.01)",
        asks="order_total IS NOT NULL",
        breaks="abs(order_total - net_amount) > 0.01",
        severity=WARN,
    ),
)

TABLE = Table(
    name="gold/validation",
    contract=Validation,
    keys=("name",),
    inputs={star.name: whole(f"gold/{star.name}") for star in STARS} | {"dim_date": whole("gold/dim_date")},
    rules=tuple(
        sql_rule(
            check.name,
            f"name <> '{check.name}' OR broken = 0",
            action=check.severity,
            max_share=0,
            counts="broken",
            description=f"{check.table}: {check.what}",
        )
        for check in CHECKS
    ),
    write=Snapshot(),
)


def transform(
    dim_customers: DataFrame,
    dim_products: DataFrame,
    fact_orders: DataFrame,
    fact_order_items: DataFrame,
    fact_events: DataFrame,
    fact_reviews: DataFrame,
    dim_date: DataFrame,
) -> DataFrame:
    """Ask each check of its table: one pass over the rows of a table, and one over its keys."""
    frames = {
        "dim_customers": dim_customers,
        "dim_products": dim_products,
        "fact_orders": fact_orders,
        "fact_order_items": fact_order_items,
        "fact_events": fact_events,
        "fact_reviews": fact_reviews,
    }
    found = [_of_keys(frames[star.name], star) for star in STARS]
    found += [_of_rows(frames, star, dim_date) for star in STARS]
    severity = F.when(F.col("name").isin(*[c.name for c in CHECKS if c.severity is WARN]), "WARN").otherwise("ERROR")
    return with_as_of(reduce(DataFrame.unionAll, found), dim_date).select(
        "name",
        "table",
        "kind",
        severity.alias("severity"),
        "checked",
        "broken",
        share("broken", "checked").alias("share"),
        (F.col("broken") == 0).alias("passed"),
        F.slice(F.array_sort(F.array_compact("days")), 1, MOST_DAYS).alias("days"),
        F.array_distinct(F.array_compact("sample_keys")).alias("sample_keys"),
        "as_of",
    )


def _of_keys(rows: DataFrame, star: Star) -> DataFrame:
    """Whether the keys of a table are given, and once."""
    keys = rows.groupBy(*star.keys).agg(F.count(F.lit(1)).alias("rows"), F.min(_day(star)).alias("day"))
    is_missing = reduce(Column.__or__, [F.col(key).isNull() for key in star.keys])
    keys = keys.select("rows", "day", _shown(star).alias("shown"), (is_missing | (F.col("rows") > 1)).alias("is_bad"))
    bad = F.col("is_bad")
    shown = F.when(bad, F.col("shown"))
    result = _result(
        _primary_key(star),
        checked=F.coalesce(F.sum("rows"), F.lit(0)),
        broken=F.coalesce(F.sum(F.when(bad, F.col("rows"))), F.lit(0)),
        days=F.collect_set(F.when(bad, F.col("day"))),
        sample_keys=F.array(F.min(shown), F.max(shown)),
    )
    return keys.agg(result.alias("result")).select("result.*")


def _of_rows(frames: dict[str, DataFrame], star: Star, dim_date: DataFrame) -> DataFrame:
    """All other checks of a table."""
    checks = [check for check in CHECKS if check.table == star.name and check.breaks]
    rows = with_as_of(frames[star.name].drop("as_of"), dim_date)
    for column, parent in [check.parent for check in checks if check.parent]:
        known = frames[parent].select(F.col(KEYS[parent][0]).alias(f"_key_{column}")).distinct()
        known = known.withColumn(_found(column), F.lit(True))
        rows = rows.join(known, on=F.col(column) == F.col(f"_key_{column}"), how="left")

    def result(check: Check) -> Column:
        is_asked, is_bad = F.expr(check.asks), F.expr(f"({check.asks}) AND ({check.breaks})")
        shown = F.when(is_bad, _shown(star))
        return _result(
            check,
            checked=F.count_if(is_asked),
            broken=F.count_if(is_bad),
            days=F.collect_set(F.when(is_bad, _day(star))),
            sample_keys=F.array(F.min(shown), F.max(shown)),
        )

    counted = rows.agg(F.array(*map(result, checks)).alias("results"))
    return counted.select(F.explode("results").alias("result")).select("result.*")


def _result(check: Check, **counted: Column) -> Column:
    said = {"name": check.name, "table": check.table, "kind": check.kind}
    return F.struct(
        *[F.lit(text).alias(name) for name, text in said.items()], *[c.alias(n) for n, c in counted.items()]
    )


def _day(star: Star) -> Column:
    return F.col(star.day) if star.day else F.lit(None).cast("date")


def _shown(star: Star) -> Column:
    """A key as text."""
    return F.concat_ws(" ", *[F.coalesce(F.col(key), F.lit("(none)")) for key in star.keys])
