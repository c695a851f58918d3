"""The page on sales: revenue by day, category, country and hour, who buys what, and what is paid back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from project_etl.dashboard import charts, shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.queries import sales

DAY = "Business day"
TABLES = (
    "gold/daily_aov",
    "gold/daily_revenue_by_category",
    "gold/country_revenue_share",
    "gold/hourly_sales",
    "gold/new_vs_returning",
    "gold/fact_orders",
    "gold/fact_order_items",
    "gold/dim_products",
)
REFUNDS = ("gold/daily_refunds", "gold/fact_refunds")


def show(asked: Asked) -> None:
    """Draw the page."""
    if not shown.is_there(asked, *TABLES):
        return
    _rates(asked)
    in_all = sales.in_all(asked.views, asked.first, asked.last)
    if not in_all["orders"]:
        shown.nothing_in(asked, "revenue order", "gold/daily_aov", "order_date")
        return
    _metrics(asked, in_all)
    _days(asked)
    _categories(asked)
    _countries_and_hours(asked)
    _best(asked)
    _new_and_returning(asked)
    _refunds(asked)


def _rates(asked: Asked) -> None:
    for found in sales.without_rate(asked.views, asked.first, asked.last):
        st.warning(
            f"The days of {found['orders']:,} revenue orders are missing below, from {found['first']} to "
            f"{found['last']}: there is no rate from {found['currency']} to {asked.currency}. Land the rate in "
            f"fx_rates, and run `{asked.program} run --days {found['first']}..{found['last']}`."
        )


def _metrics(asked: Asked, in_all: dict[str, Any]) -> None:
    then = sales.in_all(asked.views, *sales.before(asked.first, asked.last))
    against = "vs the day before" if asked.length == 1 else f"vs {asked.length:,} days before"
    columns = st.columns(4)
    for column, (title, name, places) in zip(
        columns,
        (
            (f"Net revenue ({asked.currency})", "net_revenue", 0),
            ("Revenue orders", "orders", 0),
            (f"Average order ({asked.currency})", "aov", 2),
        ),
        strict=False,
    ):
        grown = shown.growth(in_all[name], then[name])
        shown.compared(column, title, shown.number(in_all[name], places), grown, against=against)
    if shown.there_are(asked, *REFUNDS):
        refunded = float(sales.refunds_by_day(asked.views, asked.first, asked.last)["amount"].sum())
        columns[3].metric(
            f"Refunds ({asked.currency})",
            shown.number(refunded),
            shown.share(refunded / float(in_all["net_revenue"])) if in_all["net_revenue"] else None,
            delta_color="off",
            delta_arrow="off",
            delta_description="of net revenue",
            border=True,
            help="Paid back on these days, for orders of any day. Net revenue does not subtract it.",
        )


def _days(asked: Asked) -> None:
    st.subheader("Revenue by day")
    days = sales.by_day(asked.views, asked.first, asked.last)
    st.plotly_chart(
        charts.bars(days, "order_date", {"net_revenue": "Net revenue"}, DAY, f"Net revenue ({asked.currency})")
    )
    left, right = st.columns(2)
    left.plotly_chart(charts.lines(days, "order_date", {"orders": "Orders"}, DAY, "Revenue orders"))
    right.plotly_chart(charts.lines(days, "order_date", {"aov": "Average"}, DAY, f"Average order ({asked.currency})"))
    with st.expander("Revenue by day as a table"):
        shown.table(
            days.iloc[::-1],
            "revenue_by_day",
            {
                "order_date": (DAY, shown.day_column),
                "orders": ("Orders", shown.count_column),
                "net_revenue": (f"Net revenue ({asked.currency})", shown.decimal_column),
                "aov": (f"Average order ({asked.currency})", shown.decimal_column),
            },
        )


def _categories(asked: Asked) -> None:
    st.subheader("Revenue by category")
    found = sales.by_category(asked.views, asked.first, asked.last)
    left, right = st.columns([2, 3])
    left.plotly_chart(
        charts.lying_bars(found, "category", "net_revenue", "Category", f"Net revenue ({asked.currency})")
    )
    days = sales.by_category_and_day(asked.views, asked.first, asked.last)
    names = {str(name): str(name) for name in days.columns if name != "order_date"}
    right.plotly_chart(charts.bars(days, "order_date", names, DAY, f"Net revenue ({asked.currency})"))
    shown.table(
        found,
        "revenue_by_category",
        {
            "category": ("Category", shown.text_column),
            "orders": ("Orders", shown.count_column),
            "units": ("Units", shown.count_column),
            "gross_revenue": (f"Gross revenue ({asked.currency})", shown.decimal_column),
            "discount": (f"Discount ({asked.currency})", shown.decimal_column),
            "net_revenue": (f"Net revenue ({asked.currency})", shown.decimal_column),
            "share": ("Share", shown.bar_column),
            "growth": ("Growth", shown.share_column),
        },
    )
    st.caption("An order with items of two categories counts in both. Growth is against as many days before.")


def _countries_and_hours(asked: Asked) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader("Revenue by country")
        found = sales.by_country(asked.views, asked.first, asked.last)
        shown.table(
            found,
            "revenue_by_country",
            {
                "country": ("Country", shown.text_column),
                "net_revenue": (f"Net revenue ({asked.currency})", shown.decimal_column),
                "share": ("Share", shown.bar_column),
            },
        )
        st.caption("ZZ: neither the order nor its customer names a country.")
    with right:
        st.subheader("Revenue by hour")
        hours = sales.by_hour(asked.views, asked.first, asked.last)
        title = f"Hour of the day ({asked.zone})"
        revenue = {"net_revenue": "Net revenue"}
        st.plotly_chart(charts.bars(hours, "hour", revenue, title, f"Net revenue of an average day ({asked.currency})"))
        with st.expander("Revenue by hour as a table"):
            shown.table(
                hours,
                "revenue_by_hour",
                {
                    "hour": ("Hour", shown.count_column),
                    "orders": ("Orders a day", shown.decimal_column),
                    "net_revenue": (f"Net revenue a day ({asked.currency})", shown.decimal_column),
                },
            )


def _best(asked: Asked) -> None:
    left, right = st.columns(2)
    revenue = f"Net revenue ({asked.currency})"
    with left:
        st.subheader("Top products")
        shown.table(
            sales.top_products(asked.views, asked.first, asked.last),
            "top_products",
            {
                "rank": ("#", shown.count_column),
                "product_id": ("Product", shown.text_column),
                "name": ("Name", shown.text_column),
                "units": ("Units", shown.count_column),
                "net_revenue": (revenue, shown.decimal_column),
            },
        )
    with right:
        st.subheader("Top customers")
        shown.table(
            sales.top_customers(asked.views, asked.first, asked.last),
            "top_customers",
            {
                "rank": ("#", shown.count_column),
                "customer_id": ("Customer", shown.text_column),
                "orders": ("Orders", shown.count_column),
                "net_revenue": (revenue, shown.decimal_column),
                "last_order": ("Last order", shown.day_column),
            },
        )


def _new_and_returning(asked: Asked) -> None:
    st.subheader("New and returning customers")
    days = sales.new_and_returning(asked.views, asked.first, asked.last)
    left, right = st.columns(2)
    customers = {"new_customers": "New", "returning_customers": "Returning"}
    left.plotly_chart(charts.bars(days, "order_date", customers, DAY, "Customers who bought"))
    revenue = {"new_revenue": "New", "returning_revenue": "Returning", "guest_revenue": "Guests"}
    right.plotly_chart(charts.bars(days, "order_date", revenue, DAY, f"Net revenue ({asked.currency})"))
    with st.expander("New and returning customers as a table"):
        columns: dict[str, shown.Titled] = {"order_date": (DAY, shown.day_column)}
        columns |= {name: (f"{title} customers", shown.count_column) for name, title in customers.items()}
        columns |= {name: (f"{title}, {asked.currency}", shown.decimal_column) for name, title in revenue.items()}
        shown.table(days.iloc[::-1], "new_and_returning", columns)
        st.caption("A customer is new on the day of the first revenue order.")


def _refunds(asked: Asked) -> None:
    st.subheader("Refunds")
    if not shown.is_there(asked, *REFUNDS):
        return
    days = sales.refunds_by_day(asked.views, asked.first, asked.last)
    if days.empty:
        shown.nothing_in(asked, "refund", "gold/daily_refunds", "refund_date")
        return
    left, right = st.columns([3, 2])
    left.plotly_chart(
        charts.bars(days, "refund_date", {"amount": "Refunds"}, "Day of the refund", f"Refunded ({asked.currency})")
    )
    with right:
        shown.table(
            sales.refunds_by_reason(asked.views, asked.first, asked.last),
            "refunds_by_reason",
            {
                "reason": ("Reason", shown.text_column),
                "refunds": ("Refunds", shown.count_column),
                "amount": (f"Amount ({asked.currency})", shown.decimal_column),
            },
        )
