"""Tables about reviews: the facts, and what customers say of each product."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from project_etl.gold import fact_reviews, product_ratings
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


def test_ratings_are_averaged_and_shared_out_per_product(spark: SparkSession):
    reviews = given.review_facts(
        spark,
        """
        review_id | product_id | rating | review_date
        r1        | bear       | 5      | 2025-01-05
        r2        | bear       | 4      | 2025-01-07
        r3        | bear       | 4      | 2025-01-06
        r4        | kite       | 1      | 2025-01-02
        r5        | kite       | 2      | 2025-01-01
        """,
    )
    found = product_ratings.transform(reviews, given.dates(spark))
    assert_rows(
        found,
        """
        product_id | reviews | average_rating | share_1  | share_2  | share_3  | share_4  | share_5  | last_review_date
        bear       | 3       | 4.33           | 0.000000 | 0.000000 | 0.000000 | 0.666667 | 0.333333 | 2025-01-07
        kite       | 2       | 1.50           | 0.500000 | 0.500000 | 0.000000 | 0.000000 | 0.000000 | 2025-01-02
        """,
    )
    assert_rows(found, "product_id | as_of\nbear | 2025-01-31\nkite | 2025-01-31")
    assert given.broken(product_ratings.TABLE, found) == [[], []]


def test_a_shop_with_reviews_and_no_orders_has_ratings_as_of_no_day(spark: SparkSession):
    found = product_ratings.transform(given.review_facts(spark, "review_id\nr1"), given.dates(spark, ""))
    assert_rows(found, "product_id | reviews | as_of\np1 | 1 | -")
    assert given.broken(product_ratings.TABLE, found) == [[]]
