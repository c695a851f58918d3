"""The page on today: orders, money, visitors and files as they arrive. It looks again by itself.

It reads Silver, which is there before Gold.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from project_etl.catalog import pulled_datasets, streamed
from project_etl.core.model.source import Dataset
from project_etl.dashboard import charts, shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.fresh import renewed
from project_etl.dashboard.queries import streams, today

SECONDS = 10
ORDERS = ("silver/orders", "silver/order_items")
EVENTS = ("silver/events",)
SPANS = {"Last hour": 1, "Last 3 hours": 3, "Last 6 hours": 6, "Last 24 hours": 24}
WEEK = timedelta(days=7)
# A stream has thousands of files a day, and may have lost much.
FILES, LOST = 500, 5


def show(asked: Asked) -> None:
    """Draw the page, and again after some seconds, for as long as it is open."""
    st.fragment(_now, run_every=SECONDS)(asked)


def _now(asked: Asked) -> None:
    asked = renewed(asked)
    now = asked.settings.clock()
    if shown.is_there(asked, *ORDERS):
        has_events = shown.there_are(asked, *EVENTS)
        days = [("silver.orders", "order_date"), *([("silver.events", "event_date")] if has_events else [])]
        newest = today.newest_day(asked.views, *days)
        if newest is None:
            st.info(
                "No order yet: silver/orders has no rows. Orders come with the next files that land and are loaded."
            )
        else:
            until = _until(asked, newest, now)
            _day(asked, until, has_events=has_events)
    for source in streamed(asked.settings):
        for dataset in pulled_datasets(asked.settings, source):
            _stream(asked, dataset, now)
    _files(asked)
    st.caption(f"As of {now:%H:%M:%S}. This page looks again every {SECONDS} seconds.")


def _until(asked: Asked, newest: date, now: datetime) -> datetime:
    """The instant up to which the page shows a day: now, or the end of the newest day where today has nothing yet."""
    if newest >= now.date():
        st.caption(f"Today, {now:%Y-%m-%d}, until now.")
        return now
    st.info(f"No order yet today ({now:%Y-%m-%d}). Newest day with data: {newest}. All of that day is shown.")
    return datetime.combine(newest, time.max, ZoneInfo(asked.zone))


def _day(asked: Asked, until: datetime, *, has_events: bool) -> None:
    views, day = asked.views, until.date()
    orders = today.orders_by_hour(views, day, until, asked.currency)
    then = today.orders_by_hour(views, day - WEEK, until - WEEK, asked.currency)
    if missing := int(orders["without_rate"].sum()):
        currencies = ", ".join(today.currencies_without_rate(views, day, until, asked.currency))
        st.warning(
            f"{missing:,} revenue orders are left out of revenue: there is no rate from {currencies} to "
            f"{asked.currency}. Land the rate in fx_rates."
        )
    _metrics(asked, until, orders, then, has_events=has_events)
    hours = orders.assign(before=then["net_revenue"])
    hour = f"Hour of the day ({asked.zone})"
    left, right = st.columns(2)
    with left:
        st.subheader("Revenue by hour")
        st.plotly_chart(
            charts.bars(
                hours,
                "hour",
                {"net_revenue": "This day"},
                hour,
                f"Net revenue ({asked.currency})",
                line=("before", "A week before"),
            ),
            key="revenue_by_hour",
        )
    with right:
        if has_events:
            st.subheader("Events by hour")
            events = today.events_by_hour(views, day, until)
            kinds = {"views": "Views", "carts": "Put into the cart", "purchases": "Purchases"}
            st.plotly_chart(charts.bars(events, "hour", kinds, hour, "Events"), key="events_by_hour")
        else:
            shown.is_there(asked, *EVENTS)
    left, right = st.columns(2)
    with left:
        st.subheader("Newest orders")
        _newest(asked, until)
    with right:
        if has_events:
            st.subheader("Funnel of the last hours")
            _funnel(asked, until)


def _metrics(asked: Asked, until: datetime, orders: pd.DataFrame, then: pd.DataFrame, *, has_events: bool) -> None:
    views, day = asked.views, until.date()
    now, before = orders.sum(), then.sum()
    columns = st.columns(5 if has_events else 3)

    def metric(place: int, title: str, value: float, earlier: float, places: int = 0, told: str | None = None) -> None:
        shown.compared(columns[place], title, shown.number(value, places), shown.growth(value, earlier), told)

    metric(0, "Orders", now["orders"], before["orders"], told="Of any status.")
    sold = "Items of revenue orders after discount. From Silver, so that it does not wait for Gold."
    metric(1, f"Net revenue ({asked.currency})", now["net_revenue"], before["net_revenue"], told=sold)
    averages = [each["net_revenue"] / (each["revenue_orders"] or 1) for each in (now, before)]
    metric(2, f"Average order ({asked.currency})", averages[0], averages[1], 2, "Of revenue orders.")
    if has_events:
        people = [today.visitors(views, day, until), today.visitors(views, day - WEEK, until - WEEK)]
        metric(3, "Visitors", people[0], people[1])
        carts = [today.events_by_hour(views, *at)["carts"].sum() for at in _both(until)]
        metric(4, "Put into the cart", carts[0], carts[1], told="Events, not pieces.")
    st.caption(f"Growth is against {day - WEEK:%A, %Y-%m-%d}, a week before, up to the same time of day.")


def _both(until: datetime) -> list[tuple[date, datetime]]:
    return [(until.date(), until), (until.date() - WEEK, until - WEEK)]


def _newest(asked: Asked, until: datetime) -> None:
    found = today.newest_orders(asked.views, until.date(), until, asked.currency)
    shown.table(
        found,
        "newest_orders",
        {
            "order_ts": ("Placed", shown.clock_column),
            "order_id": ("Order", shown.text_column),
            "status": ("Status", shown.text_column),
            "country": ("Country", shown.text_column),
            "units": ("Units", shown.count_column),
            "net_revenue": (f"Revenue ({asked.currency})", shown.decimal_column),
        },
    )


def _funnel(asked: Asked, until: datetime) -> None:
    name = st.segmented_control(
        "Hours", [*SPANS], default="Last 6 hours", required=True, label_visibility="collapsed", key="hours"
    )
    newest = today.newest_event(asked.views)
    end = min(until, newest) if newest else until
    since = end - timedelta(hours=SPANS[name])
    found = today.funnel(asked.views, since, end)
    steps = "Visitors", "With a view", "With a cart", "With a purchase"
    st.plotly_chart(charts.funnel(steps, [*found.values()], "visitors"), key="funnel")
    st.caption(
        f"Visitors from {since:%Y-%m-%d %H:%M} to {end:%H:%M}, the newest event. A visitor counts for a step with any "
        "such event."
    )


def _stream(asked: Asked, dataset: Dataset, now: datetime) -> None:
    found = streams.stream(asked.views.lake, asked.settings.landing_root, dataset, now)
    st.subheader(f"Stream {dataset.source}/{dataset.name}")
    for words in found.lost[:LOST]:
        st.warning(shown.plain(words))
    columns = st.columns(3)
    columns[0].metric("Messages in the last hour", shown.number(found.in_the_last_hour), help="By their offsets.")
    columns[1].metric("Wait for Bronze", shown.number(found.waiting), help="Messages that have landed.")
    age = None if found.newest is None else max(0.0, (now - found.newest).total_seconds())
    columns[2].metric("Newest message sent", "not since yesterday" if age is None else f"{shown.duration(age)} ago")
    frame = pd.DataFrame({"minute": [*found.by_minute], "messages": [*found.by_minute.values()]})
    frame["minute"] = frame["minute"].dt.tz_convert(asked.zone)
    bars = charts.bars(frame, "minute", {"messages": "Messages"}, f"Minute ({asked.zone})", "Messages landed")
    st.plotly_chart(bars, key=f"stream_{dataset.source}_{dataset.name}")
    st.caption("A slice counts for the minute in which its last message was sent.")


def _files(asked: Asked) -> None:
    found = today.landed(asked.views)
    if found.empty:
        st.subheader("Files landed")
        st.info(
            f"No file has been loaded yet. Put files into landing, and run `{asked.program} run --days FIRST..LAST`."
        )
        return
    st.subheader(f"Files of the newest landing day, {found['landing_date'].max()}")
    left_out = int((found["status"] != "loaded").sum())
    st.caption(
        f"{len(found):,} files, {found['records'].sum():,} records. "
        + (f"{left_out:,} are not loaded; their status says why." if left_out else "All are loaded.")
        + (f" Shown are the newest {FILES}." if len(found) > FILES else "")
    )
    shown.table(
        found.head(FILES),
        "files",
        {
            "first_seen": ("First seen", shown.instant_column),
            "dataset": ("Dataset", shown.text_column),
            "file": ("File", shown.text_column),
            "status": ("Status", shown.text_column),
            "records": ("Records", shown.count_column),
        },
    )
