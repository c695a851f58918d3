"""What the page on quality asks, of a shop with a bad record, a copy of a file and a broken file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from project_etl.catalog import tables
from project_etl.core.lake import ReplaceWhere, TableStore
from project_etl.core.views import ALL_PII, Views
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages.quality import last_landing_day
from project_etl.dashboard.queries import quality
from project_etl_tests.dashboard.test_trust import FINE
from project_etl_tests.small_shop import settings_of

JANUARY = date(2025, 1, 1), date(2025, 1, 31)
AFTER_TUESDAY = date(2025, 1, 8), date(2025, 1, 31)


def test_checks_that_fail_come_first(views: Views) -> None:
    found = quality.validation(views)
    assert len(found) == 20
    assert found["name"].tolist()[0] == "fact_orders_customer_id_in_dim_customers"
    assert found["passed"].tolist() == [False, *[True] * 19]
    assert (found["checked"][0], found["broken"][0]) == (5, 1)


def test_a_score_is_the_share_of_records_that_quarantine_has_left(views: Views) -> None:
    found = quality.scores(views, *JANUARY)
    assert found.query("table == 'orders'")[["read", "quarantined", "score"]].to_numpy().tolist() == [
        [1, 0, 1.0],
        [4, 1, 0.75],
        [2, 0, 1.0],
    ]
    assert found.query("score < 1")["table"].tolist() == ["orders"]


def test_quarantine_is_counted_by_rule_and_landing_day(views: Views) -> None:
    found = quality.quarantined(views, *JANUARY)
    assert found.values.tolist() == [["orders", "status_isin", date(2025, 1, 7), 1, 0]]
    assert len(quality.quarantined(views, *AFTER_TUESDAY)) == 0


def test_counting_quarantine_shows_nobody_its_text(views: Views) -> None:
    assert "raw" not in quality.quarantined(views, *JANUARY).columns
    assert views.allow_pii == ()


def test_files_that_are_not_in_bronze_are_named_with_their_rule(views: Views) -> None:
    found = quality.files_kept_out(views, *JANUARY)
    assert found[["path", "status", "rule"]].values.tolist() == [
        ["shop/orders/2025-01-07/broken.csv.gz", "unreadable", "file_decompresses"],
        ["shop/orders/2025-01-07/orders_again.csv", "copy", "file_unique"],
    ]
    assert len(quality.files_kept_out(views, *AFTER_TUESDAY)) == 0


def test_what_was_found_in_a_file_is_shown_where_personal_data_are(views: Views) -> None:
    # It may say how the file begins.
    assert "detail" not in quality.files_kept_out(views, *JANUARY).columns
    allowed = Views(views.lake, (ALL_PII,))
    assert "damaged" in quality.files_kept_out(allowed, *JANUARY)["detail"][0]


def test_every_table_has_the_rows_that_were_put_there(views: Views) -> None:
    found = quality.rows_kept(views.lake, tables())
    assert {"bronze/shop/orders", "silver/orders", "gold/fact_orders"} <= {*found["table"]}
    assert found.query("is_wrong").empty


def test_rows_that_somebody_removed_come_first(visits: Path, tmp_path: Path) -> None:
    shutil.copytree(visits / "lake/gold/fact_orders", tmp_path / "gold/fact_orders")
    shutil.copytree(visits / "lake/gold/daily_aov", tmp_path / "gold/daily_aov")
    lake = TableStore(str(tmp_path))
    lake.commit("gold/fact_orders", ReplaceWhere("order_id = 'O1'"), lake.state("gold/fact_orders").rows()[:0], {})
    found = quality.rows_kept(lake, tables())
    assert found[["table", "expected", "found", "is_wrong"]].values.tolist() == [
        ["gold/fact_orders", 6, 5, True],
        ["gold/daily_aov", 3, 3, False],
    ]


def test_a_lake_without_tables_has_nothing_to_judge(visits: Path) -> None:
    nothing = Views(TableStore(str(visits / "nothing")))
    assert len(quality.scores(nothing, *JANUARY)) == 0
    assert len(quality.quarantined(nothing, *JANUARY)) == 0
    assert len(quality.files_kept_out(nothing, *JANUARY)) == 0
    assert len(quality.rows_kept(nothing.lake, tables())) == 0


@pytest.mark.parametrize(("last", "shown"), [(13, 15), (31, 31), (7, 7)])
def test_what_landed_after_the_newest_business_day_is_shown_with_it(views: Views, last: int, shown: int) -> None:
    # The newest business day is the 13th; the newest file landed on the 15th.
    asked = Asked(views, settings_of(), date(2025, 1, 1), date(2025, 1, last))
    standing = replace(FINE, recent_to=date(2025, 1, 15))
    assert last_landing_day(asked, standing) == date(2025, 1, shown)
