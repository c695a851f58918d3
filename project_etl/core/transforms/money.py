"""Money: decimal types, rounding, exact division and conversion into the reporting currency.

Here: every place where an amount is summed, divided, rounded or converted, so that all tables do it alike. Not here:
which orders count as revenue (`gold/fact_order_items.py`). Nothing is ever a float, and rounding is half up (a half
goes away from zero). A value that does not fit its type becomes NULL instead of an exception, and so does the sum of
amounts of which one is NULL; the NOT NULL rules of the contracts then say in which row.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.transforms.asof import join_valid
from project_etl.core.transforms.exact import quotient, rate_product, scaled_product

# The same types twice: as contracts annotate columns, and as Spark casts them.
Amount: TypeAlias = Annotated[T.DecimalType, 18, 4]
"""One price or amount, kept at four places."""
OrderAmount: TypeAlias = Annotated[T.DecimalType, 28, 4]
"""The sum of an order's amounts; wide enough for any sum of `Amount`."""
Rate: TypeAlias = Annotated[T.DecimalType, 28, 18]
"""An exchange rate; 18 places, so that a derived one converts as its exact fraction would."""
Money: TypeAlias = Annotated[T.DecimalType, 20, 2]
"""A result that people read, rounded to two places."""
Share: TypeAlias = Annotated[T.DecimalType, 18, 6]
"""A share, rate or growth, rounded to six places."""

AMOUNT = T.DecimalType(18, 4)
ORDER_AMOUNT = T.DecimalType(28, 4)
RATE = T.DecimalType(28, 18)
MONEY = T.DecimalType(20, 2)
SHARE = T.DecimalType(18, 6)
TOTAL = T.DecimalType(22, 4)
"""An unrounded sum: as many digits before the point as `MONEY`. A sum of `AMOUNT` fits in the type that engines give
it for the first 10¹⁰ rows; beyond that one engine raises and another goes wrong."""
CROSSED = T.DecimalType(27, 17)
"""A rate through a third currency, before it becomes `RATE`."""
CHANGE = T.DecimalType(23, 4)
"""The difference of two unrounded sums."""
SMALL_RATE, LARGE_RATE = T.DecimalType(18, 14), T.DecimalType(18, 8)
"""What of a given rate its inverse is made from: fourteen places below ten thousand, and eight from there on."""
SMALLEST_LARGE_RATE = 10_000


def total(amount: Column | str) -> Column:
    """Sum amounts and leave the sum unrounded (`TOTAL`).

    NULL when one of them is NULL, for a sum of the others is none of all; when there is none, or the sum does not fit.
    """
    return F.when(F.count_if(_column(amount).isNull()) == 0, F.sum(amount).try_cast(TOTAL))


def total_where(amount: Column | str, condition: Column) -> Column:
    """Sum the amounts of the rows that meet the condition, as `total` does; 0 when no row does."""
    return total(F.when(condition, _column(amount)).otherwise(F.lit(0).cast(AMOUNT)))


def to_money(amount: Column | str) -> Column:
    """Round an unrounded sum or quotient half up to two places (`MONEY`)."""
    return _column(amount).try_cast(MONEY)


def average(of: Column | str, number: Column | str) -> Column:
    """Divide an unrounded sum by a count, rounded half up to two places (`MONEY`); NULL when the count is 0."""
    return quotient(_column(of), _column(number), TOTAL, MONEY)


def share(part: Column | str, whole: Column | str) -> Column:
    """Divide two unrounded sums or counts, rounded half up to six places (`SHARE`); NULL when the second is 0."""
    return quotient(_column(part), _column(whole), TOTAL, SHARE)


def growth(now: Column | str, before: Column | str) -> Column:
    """Return now / before − 1 for two unrounded sums or counts, rounded to six places (`SHARE`); NULL after 0."""
    change = _column(now).try_cast(TOTAL) - _column(before).try_cast(TOTAL)
    return quotient(change, _column(before), CHANGE, SHARE)


def convert(amount: Column | str, rate: Column | str) -> Column:
    """Return amount × rate at four places (`AMOUNT`); NULL without a rate or when the result does not fit.

    The exact product is first rounded to 13 places. That this is rounded before the final rounding is welcome: a
    quotient that lies exactly on a half, such as 0.06 / 9.6, misses it by the 19th place of the rate and is put back
    on it.
    """
    exact = scaled_product(_column(amount), _column(rate))
    return exact.try_cast(T.DecimalType(29, 13)).try_cast(AMOUNT)


def with_rates(rows: DataFrame, fx_rates: DataFrame, *, into: str, day: str) -> DataFrame:
    """Add the rate that turns each row's currency into another one.

    A row in that currency already gets 1 and no date. Any other row gets the rate of its day, or of the newest
    earlier day that gives one; NULL when there is none.

    Args:
        rows: has `currency` and the date column `day`; keeps its number of rows.
        fx_rates: `rate_date`, `base_currency`, `quote_currency`, `rate` (quote per base); one row per day and pair.
        into: ISO code of the currency to convert to.
        day: the column of `rows` with the day whose rate applies.

    Returns:
        `rows` with `fx_rate` (`RATE`) and `fx_rate_date` (the day the rate is from).
    """
    next_date = F.lead("rate_date").over(Window.partitionBy("currency").orderBy("rate_date"))
    versions = rates_into(fx_rates, into).select(
        "currency", "rate", "rate_date", F.col("rate_date").alias("valid_from"), next_date.alias("valid_to")
    )
    # Each currency and day is looked up once, however many rows share it.
    asked = rows.where(F.col("currency") != into).select("currency", day).distinct()
    names = {"rate": "_rate", "rate_date": "fx_rate_date"}
    known = join_valid(asked, versions, key="currency", at=day, columns=names)
    same = F.when(F.col("currency") == into, F.lit(Decimal(1)).cast(RATE))
    return (
        rows.join(F.broadcast(known), on=["currency", day], how="left")
        .withColumn("fx_rate", F.coalesce(same, F.col("_rate")))
        .drop("_rate")
    )


def rates_into(fx_rates: DataFrame, into: str) -> DataFrame:
    """Derive from each day's rates what one unit of every other currency is worth in `into`.

    A given rate wins over the inverse of the opposite one, and both over a cross rate through a third currency with
    rates to both on the same day. Of several such currencies the alphabetically first is used.

    Returns:
        One row per day and currency: `rate_date`, `currency`, `rate` (`RATE`, never NULL).
    """
    is_exchange = F.col("base_currency") != F.col("quote_currency")
    rate = F.col("rate").cast(RATE)
    inverse = inverse_of(F.col("rate"))
    both_ways = F.array(
        _leg(F.col("base_currency"), F.col("quote_currency"), rate, choice=0),
        _leg(F.col("quote_currency"), F.col("base_currency"), inverse, choice=1),
    )
    # A day has few rates: held in one array per day, they are combined without a join.
    days = fx_rates.where(is_exchange).groupBy("rate_date").agg(F.flatten(F.collect_list(both_ways)).alias("legs"))
    last_legs = F.filter("legs", lambda leg: leg["bought"] == into)
    first_legs = F.filter("legs", lambda leg: (leg["bought"] == F.col("last.sold")) & (leg["sold"] != into))
    routes = days.select("rate_date", "legs", F.explode(last_legs).alias("last")).select(
        # NULL for a direct route.
        "rate_date", "last", F.explode(F.concat(F.array(F.lit(None)), first_legs)).alias("first")
    )  # fmt: skip
    is_direct = F.col("first").isNull()
    crossed = rate_product(F.col("first.rate"), F.col("last.rate")).try_cast(CROSSED).try_cast(RATE)
    rated = routes.select(
        "rate_date",
        F.coalesce("first.sold", "last.sold").alias("currency"),
        F.when(is_direct, F.col("last.rate")).otherwise(crossed).alias("rate"),
        # The empty name of a direct route sorts before every currency.
        F.struct(F.when(is_direct, "").otherwise(F.col("last.sold")), "first.choice", "last.choice").alias(
            "preference"
        ),
    )
    best = F.min_by("rate", "preference").alias("rate")
    return rated.where(F.col("rate").isNotNull()).groupBy("rate_date", "currency").agg(best)


def inverse_of(rate: Column) -> Column:
    """One divided by a rate, rounded half up (`RATE`); NULL for 0 and what does not fit."""
    # What is smaller has no inverse that fits, and one engine raises when it divides by it.
    known = F.when(F.abs(rate) >= F.lit("0.0000000001").cast(RATE), rate)
    small, large = (quotient(F.lit(1), known, of, RATE) for of in (SMALL_RATE, LARGE_RATE))
    return F.when(F.abs(rate) < F.lit(SMALLEST_LARGE_RATE), small).otherwise(large)


def _leg(sold: Column, bought: Column, rate: Column, *, choice: int) -> Column:
    return F.struct(sold.alias("sold"), bought.alias("bought"), rate.alias("rate"), F.lit(choice).alias("choice"))


def _column(column: Column | str) -> Column:
    return F.col(column) if isinstance(column, str) else column
