"""Money: types, rounding, division and conversion."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import get_args

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.transforms import money
from project_etl_tests.small_tables import assert_rows, frame

pytestmark = pytest.mark.usefixtures("compiled")

RATES = "rate_date DATE, base_currency STRING, quote_currency STRING, rate DECIMAL(28,18)"
SOLD = "id STRING, currency STRING, order_date DATE"


@pytest.mark.parametrize(
    ("annotation", "of"),
    [
        (money.Amount, money.AMOUNT),
        (money.Rate, money.RATE),
        (money.Money, money.MONEY),
        (money.Share, money.SHARE),
    ],
)
def test_contracts_and_casts_mean_the_same_type(annotation: object, of: T.DecimalType):
    assert get_args(annotation) == (T.DecimalType, of.precision, of.scale)


def test_a_half_goes_away_from_zero(spark: SparkSession):
    rows = frame(spark, "a\n0.0049\n0.0050\n0.0149\n1.0150\n-0.0050", "a DECIMAL(18,4)")
    found = rows.select("a", money.to_money("a").alias("m"))
    assert_rows(found, "a | m\n0.0049 | 0.00\n0.0050 | 0.01\n0.0149 | 0.01\n1.0150 | 1.02\n-0.0050 | -0.01")


def test_a_quotient_is_rounded_once(spark: SparkSession):
    """0.0333/7.4 = 0.0045 exactly, and 1/201 = 0.004975…: six places are not enough to round from."""
    rows = frame(spark, "a | n\n100000.0049 | 1\n0.0149 | 3\n1 | 201\n5 | 0", "a DECIMAL(18,4), n BIGINT")
    found = rows.select("n", money.average("a", "n").alias("m"), money.share("a", "n").alias("s"))
    assert_rows(
        found,
        """
        n   | m         | s
        1   | 100000.00 | 100000.004900
        3   | 0.00      | 0.004967
        201 | 0.00      | 0.004975
        0   | -         | -
        """,
    )


def test_counts_are_divided_as_decimals(spark: SparkSession):
    counts = spark.range(1).select(F.lit(2).cast("bigint").alias("a"), F.lit(3).cast("bigint").alias("b"))
    assert_rows(counts.select(money.share("a", "b").alias("s")), "s\n0.666667")


def test_sums_stay_unrounded_and_wide(spark: SparkSession):
    rows = frame(spark, "a\n99999999999999.9999\n99999999999999.9999\n0.0002", "a DECIMAL(18,4)")
    assert_rows(rows.agg(money.total("a").alias("t")), "t\n200000000000000.0000")


def test_a_sum_of_which_one_amount_is_unknown_is_unknown(spark: SparkSession):
    rows = frame(spark, "kind | a\nx | 1.5\nx | -\ny | 7", "kind STRING, a DECIMAL(18,4)")
    assert_rows(rows.groupBy("kind").agg(money.total("a").alias("t")), "kind | t\nx | -\ny | 7.0000")
    by_kind = [money.total_where("a", F.col("kind") == kind).alias(kind) for kind in ("x", "y")]
    assert_rows(rows.agg(*by_kind), "x | y\n- | 7.0000")


def test_a_sum_that_does_not_fit_is_missing_rather_than_an_exception(spark: SparkSession):
    rows = frame(spark, f"a\n{'9' * 20}", "a DECIMAL(38,4)")
    assert_rows(rows.agg(money.total("a").alias("t")), "t\n-")
    assert_rows(rows.select(money.to_money("a").alias("m")), "m\n-")
    assert_rows(rows.select(money.convert(F.lit(Decimal(10) ** 13), F.lit(Decimal(100))).alias("c")), "c\n-")


def test_sums_under_a_condition_are_zero_without_rows(spark: SparkSession):
    rows = frame(spark, "kind | a\nx | 1.5\nx | 2.25\ny | 7", "kind STRING, a DECIMAL(18,4)")
    sums = rows.agg(
        money.total_where("a", F.col("kind") == "x").alias("x"), money.total_where("a", F.lit(False)).alias("none")
    )
    assert_rows(sums, "x | none\n3.7500 | 0.0000")


def test_a_rate_is_given_inverse_or_crossed(spark: SparkSession):
    """One case a day."""
    fx_rates = frame(
        spark,
        """
        rate_date  | base_currency | quote_currency | rate
        2025-01-01 | USD           | EUR            | 0.5
        2025-01-01 | EUR           | USD            | 4
        2025-01-02 | EUR           | USD            | 1.2
        2025-01-03 | EUR           | USD            | 4
        2025-01-03 | USD           | AUD            | 3
        2025-01-03 | AUD           | EUR            | 3
        2025-01-04 | USD           | GBP            | 0.5
        2025-01-04 | GBP           | EUR            | 3
        2025-01-05 | GBP           | USD            | 2
        2025-01-05 | EUR           | GBP            | 0.25
        2025-01-06 | USD           | GBP            | 1
        2025-01-06 | GBP           | EUR            | 1
        2025-01-06 | USD           | AUD            | 1
        2025-01-06 | AUD           | EUR            | 2
        2025-01-07 | USD           | USD            | 7
        2025-01-07 | GBP           | NOK            | 2
        2025-01-08 | USD           | GBP            | 1
        2025-01-08 | GBP           | AUD            | 1
        2025-01-08 | AUD           | EUR            | 1
        2025-01-09 | EUR           | EUR            | 3
        """,
        RATES,
    )
    found = money.rates_into(fx_rates, "EUR")
    dollars = found.where("currency = 'USD'").withColumn("rate", F.col("rate").cast("decimal(12,8)"))
    assert found.schema["rate"].dataType == money.RATE
    assert_rows(
        dollars,
        """
        rate_date  | rate
        2025-01-01 | 0.50000000
        2025-01-02 | 0.83333333
        2025-01-03 | 0.25000000
        2025-01-04 | 1.50000000
        2025-01-05 | 2.00000000
        2025-01-06 | 2.00000000
        """,
    )
    assert_rows(found.where("currency = 'EUR'"), "rate_date | rate")


def test_a_day_without_a_rate_takes_the_newest_earlier_one_of_its_currency(spark: SparkSession):
    fx_rates = frame(
        spark,
        """
        rate_date  | base_currency | quote_currency | rate
        2025-01-02 | USD           | EUR            | 2
        2025-01-04 | USD           | EUR            | 4
        2025-01-05 | GBP           | EUR            | 5
        2025-01-09 | USD           | EUR            | 9
        """,
        RATES,
    )
    rows = frame(
        spark,
        """
        id     | currency | order_date
        before | USD      | 2025-01-01
        on     | USD      | 2025-01-02
        gap    | USD      | 2025-01-03
        later  | USD      | 2025-01-08
        after  | USD      | 2025-02-01
        twin   | USD      | 2025-02-01
        pound  | GBP      | 2025-01-06
        own    | EUR      | 2025-01-01
        none   | -        | 2025-01-05
        """,
        SOLD,
    )
    found = money.with_rates(rows, fx_rates, into="EUR", day="order_date")
    assert_rows(
        found.withColumn("fx_rate", F.col("fx_rate").cast("int")),
        """
        id     | fx_rate | fx_rate_date
        before | -       | -
        on     | 2       | 2025-01-02
        gap    | 2       | 2025-01-02
        later  | 4       | 2025-01-04
        after  | 9       | 2025-01-09
        twin   | 9       | 2025-01-09
        pound  | 5       | 2025-01-05
        own    | 1       | -
        none   | -       | -
        """,
    )


def test_conversion_by_a_derived_rate_equals_exact_arithmetic(spark: SparkSession):
    """Also for quotients that lie on a half, such as 0.06 / 9.6 = 0.00625, whichever way the rate was rounded."""
    random = Random(7)
    quotes = [Decimal(random.randrange(1, 200_000_000)).scaleb(-6) for _ in range(200)] + [Decimal("9.6")]
    quotes += [Decimal(number).scaleb(-1) for number in range(1, 200)]
    amounts = [Decimal(random.randrange(1, 10**9)).scaleb(-4) for _ in range(100)] + [Decimal("0.0600")]
    amounts += [Decimal(number).scaleb(-4) for number in range(1, 100)]
    pairs = [(quote, amount) for quote in quotes for amount in amounts]
    rows = spark.createDataFrame(pairs, "quote DECIMAL(28,18), amount DECIMAL(18,4)")
    inverse = money.inverse_of(F.col("quote"))
    found = rows.select("quote", "amount", money.convert("amount", inverse).alias("converted")).collect()
    wrong = [row for row in found if row.converted != _exactly(Fraction(row.amount) / Fraction(row.quote))]
    assert not wrong


def _exactly(value: Fraction) -> Decimal:
    return Decimal((value * 20_000 + 1) // 2).scaleb(-4)
