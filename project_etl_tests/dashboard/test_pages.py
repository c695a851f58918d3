"""Each page on a lake with all tables, on one with Silver alone, and on an empty one: numbers, or what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from streamlit.testing.v1 import AppTest

from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl.dashboard import shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages import behaviour, customers, quality, sales, today
from project_etl_tests.small_shop import settings_of

pytestmark = pytest.mark.long

JANUARY = (date(2025, 1, 1), date(2025, 1, 31))
PAGES = {"today": today, "sales": sales, "behaviour": behaviour, "customers": customers, "quality": quality}
Opened = Callable[..., AppTest]


def draw(**asked) -> None:
    """What Streamlit runs: it takes the text of this function, and nothing around it."""
    from project_etl_tests.dashboard.test_pages import draw_page

    draw_page(**asked)


def draw_page(page: str, folder: Path, lake: str, days: tuple[date, date], allow_pii: tuple[str, ...]) -> None:
    """Draw a page of a lake in a folder."""
    settings = settings_of(
        lake_root=str(folder / lake), landing_root=str(folder / "landing"), settle_seconds=0, root=folder
    )
    views = Views(TableStore(settings.lake_root), allow_pii)
    PAGES[page].show(Asked(views, settings, *days))


@pytest.fixture
def opened(visits: Path) -> Opened:
    """Opens a page, and fails where it shows an error."""

    def open_page(
        page: str, lake: str = "lake", days: tuple[date, date] = JANUARY, allow_pii: tuple[str, ...] = (), **state: str
    ) -> AppTest:
        asked = {"page": page, "folder": visits, "lake": lake, "days": days, "allow_pii": allow_pii}
        app = AppTest.from_function(draw, kwargs=asked, default_timeout=30)
        for name, value in state.items():
            app.session_state[name] = value
        app.run()
        assert not app.exception
        return app

    return open_page


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def said(app: AppTest) -> str:
    """All sentences of a page."""
    parts = (*app.info, *app.success, *app.warning, *app.error, *app.markdown, *app.caption)
    return "\n".join(part.value for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_but_what_to_do_is_shown_of_an_empty_lake(opened: Opened, page: str) -> None:
    app = opened(page, "nothing")
    assert "project-etl" in said(app)
    assert not app.metric
    assert not app.dataframe


@pytest.mark.parametrize(
    ("page", "table"),
    [("sales", "gold/daily_aov"), ("behaviour", "gold/fact_sessions"), ("customers", "gold/customer_ltv")],
)
def test_without_gold_a_page_names_the_tables_and_the_command(opened: Opened, page: str, table: str) -> None:
    app = opened(page, "silver")
    assert table in said(app)
    assert "project-etl --env test run --days" in said(app)
    assert not app.metric


def test_today_says_that_it_shows_the_newest_day_with_data(opened: Opened) -> None:
    app = opened("today")
    assert "No order yet today (20" in said(app)
    assert "Newest day with data: 2025-01-13." in said(app)
    found = metrics(app)
    assert (found["Orders"], found["Net revenue (EUR)"], found["Put into the cart"]) == ("2", "10", "1")


def test_today_does_not_wait_for_gold(opened: Opened) -> None:
    assert metrics(opened("today", "silver")) == metrics(opened("today"))


def test_sales_shows_golds_numbers(opened: Opened) -> None:
    found = metrics(opened("sales"))
    assert found["Net revenue (EUR)"] == "390"
    assert found["Revenue orders"] == "5"
    assert found["Average order (EUR)"] == "78.00"
    assert found["Refunds (EUR)"] == "5"


def test_days_without_a_revenue_order_name_the_days_that_have_some(opened: Opened) -> None:
    app = opened("sales", days=(date(2025, 2, 1), date(2025, 2, 28)))
    assert "No revenue order from 2025-02-01 to 2025-02-28" in said(app)
    assert not app.metric


def test_behaviour_shows_golds_numbers(opened: Opened) -> None:
    found = metrics(opened("behaviour"))
    assert found["Sessions"] == "5"
    assert found["Visitors"] == "3"
    assert found["Bounce rate"] == "40.0%"
    assert found["Time a session"] == "8:12 min"
    assert found["Seen by the tracker"] == "1 (16.7%)"


def test_every_table_of_a_page_can_be_downloaded(opened: Opened) -> None:
    for page in PAGES:
        app = opened(page)
        assert len(app.dataframe) == len(app.get("download_button")) > 0


def test_days_without_a_session_name_the_days_that_have_some(opened: Opened) -> None:
    app = opened("behaviour", days=(date(2025, 2, 1), date(2025, 2, 28)))
    assert "No session from 2025-02-01 to 2025-02-28" in said(app)
    assert "2025-01-06 to 2025-01-13" in said(app)
    assert not app.metric


def test_customers_shows_what_they_were_worth(opened: Opened) -> None:
    found = metrics(opened("customers"))
    assert found["Customers who bought"] == "3"
    assert found["Median"] == "70.00 EUR"
    assert found["Share of the top tenth"] == "78.9%"


def test_the_history_of_a_customer(opened: Opened) -> None:
    app = opened("customers", customer=" C1 ")
    assert metrics(app)["Lifetime value"] == "70.00 EUR"
    assert metrics(app)["Refunds"] == "1: 5.00 EUR"
    assert [tab.label for tab in app.tabs] == [
        "Orders (3)", "Lines of orders (3)", "Refunds (1)", "Reviews (2)", "Events (3)",
    ]  # fmt: skip
    assert app.dataframe[1].value["order_id"].tolist() == ["O6", "O2", "O1"]


def test_a_customer_has_the_stage_and_deals_of_the_crm_where_there_is_one(opened: Opened, visits: Path) -> None:
    assert "Open deals" not in metrics(opened("customers", customer="C1"))
    shutil.copytree(visits / "lake", visits / "crm")
    known = {"lifecycle_stage": "'lead'", "open_deals": "2"}
    DeltaTable(visits / "crm/gold/customer_360").update(known, predicate="customer_id = 'C1'")
    found = metrics(opened("customers", lake="crm", customer="C1"))
    assert (found["Stage in the CRM"], found["Open deals"]) == ("lead", "2")


def test_personal_data_is_left_out_and_the_page_says_how_to_see_it(opened: Opened) -> None:
    app = opened("customers", customer="C1")
    assert "--allow-pii full_name,email,phone" in said(app)
    assert "Ada" not in said(app)


def test_personal_data_that_is_allowed_is_shown(opened: Opened) -> None:
    app = opened("customers", allow_pii=("full_name", "email"), customer="C1")
    assert app.subheader[0].value == "Ada King"
    assert "ada@example.org" in said(app)
    assert "--allow-pii phone" in said(app)


def test_who_may_be_meant_by_an_id_that_is_not_there_can_be_chosen(opened: Opened) -> None:
    app = opened("customers", customer="c2")
    assert "No such customer: c2." in said(app)
    app.button[0].click().run()
    assert not app.exception
    assert metrics(app)["Lifetime value"] == "300.00 EUR"


def test_what_is_entered_makes_no_link_and_no_picture(opened: Opened) -> None:
    app = opened("customers", customer="![x](http://example.org/x)")
    assert r"!\[x\](http\://example.org/x)" in app.warning[0].value


def test_a_customer_whom_the_shop_has_not_sent_has_a_history(opened: Opened) -> None:
    app = opened("customers", customer="C9")
    assert "has not sent this customer yet" in said(app)
    assert app.tabs[0].label == "Orders (1)"


def test_quality_begins_with_the_verdict_on_revenue(opened: Opened) -> None:
    app = opened("quality")
    assert app.success[0].value.startswith("**gold/daily_aov for 2025-01-13: yes, with")
    assert "fact\\_orders\\_customer\\_id\\_in\\_dim\\_customers fails for 1" in said(app)


def test_another_table_can_be_judged(opened: Opened) -> None:
    app = opened("quality", table="gold/daily_sessions")
    assert app.success[0].value.startswith("**gold/daily_sessions for 2025-01-13: yes, with")


def test_quality_shows_no_text_of_a_record(opened: Opened) -> None:
    app = opened("quality")
    assert not any("LOST" in table.value.to_csv() for table in app.dataframe)


def test_without_gold_the_verdict_is_no(opened: Opened) -> None:
    app = opened("quality", "silver")
    assert "has not been computed yet" in app.error[0].value
    assert "project-etl --env test run --days" in said(app)


@pytest.mark.parametrize(
    ("now", "before", "grown"),
    [(3, 2, "+50.0%"), (1, 2, "-50.0%"), (2, 2, "±0.0%"), (2, 0, None), (None, 2, None), (2, None, None)],
)
def test_growth_in_words(now: float | None, before: float | None, grown: str | None) -> None:
    assert shown.growth(now, before) == grown
