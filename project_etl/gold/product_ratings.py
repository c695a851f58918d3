"""Product ratings: one row per product with a published review, over all days."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import Money, Share, average, share
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of

RATINGS = (1, 2, 3, 4, 5)
SHARE = {"min_value": 0, "max_value": 1}


class ProductRatings(pa.DataFrameModel):
    """What customers say of a product."""

    product_id: T.StringType = pa.Field(description="Product.", metadata=on_fail(FAIL))
    reviews: T.LongType = pa.Field(gt=0, description="Reviews of the product.", metadata=on_fail(FAIL))
    average_rating: Money = pa.Field(
        in_range={"min_value": 1, "max_value": 5}, description="Σ rating / reviews.", metadata=on_fail(FAIL)
    )
    share_1: Share = pa.Field(in_range=SHARE, description="Share of reviews with one star.", metadata=on_fail(FAIL))
    share_2: Share = pa.Field(in_range=SHARE, description="Share of reviews with two stars.", metadata=on_fail(FAIL))
    share_3: Share = pa.Field(in_range=SHARE, description="Share of reviews with three stars.", metadata=on_fail(FAIL))
    share_4: Share = pa.Field(in_range=SHARE, description="Share of reviews with four stars.", metadata=on_fail(FAIL))
    share_5: Share = pa.Field(in_range=SHARE, description="Share of reviews with five stars.", metadata=on_fail(FAIL))
    last_review_date: T.DateType = pa.Field(description="Day of the last review.", metadata=on_fail(FAIL))
    as_of: T.DateType = pa.Field(nullable=True, description=AS_OF_MEANS)


TABLE = Table(
    name="gold/product_ratings",
    contract=ProductRatings,
    keys=("product_id",),
    inputs={"reviews": whole("gold/fact_reviews"), "dim_date": whole("gold/dim_date")},
    write=Snapshot(),
)


def transform(reviews: DataFrame, dim_date: DataFrame) -> DataFrame:
    """Count the ratings of each product."""
    products = reviews.groupBy("product_id").agg(
        F.count(F.lit(1)).alias("reviews"),
        F.sum("rating").alias("stars"),
        F.max("review_date").alias("last_review_date"),
        *[F.count_if(F.col("rating") == rating).alias(f"with_{rating}") for rating in RATINGS],
    )
    return with_as_of(products, dim_date).select(
        "product_id",
        "reviews",
        average("stars", "reviews").alias("average_rating"),
        *[share(f"with_{rating}", "reviews").alias(f"share_{rating}") for rating in RATINGS],
        "last_review_date",
        "as_of",
    )
