"""The page on behaviour: sessions, how far they come, when people come, and which orders the tracker saw."""

from __future__ import annotations

from typing import Any

import streamlit as st

from project_etl.dashboard import charts, shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.queries import behaviour

DAY = "Business day"
TABLES = ("gold/fact_sessions", "gold/daily_sessions", "gold/funnel", "gold/fact_events", "gold/fact_orders")
MEASURES = {
    "Events": "events",
    "Sessions": "sessions",
    "Views": "views",
    "Put into the cart": "carts",
    "Purchases": "purchases",
}
SESSION_COLUMNS: dict[str, shown.Titled] = {
    "event_date": (DAY, shown.day_column),
    "sessions": ("Sessions", shown.count_column),
    "visitors": ("Visitors", shown.count_column),
    "bounce_rate": ("Bounce rate", shown.share_column),
    "avg_seconds": ("Seconds a session", shown.decimal_column),
    "events_per_session": ("Events a session", shown.decimal_column),
    "revenue_per_session": ("Revenue a session", shown.decimal_column),
}
FUNNEL_COLUMNS: dict[str, shown.Titled] = {
    "step": ("Step", shown.text_column),
    "sessions": ("Sessions", shown.count_column),
    "of_all": ("Of all sessions", shown.share_column),
    "of_previous": ("Of step before", shown.share_column),
}
ORDER_COLUMNS: dict[str, shown.Titled] = {
    "order_date": (DAY, shown.day_column),
    "orders": ("Orders", shown.count_column),
    "tracked": ("Seen by the tracker", shown.count_column),
    "share": ("Share", shown.share_column),
}


def show(asked: Asked) -> None:
    """Draw the page."""
    if not shown.is_there(asked, *TABLES):
        return
    in_all = behaviour.sessions_in_all(asked.views, asked.first, asked.last)
    if not in_all["sessions"]:
        shown.nothing_in(asked, "session", "gold/fact_sessions", "event_date")
        return
    _metrics(in_all)
    _days(asked)
    _funnel(asked)
    _hours(asked)
    _orders(asked)


def _metrics(in_all: dict[str, Any]) -> None:
    columns = st.columns(6)
    columns[0].metric("Sessions", shown.number(in_all["sessions"]))
    columns[1].metric("Visitors", shown.number(in_all["visitors"]), help="Who comes on several days counts once.")
    columns[2].metric("Bounce rate", shown.share(in_all["bounce_rate"]), help="Sessions of one event.")
    columns[3].metric("Time a session", shown.duration(in_all["avg_seconds"]), help="From first to last event.")
    columns[4].metric("Events a session", shown.number(in_all["events_per_session"], 2))
    columns[5].metric("With a purchase", shown.share(in_all["purchase_rate"]), help="Sessions that hold a purchase.")


def _days(asked: Asked) -> None:
    st.subheader("Sessions by day")
    days = behaviour.sessions_by_day(asked.views, asked.first, asked.last)
    counts = {"sessions": "Sessions", "visitors": "Visitors"}
    st.plotly_chart(charts.lines(days, "event_date", counts, DAY, "Sessions, visitors"))
    left, middle, right = st.columns(3)
    left.plotly_chart(charts.lines(days, "event_date", {"bounce_rate": "Bounce rate"}, DAY, "Bounce rate", ".0%"))
    middle.plotly_chart(charts.lines(days, "event_date", {"avg_seconds": "Time"}, DAY, "Time a session (seconds)"))
    right.plotly_chart(charts.lines(days, "event_date", {"events_per_session": "Events"}, DAY, "Events a session"))
    with st.expander("Sessions by day as a table"):
        st.caption(f"Revenue in {asked.currency}, as the tracker saw it.")
        shown.table(days.iloc[::-1], "sessions_by_day", SESSION_COLUMNS)


def _funnel(asked: Asked) -> None:
    st.subheader("Funnel")
    steps = behaviour.funnel(asked.views, asked.first, asked.last)
    left, right = st.columns(2)
    left.plotly_chart(charts.funnel([*steps["step"]], [*steps["sessions"]], "sessions"))
    with right:
        shown.table(steps, "funnel", FUNNEL_COLUMNS)
        st.caption("A session counts for a step when it holds such an event, in whatever order.")


def _hours(asked: Asked) -> None:
    st.subheader("When people come")
    measure = st.segmented_control("Show", [*MEASURES], default="Events", required=True, label_visibility="collapsed")
    found = behaviour.hours(asked.views, asked.first, asked.last)
    cells = found.pivot_table(index="weekday", columns="hour", values=MEASURES[measure], fill_value=0)
    cells = cells.reindex(index=range(1, 8), columns=range(24), fill_value=0).set_axis(charts.WEEKDAYS, axis="index")
    cells.columns = [f"{hour:02}" for hour in cells.columns]
    titles = f"Hour of the day ({asked.zone})", "Weekday", f"{measure} an hour"
    st.plotly_chart(charts.heat_map(cells, titles, ",.1f"))
    st.caption("Averages of the days of a weekday that have an event.")
    with st.expander("When people come, as a table"):
        found["day"] = [charts.WEEKDAYS[weekday - 1] for weekday in found["weekday"]]
        columns: dict[str, shown.Titled] = {"day": ("Weekday", shown.text_column), "hour": ("Hour", shown.count_column)}
        columns |= {column: (title, shown.decimal_column) for title, column in MEASURES.items()}
        shown.table(found, "hours", columns)


def _orders(asked: Asked) -> None:
    st.subheader("Orders that the tracker saw")
    days = behaviour.tracked_orders(asked.views, asked.first, asked.last)
    if days.empty:
        shown.nothing_in(asked, "order", "gold/fact_orders", "order_date")
        return
    strays = behaviour.purchases_without_order(asked.views, asked.first, asked.last)
    orders, tracked = int(days["orders"].sum()), int(days["tracked"].sum())
    columns = st.columns(3)
    columns[0].metric("Orders", shown.number(orders), help="Of any status.")
    columns[1].metric("Seen by the tracker", f"{tracked:,} ({shown.share(tracked / orders)})")
    columns[2].metric(
        "Purchases without an order", shown.number(strays), help="They name none, or one that is not there."
    )
    st.plotly_chart(charts.lines(days, "order_date", {"share": "Share"}, DAY, "Orders seen by the tracker", ".1%"))
    with st.expander("Orders that the tracker saw, as a table"):
        shown.table(days.iloc[::-1], "tracked_orders", ORDER_COLUMNS)
