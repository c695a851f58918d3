"""Silver CRM deals: one row per deal of the CRM, the newest valid version wins.

A deal may come to nothing, and has no order: what was sold is in `silver/orders`.
"""

from __future__ import annotations

from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, sql_rule
from project_etl.core.model.records import RECORD, Records, code, instant, key, label, name, number
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.transforms.casts import cleaned, to_boolean, to_decimal, to_utc
from project_etl.core.transforms.iso import CURRENCIES
from project_etl.core.transforms.zones import business_day


class CrmDeals(pa.DataFrameModel):
    """A deal as of the newest version."""

    deal_id: T.StringType = pa.Field(description="Number given by the CRM.")
    name: T.StringType = pa.Field(nullable=True, description="What the deal is called.")
    pipeline: T.StringType = pa.Field(nullable=True, description="Pipeline that the deal goes through.")
    stage: T.StringType = pa.Field(description="Stage that the deal is in now.")
    is_open: T.BooleanType = pa.Field(description="Whether it is neither won nor lost.")
    amount: Annotated[T.DecimalType, 18, 4] = pa.Field(
        nullable=True, ge=0, description="What it is worth, in `currency`; null where nobody says."
    )
    currency: T.StringType = pa.Field(
        isin=CURRENCIES, description="Currency of the amount, ISO 4217; the reporting currency where none is given."
    )
    contact_id: T.StringType = pa.Field(nullable=True, description="Contact that it is made with.")
    created_at: T.TimestampType = pa.Field(description="When the deal was made (UTC).")
    created_date: T.DateType = pa.Field(nullable=True, description="Business day on which the deal was made.")
    closed_at: T.TimestampType = pa.Field(
        nullable=True, description="When it was won or lost; of an open deal, when it is expected to be (UTC)."
    )
    updated_at: T.TimestampType = pa.Field(description="When the CRM last changed the deal, or was seen to have (UTC).")


RECORDS = Records(
    "crm_deals",
    {
        "deal_id": key("Number of the deal."),
        "name": name("What the deal is called."),
        "pipeline": label("Pipeline that the deal goes through."),
        "stage": label("Stage that the deal is in."),
        "is_closed": number("Whether it is won or lost; empty for an open one."),
        "amount": number("What it is worth; may be empty."),
        "currency": code("Currency of the amount; empty for the reporting currency."),
        "contact_id": key("Number of the contact; may be empty."),
        "created_at": instant("When the deal was made."),
        # No instant of business: it is what sales people expect, and may be far ahead.
        "closed_at": code("When it was won or lost; of an open one, when it is expected to be."),
        "updated_at": instant("When the CRM last changed the record."),
    },
    of_shop=False,
)

TABLE = Table(
    name="silver/crm_deals",
    contract=CrmDeals,
    keys=("deal_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    day="created_date",
    references=(Reference("contact_id", "silver/crm_contacts", rule="contact_known", action=WARN),),
    rules=(
        sql_rule(
            "currency_given",
            f"amount IS NULL OR {RECORD}.text.currency IS NOT NULL",
            action=WARN,
            description="a deal with an amount names its currency; it counts as the reporting currency otherwise",
            column="currency",
        ),
    ),
)


def transform(crm_deals: DataFrame, *, reporting_currency: str, reporting_timezone: str) -> DataFrame:
    """Read the columns, and derive whether a deal is open and the business day on which it was made."""
    created_at = to_utc("created_at")
    return crm_deals.select(
        "deal_id",
        cleaned("name").alias("name"),
        cleaned("pipeline").alias("pipeline"),
        cleaned("stage").alias("stage"),
        F.when(F.col("is_closed").isNull(), F.lit(True)).otherwise(~to_boolean("is_closed")).alias("is_open"),
        to_decimal("amount").alias("amount"),
        F.coalesce(F.upper(cleaned("currency")), F.lit(reporting_currency)).alias("currency"),
        "contact_id",
        created_at.alias("created_at"),
        business_day(created_at, reporting_timezone).alias("created_date"),
        to_utc("closed_at").alias("closed_at"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
