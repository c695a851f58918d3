"""Tables about reviews: the facts."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from project_etl.gold import fact_reviews
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def test_the_length_of_a_text_is_counted_in_characters(spark: SparkSession):
    reviews = given.reviews(spark, "review_id | review_text\nr1 | Good\nr2 | Schön 😍\nr3 | -\nr4 | N/A")
    found = fact_reviews.transform(reviews)
    assert_rows(
        found,
        """
        review_date | review_id | product_id | customer_id | rating | review_text | text_length | helpful_votes
        2025-01-05  | r1        | p1         | -           | 5      | Good        | 4           | 0
        2025-01-05  | r2        | p1         | -           | 5      | Schön 😍    | 7           | 0
        2025-01-05  | r3        | p1         | -           | 5      | -           | -           | 0
        2025-01-05  | r4        | p1         | -           | 5      | N/A         | 3           | 0
        """,
    )
    assert given.broken(fact_reviews.TABLE, found) == [[]] * 4


def test_blanks_and_line_ends_are_characters(spark: SparkSession):
    reviews = given.reviews(spark, "review_id\nr1").withColumn("review_text", F.lit(" a\nb "))
    assert_rows(fact_reviews.transform(reviews), "review_id | text_length\nr1 | 5")
