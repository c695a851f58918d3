"""Which days a page shows: the newest ones, a part of the calendar, or days that are chosen one by one."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from project_etl.core.views import Views
from project_etl.settings import Settings

NEWEST_30, NEWEST_7, NEWEST_90 = "Newest 30 days", "Newest 7 days", "Newest 90 days"
THIS_MONTH, LAST_MONTH, THIS_YEAR, LAST_YEAR = "This month", "Last month", "This year", "Last year"
ALL, CHOSEN = "All days", "Choose days"
SPANS = (NEWEST_30, NEWEST_7, NEWEST_90, THIS_MONTH, LAST_MONTH, THIS_YEAR, LAST_YEAR, ALL, CHOSEN)


def choose(views: Views, settings: Settings) -> tuple[date, date]:
    """Ask for the days, beside the page; the address of the page names the choice.

    Returns:
        The first and the last day.
    """
    newest, today = newest_day(views) or settings.last_day(), settings.last_day()
    name = st.sidebar.selectbox("Days", SPANS, key="days", bind="query-params")
    if name == CHOSEN:
        days = _chosen(settings.start_date, newest)
    else:
        days = days_of(name, first=settings.start_date, newest=newest, today=today)
    st.sidebar.caption(f"{days[0]} to {days[1]}. The newest day with data is {newest}.")
    return days


def days_of(name: str, *, first: date, newest: date, today: date) -> tuple[date, date]:
    """The first and the last of some days.

    Args:
        name: one of `SPANS`, without those that are chosen one by one.
        first: the first day that there is.
        newest: the newest day with data; the newest days end with it.
        today: what months and years are counted from.
    """
    this_month = today.replace(day=1)
    this_year = today.replace(month=1, day=1)
    return {
        NEWEST_7: (max(first, newest - timedelta(days=6)), newest),
        NEWEST_30: (max(first, newest - timedelta(days=29)), newest),
        NEWEST_90: (max(first, newest - timedelta(days=89)), newest),
        THIS_MONTH: (this_month, today),
        LAST_MONTH: ((this_month - timedelta(days=1)).replace(day=1), this_month - timedelta(days=1)),
        THIS_YEAR: (this_year, today),
        LAST_YEAR: (this_year.replace(year=this_year.year - 1), this_year - timedelta(days=1)),
        ALL: (min(first, newest), max(newest, today)),
    }[name]


def newest_day(views: Views) -> date | None:
    """The newest business day of Gold; None when there is none."""
    if "gold.dim_date" not in views.tables:
        return None
    return views.sql("SELECT max(date) AS day FROM gold.dim_date").to_pylist()[0]["day"]


def _chosen(first: date, newest: date) -> tuple[date, date]:
    month = newest.replace(day=1), newest
    given = st.sidebar.date_input(
        "First and last day", month, min_value=min(first, newest), key="chosen", bind="query-params"
    )
    # While only the first day has been chosen there is no last one yet.
    days = given if isinstance(given, tuple) else (given,)
    return (days[0], days[-1]) if days else month
