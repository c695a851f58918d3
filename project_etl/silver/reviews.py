"""Silver reviews: one row per review of a product, the newest valid version wins."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, on_fail
from project_etl.core.model.records import RECORD, Records, instant, key, number, text
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.transforms.casts import to_int, to_utc
from project_etl.core.transforms.zones import business_day


class Reviews(pa.DataFrameModel):
    """A review as of the newest version."""

    review_id: T.StringType = pa.Field(description="Review number given by the shop.")
    product_id: T.StringType = pa.Field(description="Product reviewed.")
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer who wrote it; null when not known.")
    rating: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 5}, description="Stars, a whole number from 1 (worst) to 5."
    )
    review_text: T.StringType = pa.Field(
        # Many people give only stars; a day without any text is not usual.
        metadata=on_fail(null=on_fail(WARN, max_share=0.5)),
        description="What the customer wrote; null for a rating alone.",
    )
    helpful_votes: T.IntegerType = pa.Field(ge=0, description="People who found the review helpful.")
    review_ts: T.TimestampType = pa.Field(description="When the review was written (UTC).")
    review_date: T.DateType = pa.Field(nullable=True, description="Business day on which the review was written.")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="When the shop last changed the review (UTC).")


RECORDS = Records(
    "reviews",
    {
        "review_id": key("Review number."),
        "product_id": key("Product number."),
        "customer_id": key("Customer number; may be empty."),
        "rating": number("Stars, a whole number from 1 to 5."),
        "review_text": text("What the customer wrote; may be empty."),
        "helpful_votes": number("People who found it helpful; empty for none."),
        "review_ts": instant("When the review was written."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/reviews",
    contract=Reviews,
    keys=("review_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    day="review_date",
    references=(
        Reference("product_id", "silver/products", rule="product_exists"),
        Reference("customer_id", "silver/customers", rule="customer_known", action=WARN),
    ),
)


def transform(reviews: DataFrame, *, reporting_timezone: str) -> DataFrame:
    """Read the columns and derive the business day of the review; no votes given are none."""
    review_ts = to_utc("review_ts")
    votes = F.when(F.col("helpful_votes").isNotNull(), to_int("helpful_votes")).otherwise(F.lit(0))
    return reviews.select(
        "review_id",
        "product_id",
        "customer_id",
        to_int("rating").alias("rating"),
        "review_text",
        votes.alias("helpful_votes"),
        review_ts.alias("review_ts"),
        business_day(review_ts, reporting_timezone).alias("review_date"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
