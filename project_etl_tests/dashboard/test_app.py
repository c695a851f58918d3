"""The app: settings of the environment, navigation, days that all pages share, and tables as they are now."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import deltalake
import pytest
from streamlit.testing.v1 import AppTest

from project_etl.core.views import Views
from project_etl.dashboard import fresh, spans
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.entry import app as entry
from project_etl_tests.dashboard.given import TUESDAY
from project_etl_tests.small_shop import settings_of

pytestmark = pytest.mark.long


@pytest.fixture
def app(visits: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app over the shop's lake."""
    monkeypatch.setenv("PROJECT_ETL_LAKE_ROOT", str(visits / "lake"))
    monkeypatch.setenv("PROJECT_ETL_LANDING_ROOT", str(visits / "landing"))
    monkeypatch.setattr("sys.argv", ["app.py"])
    return AppTest.from_file(entry.__file__, default_timeout=30)


def test_the_first_page_is_today(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Today"
    assert "Money in EUR · Days and hours of UTC · Gold updated 20" in app.caption[0].value
    # It shows the newest day, whatever days are chosen.
    assert not app.selectbox


def test_all_pages_are_named_once() -> None:
    assert [page.path for page in entry.PAGES] == ["", "sales", "behaviour", "customers", "quality"]


def chosen(views: Views, days: str) -> tuple[date, date]:
    """Draw the choice of days in an app of its own."""

    def draw(views, settings) -> None:
        import streamlit as st

        from project_etl.dashboard import spans

        st.session_state["found"] = spans.choose(views, settings)

    settings = settings_of(start_date=date(2025, 1, 1))
    app = AppTest.from_function(draw, kwargs={"views": views, "settings": settings}, default_timeout=30)
    app.session_state["days"] = days
    app.run()
    assert not app.exception
    return app.session_state["found"]


def test_the_newest_days_end_with_the_newest_of_gold(views: Views) -> None:
    assert chosen(views, spans.NEWEST_7) == (date(2025, 1, 7), date(2025, 1, 13))


def test_days_that_are_chosen_begin_as_the_month_of_the_newest_day(views: Views) -> None:
    assert chosen(views, spans.CHOSEN) == (date(2025, 1, 1), date(2025, 1, 13))


def test_views_are_kept_until_a_table_moves_on(visits: Path, tmp_path: Path) -> None:
    lake = str(shutil.copytree(visits / "silver", tmp_path / "lake"))
    first = fresh.views_now(lake, (), "UTC")
    count = "SELECT count(*) AS orders FROM silver.orders"
    orders = first.sql(count).to_pylist()[0]["orders"]
    assert fresh.views_now(lake, (), "UTC") is first
    deltalake.DeltaTable(f"{lake}/silver/orders").delete(f"order_date = '{TUESDAY}'")
    later = fresh.views_now(lake, (), "UTC")
    assert later is not first
    assert later.sql(count).to_pylist()[0]["orders"] == orders - 3


def test_a_page_that_is_left_open_asks_the_tables_of_now(visits: Path, views: Views) -> None:
    settings = settings_of(lake_root=str(visits / "lake"))
    asked = Asked(views, settings, date(2025, 1, 1), date(2025, 1, 2))
    assert fresh.renewed(asked).views is fresh.views_now(str(visits / "lake"), (), "UTC")
    assert fresh.renewed(asked).days == "2025-01-01 to 2025-01-02"
