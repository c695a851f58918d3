"""Sales pipeline: deals by the day on which they were made and the stage they are in, in the reporting currency."""

from __future__ import annotations

from pyspark.sql import SparkSession

from project_etl.gold import sales_pipeline
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows

RATES = "rate_date | base_currency | quote_currency | rate\n2025-01-05 | USD | EUR | 0.5\n2025-01-07 | USD | EUR | 0.9"


def test_deals_are_summed_by_day_and_stage_with_the_rate_of_the_day(spark: SparkSession) -> None:
    deals = """
        created_date | stage | deal_id | amount | currency | is_open
        2025-01-05   | sent  | d1      | 10.001 | USD      | true
        2025-01-05   | sent  | d2      | 1.005  | EUR      | true
        2025-01-05   | sent  | d3      | -      | GBP      | true
        2025-01-05   | won   | d4      | 100    | EUR      | false
        2025-01-06   | sent  | d5      | 10     | USD      | true
        2025-01-07   | sent  | d6      | 10     | USD      | true
        """
    found = sales_pipeline.transform(given.deals(spark, deals), given.rates(spark, RATES), reporting_currency="EUR")
    assert_rows(
        found,
        """
        created_date | stage | deals | amount
        2025-01-05   | sent  | 3     | 6.01
        2025-01-05   | won   | 1     | 100.00
        2025-01-06   | sent  | 1     | 5.00
        2025-01-07   | sent  | 1     | 9.00
        """,
    )
    assert given.broken(sales_pipeline.TABLE, found) == [[]] * 4


def test_a_deal_without_a_rate_holds_its_day_back(spark: SparkSession) -> None:
    deals = "deal_id | created_date | currency\nd1 | 2025-01-04 | USD\nd2 | 2025-01-04 | EUR\nd3 | 2025-01-05 | USD"
    found = sales_pipeline.transform(given.deals(spark, deals), given.rates(spark, RATES), reporting_currency="EUR")
    assert_rows(found, "created_date | deals | amount\n2025-01-04 | 2 | -\n2025-01-05 | 1 | 5.00")
    assert given.broken(sales_pipeline.TABLE, found) == [[], ["amount_not_null"]]
