"""Each page of the dashboard's navigation in Chromium: it has no error, and shows a number that Gold has."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable
from playwright.sync_api import Page, expect

from project_etl.dashboard.entry.app import PAGES
from project_etl_tests.browser.conftest import dashboard_over

Read = Callable[[str], pd.DataFrame]


@pytest.fixture
def gold(shop: Path) -> Read:
    """Reads a table of Gold without a line of the platform's code."""
    return lambda name: DeltaTable(str(shop / "lake" / "gold" / name)).to_pandas()


def newest_revenue(gold: Read) -> tuple[str, str]:
    days = gold("daily_aov").sort_values("order_date")
    return "Net revenue (EUR)", f"{days['net_revenue'].iloc[-1]:,.0f}"


def revenue(gold: Read) -> tuple[str, str]:
    return "Net revenue (EUR)", f"{gold('daily_aov')['net_revenue'].sum():,.0f}"


def sessions(gold: Read) -> tuple[str, str]:
    return "Sessions", f"{gold('daily_sessions')['sessions'].sum():,}"


def buyers(gold: Read) -> tuple[str, str]:
    return "Customers who bought", f"{len(gold('customer_ltv')):,}"


# What a page shows, by its title: the label of a number, and the number by Gold.
NUMBERS = {"Today": newest_revenue, "Sales": revenue, "Behaviour": sessions, "Customers": buyers}


def open_page(page: Page, address: str, title: str) -> None:
    """Open the dashboard, and a page by its name in the navigation."""
    page.goto(address)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    is_drawn(page)


def is_drawn(page: Page) -> None:
    """Wait until nothing is drawn any more, and see that no error is."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


@pytest.mark.parametrize("title", [each.title for each in PAGES])
def test_a_page_shows_no_error_and_a_number_of_gold(
    page: Page, dashboard: str, metric: Callable, gold: Read, title: str
) -> None:
    open_page(page, dashboard, title)
    if title in NUMBERS:
        label, number = NUMBERS[title](gold)
        expect(metric(label)).to_have_text(number)
    else:
        checks = gold("validation")
        assert title == "Quality"
        expect(page.get_by_text(f"{len(checks):,} checks").first).to_be_visible()


@pytest.mark.parametrize("title", [each.title for each in PAGES])
def test_a_page_has_an_address_of_its_own(page: Page, dashboard: str, title: str) -> None:
    path = next(each.path for each in PAGES if each.title == title)
    page.goto(f"{dashboard}/{path}")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    is_drawn(page)


def test_revenue_by_category_last_month(page: Page, dashboard: str, gold: Read) -> None:
    open_page(page, dashboard, "Sales")
    page.get_by_role("combobox", name="Days").click()
    page.get_by_role("option", name="Last month").click()
    expect(page.get_by_text("2025-01-01 to 2025-01-31 (31 days)")).to_be_visible()
    is_drawn(page)
    below = page.get_by_role("heading", name="Revenue by category")
    button = page.locator(".st-key-download_revenue_by_category button")
    below.scroll_into_view_if_needed()
    with page.expect_download() as downloaded:
        button.click()
    with downloaded.value.path().open(encoding="utf-8") as file:
        found = {row["category"]: float(row["net_revenue"]) for row in csv.DictReader(file)}
    assert downloaded.value.suggested_filename == "revenue_by_category.csv"
    golds = gold("daily_revenue_by_category").groupby("category")["net_revenue"].sum()
    assert found == {category: float(net_revenue) for category, net_revenue in golds.items()}


def test_today_shows_what_has_changed_without_being_asked(
    page: Page, shop: Path, metric: Callable, tmp_path: Path
) -> None:
    shutil.copytree(shop / "lake", tmp_path / "lake")
    with dashboard_over(tmp_path) as address:
        open_page(page, address, "Today")
        expect(metric("Orders")).to_have_text("2")
        DeltaTable(str(tmp_path / "lake" / "silver" / "orders")).delete("order_id = 'O6'")
        expect(metric("Orders")).to_have_text("1")
        is_drawn(page)
