"""Reviews: one row per published review, with the length of its text."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day


class FactReviews(pa.DataFrameModel):
    """One review."""

    review_date: T.DateType = pa.Field(description="Business day of the review.", metadata=on_fail(FAIL))
    review_id: T.StringType = pa.Field(description="Review number given by the shop.", metadata=on_fail(FAIL))
    product_id: T.StringType = pa.Field(description="Product reviewed.", metadata=on_fail(FAIL))
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer who wrote it; empty when not known.")
    rating: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 5}, description="Stars, from 1 (worst) to 5.", metadata=on_fail(FAIL)
    )
    review_text: T.StringType = pa.Field(nullable=True, description="What the customer wrote.")
    text_length: T.IntegerType = pa.Field(
        nullable=True, gt=0, description="Characters of review_text; empty without one.", metadata=on_fail(FAIL)
    )
    helpful_votes: T.IntegerType = pa.Field(
        ge=0, description="People who found the review helpful.", metadata=on_fail(FAIL)
    )


TABLE = Table(
    name="gold/fact_reviews",
    contract=FactReviews,
    keys=("review_date", "review_id"),
    inputs={"reviews": same_day("silver/reviews")},
    conserves=(Conserves("reviews"),),
    write=ReplaceDays("review_date"),
)


def transform(reviews: DataFrame) -> DataFrame:
    """Measure the text of each review."""
    return reviews.select(
        "review_date",
        "review_id",
        "product_id",
        "customer_id",
        "rating",
        "review_text",
        F.length("review_text").alias("text_length"),
        "helpful_votes",
    )
