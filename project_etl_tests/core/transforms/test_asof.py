"""As-of joins: which version a row sees, and that no row is lost or doubled."""

from __future__ import annotations

from pyspark.sql import SparkSession

from project_etl.core.transforms.asof import as_of
from project_etl_tests.small_tables import assert_rows, frame

HISTORY = """
    key | colour | valid_from          | valid_to
    k   | red    | 2025-01-02 00:00:00 | 2025-01-03 00:00:00
    k   | red    | 2025-01-03 00:00:00 | 2025-01-04 12:00:00
    k   | -      | 2025-01-04 12:00:00 | 2025-01-05 00:00:00
    k   | -      | 2025-01-05 00:00:00 | 2025-01-06 00:00:00
    k   | blue   | 2025-01-06 00:00:00 | 2025-01-07 00:00:00
    k   | red    | 2025-01-07 00:00:00 | -
    z   | black  | 2025-01-01 00:00:00 | -
"""


def test_a_row_sees_the_version_of_its_instant(spark: SparkSession):
    rows = frame(
        spark,
        """
        id                                    | key     | at
        within a version                      | k       | 2025-01-03 00:00:00
        the end is exclusive                  | k       | 2025-01-04 11:59:59.999999
        start inclusive, empty is an answer   | k       | 2025-01-04 12:00:00
        between two that say the same         | k       | 2025-01-05 00:00:00
        another one again                     | k       | 2025-01-06 12:00:00
        the last version has no end           | k       | 2026-01-01 00:00:00
        before all versions the earliest      | k       | 2020-01-01 00:00:00
        a key without versions                | unknown | 2025-01-03 00:00:00
        no key                                | -       | 2025-01-03 00:00:00
        """,
        "id STRING, key STRING, at TIMESTAMP",
    )
    history = frame(spark, HISTORY, "key STRING, colour STRING, valid_from TIMESTAMP, valid_to TIMESTAMP")
    found = as_of(rows, history, key="key", at="at", columns={"colour": "colour_then"})
    assert found.columns == ["id", "key", "at", "colour_then"]
    assert_rows(
        found,
        """
        id                                    | colour_then
        within a version                      | red
        the end is exclusive                  | red
        start inclusive, empty is an answer   | -
        between two that say the same         | -
        another one again                     | blue
        the last version has no end           | red
        before all versions the earliest      | red
        a key without versions                | -
        no key                                | -
        """,
    )


def test_equal_rows_stay_as_many_as_they_were(spark: SparkSession):
    rows = frame(spark, "key | at\nk | 2025-01-03\nk | 2025-01-03\n- | 2025-01-03", "key STRING, at TIMESTAMP")
    history = frame(spark, HISTORY, "key STRING, colour STRING, valid_from TIMESTAMP, valid_to TIMESTAMP")
    found = as_of(rows, history, key="key", at="at", columns={"colour": "colour"})
    assert_rows(found, "key | colour\nk | red\nk | red\n- | -")
