"""The page on customers: all of them together, or the history of one."""

from __future__ import annotations

import streamlit as st

from project_etl.dashboard import charts, shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages import one_customer
from project_etl.dashboard.queries import customers

DAY = "Business day"
TABLES = (
    "gold/customer_ltv",
    "gold/customer_360",
    "gold/repeat_customers",
    "gold/new_vs_returning",
    "gold/fact_orders",
    "gold/dim_date",
)


def show(asked: Asked) -> None:
    """Draw the page."""
    typed = st.text_input(
        "One customer",
        key=one_customer.KEY,
        placeholder="Enter a customer's id to see this customer's history",
        bind="query-params",
    )
    if customer_id := typed.strip():
        one_customer.show(asked, customer_id)
    elif shown.is_there(asked, *TABLES):
        _lifetime(asked)
        _coming_back(asked)
        _favourites(asked)


def _lifetime(asked: Asked) -> None:
    st.subheader("Lifetime value")
    in_all = customers.lifetime_in_all(asked.views)
    if not in_all["customers"]:
        st.info("No customer has a revenue order yet: orders of guests, and those that are not paid, do not count.")
        return
    st.caption(f"All revenue orders of a customer up to {in_all['as_of']}, whatever days are chosen. Without guests.")
    columns = st.columns(5)
    columns[0].metric("Customers who bought", shown.number(in_all["customers"]))
    columns[1].metric("Median", shown.money(in_all["median"], asked.currency))
    columns[2].metric("Average", shown.money(in_all["average"], asked.currency))
    columns[3].metric("Bought more than once", shown.share(in_all["repeaters"]))
    of_top = "The tenth of customers who are worth most has this share of all their net revenue."
    columns[4].metric("Share of the top tenth", shown.share(in_all["top_share"]), help=of_top)
    classes = customers.lifetime_values(asked.views)
    classes["class"] = [f"{_short(low)}–{_short(high)}" for low, high in classes[["at_least", "below"]].to_numpy()]
    value, revenue = f"Lifetime value ({asked.currency})", f"Net revenue ({asked.currency})"
    left, right = st.columns(2)
    left.plotly_chart(charts.bars(classes, "class", {"customers": "Customers"}, value, "Customers"))
    right.plotly_chart(charts.bars(classes, "class", {"net_revenue": "Net revenue"}, value, revenue))
    with st.expander("Lifetime value as a table"):
        shown.table(
            classes,
            "lifetime_value",
            {
                "at_least": ("At least", shown.decimal_column),
                "below": ("Below", shown.decimal_column),
                "customers": ("Customers", shown.count_column),
                "net_revenue": (revenue, shown.decimal_column),
            },
        )


def _coming_back(asked: Asked) -> None:
    st.subheader("Coming back")
    days = customers.new_and_returning(asked.views, asked.first, asked.last)
    if days.empty:
        shown.nothing_in(asked, "revenue order", "gold/new_vs_returning", "order_date")
        return
    rates = customers.repeat_by_day(asked.views, asked.first, asked.last)
    active = customers.active_by_day(asked.views, asked.first, asked.last)
    revenue = f"Net revenue ({asked.currency})"
    left, right = st.columns(2)
    who = {"new_customers": "New", "returning_customers": "Returning"}
    left.plotly_chart(charts.bars(days, "order_date", who, DAY, "Customers who bought"))
    how = {"repeat_rate": "On the day", "repeat_rate_7d": "In the 7 days to it"}
    right.plotly_chart(charts.lines(rates, "order_date", how, DAY, "Repeat rate", ".0%"))
    whose = {"new_revenue": "New", "returning_revenue": "Returning", "guest_revenue": "Guests"}
    left.plotly_chart(charts.bars(days, "order_date", whose, DAY, revenue))
    bought = f"Active customers ({customers.ACTIVE_DAYS} days)"
    right.plotly_chart(charts.lines(active, "day", {"customers": "Active customers"}, DAY, bought))
    st.caption(
        "Repeat rate: share of a day's customers who had a revenue order before it. Active customers: those with a "
        f"revenue order in the {customers.ACTIVE_DAYS} days to the day."
    )
    with st.expander("Coming back as a table"):
        shown.table(
            days.merge(rates, on="order_date", how="left").iloc[::-1],
            "new_and_returning",
            {
                "order_date": (DAY, shown.day_column),
                "new_customers": ("New", shown.count_column),
                "returning_customers": ("Returning", shown.count_column),
                "repeat_rate": ("Repeat rate", shown.share_column),
                "new_revenue": ("Revenue of new", shown.decimal_column),
                "returning_revenue": ("Revenue of returning", shown.decimal_column),
                "guest_revenue": ("Revenue of guests", shown.decimal_column),
            },
        )


def _favourites(asked: Asked) -> None:
    found = customers.favourite_categories(asked.views)
    if found.empty:
        return
    st.subheader("Favourite categories")
    st.caption("In which category a customer has spent most, over all days.")
    left, right = st.columns([3, 2])
    left.plotly_chart(charts.lying_bars(found, "category", "customers", "Category", "Customers"))
    with right:
        shown.table(
            found,
            "favourite_categories",
            {
                "category": ("Category", shown.text_column),
                "customers": ("Customers", shown.count_column),
                "ltv": (f"Their lifetime value ({asked.currency})", shown.decimal_column),
            },
        )


def _short(bound: float) -> str:
    """A bound of a class: `500`, `2k`, `5M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if bound >= size:
            return f"{bound / size:g}{letter}"
    return f"{bound:g}"
