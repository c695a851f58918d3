"""What Streamlit runs: the navigation, and the days that every page shows.

`streamlit run project_etl/dashboard/entry/app.py -- --allow-pii email`; settings come from the environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import streamlit as st

from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages import behaviour, customers, quality
from project_etl.settings import Settings, load_settings

PAGES: dict[str, Callable[[Asked], None]] = {
    "Behaviour": behaviour.show,
    "Customers": customers.show,
    "Quality": quality.show,
}
# A view shows a table as it was when it was first asked.
FRESH_SECONDS = 10
DAYS = 30


@st.cache_resource(ttl=FRESH_SECONDS)
def views_of(lake_root: str, allow_pii: tuple[str, ...], zone: str) -> Views:
    """The tables of a lake as they are now, or were seconds ago."""
    return Views(TableStore(lake_root), allow_pii, zone)


def main(arguments: list[str]) -> None:
    """Draw the page that is chosen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-pii", default="")
    allow_pii = tuple(filter(None, parser.parse_args(arguments).allow_pii.split(",")))
    settings = load_settings()
    views = views_of(settings.lake_root, allow_pii, settings.reporting_timezone)
    st.set_page_config(page_title="project_etl", layout="wide")
    chosen = st.navigation([st.Page(partial(_nothing), title=name, url_path=name.lower()) for name in PAGES])
    st.title(chosen.title)
    first, last = _days(views, settings)
    PAGES[chosen.title](Asked(views, settings, first, last))


def _days(views: Views, settings: Settings) -> tuple[date, date]:
    newest = _newest_day(views) or settings.last_day()
    given = st.sidebar.date_input(
        "Days", (max(settings.start_date, newest - timedelta(days=DAYS - 1)), newest), key="days"
    )
    # While only the first day has been chosen there is no last one yet.
    days = given if isinstance(given, tuple) else (given,)
    st.sidebar.caption(f"Business days in {settings.reporting_timezone}, money in {settings.reporting_currency}.")
    return (days[0], days[-1]) if days else (newest, newest)


def _newest_day(views: Views) -> date | None:
    if "gold.dim_date" not in views.tables:
        return None
    return views.sql("SELECT max(date) AS day FROM gold.dim_date").to_pylist()[0]["day"]


def _nothing() -> None:
    """A page draws itself after the navigation, which knows its title only."""


if __name__ == "__main__":
    main(sys.argv[1:])
