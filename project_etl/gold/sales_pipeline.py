"""Sales pipeline: one row per business day and stage, of the deals that were made on that day.

The stage is the one that a deal is in now: a deal that moves on leaves one row of its day for another.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day, whole
from project_etl.core.transforms.money import Money, convert, to_money, total_where, with_rates


class SalesPipeline(pa.DataFrameModel):
    """The deals of one day that are in one stage."""

    created_date: T.DateType = pa.Field(
        description="Business day on which the deals were made.", metadata=on_fail(FAIL)
    )
    stage: T.StringType = pa.Field(description="Stage that they are in now.", metadata=on_fail(FAIL))
    deals: T.LongType = pa.Field(gt=0, description="Deals.", metadata=on_fail(FAIL))
    amount: Money = pa.Field(
        ge=0,
        description="What they are worth, by the rate of the day, reporting currency; a deal without an amount adds 0.",
        metadata=on_fail(
            FAIL,
            null=on_fail(
                FAIL,
                description="every deal with an amount must have a rate into the reporting currency on the day on which"
                " it was made or before it; add the rate to fx_rates",
            ),
        ),
    )


TABLE = Table(
    name="gold/sales_pipeline",
    contract=SalesPipeline,
    keys=("created_date", "stage"),
    inputs={"deals": same_day("silver/crm_deals"), "fx_rates": whole("silver/fx_rates")},
    conserves=(Conserves("deals", here="deals"),),
    write=ReplaceDays("created_date"),
    measure="amount",
)


def transform(deals: DataFrame, fx_rates: DataFrame, *, reporting_currency: str) -> DataFrame:
    """Convert each deal, and sum those of a day and stage."""
    rated = with_rates(deals, fx_rates, into=reporting_currency, day="created_date")
    rated = rated.withColumn("converted", convert("amount", "fx_rate"))
    stages = rated.groupBy("created_date", "stage").agg(
        F.count(F.lit(1)).alias("deals"),
        total_where("converted", F.col("amount").isNotNull()).alias("total"),
    )
    return stages.select("created_date", "stage", "deals", to_money("total").alias("amount"))
