"""Silver FX rates: one row per day and currency pair."""

from __future__ import annotations

from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.model.records import RECORD, Records, code, day, number
from project_etl.core.model.table import Merge, Table
from project_etl.core.transforms.casts import cleaned, to_date, to_decimal
from project_etl.core.transforms.iso import CURRENCIES


class FxRates(pa.DataFrameModel):
    """An exchange rate."""

    rate_date: T.DateType = pa.Field(description="Day for which the rate holds.")
    base_currency: T.StringType = pa.Field(
        isin=CURRENCIES, description="Currency of which one unit is exchanged, ISO 4217."
    )
    quote_currency: T.StringType = pa.Field(
        isin=CURRENCIES, description="Currency in which the rate is given, ISO 4217."
    )
    rate: Annotated[T.DecimalType, 28, 18] = pa.Field(
        gt=0, description="Units of the quote currency for one of the base."
    )


RECORDS = Records(
    "fx_rates",
    {
        "rate_date": day("Day for which the rate holds."),
        "base_currency": code("Currency of which one unit is exchanged."),
        "quote_currency": code("Currency in which the rate is given."),
        "rate": number("Units of the quote currency for one unit of the base currency."),
    },
)

TABLE = Table(
    name="silver/fx_rates",
    contract=FxRates,
    keys=("rate_date", "base_currency", "quote_currency"),
    records=RECORDS,
    write=Merge(newest_by="rate_date"),
)


def transform(fx_rates: DataFrame) -> DataFrame:
    """Read the columns."""
    return fx_rates.select(
        to_date("rate_date").alias("rate_date"),
        F.upper(cleaned("base_currency")).alias("base_currency"),
        F.upper(cleaned("quote_currency")).alias("quote_currency"),
        to_decimal("rate", 28, 18).alias("rate"),
        RECORD,
    )
