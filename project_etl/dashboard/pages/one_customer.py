"""The history of one customer, a part of the page on customers."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from project_etl.dashboard import shown
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.queries import customer

KEY = "customer"
"""The id that was entered, in the state of the session and in the address of the page."""
TABLES = (
    "gold/dim_customers",
    "gold/dim_products",
    "gold/customer_360",
    "gold/fact_orders",
    "gold/fact_order_items",
    "gold/fact_refunds",
    "gold/fact_reviews",
    "gold/fact_events",
)
PERSONAL = {"full_name": "name", "email": "e-mail", "phone": "telephone"}


def show(asked: Asked, customer_id: str) -> None:
    """Draw the customer, or say who may be meant."""
    if not shown.is_there(asked, *TABLES):
        return
    found = customer.find(asked.views, customer_id)
    if found is None:
        _nobody(asked, customer_id)
        return
    title, back = st.columns([5, 1], vertical_alignment="bottom")
    title.subheader(shown.plain(found.about.get("full_name") or f"Customer {customer_id}"))
    back.button("All customers", on_click=_choose, args=("",), width="stretch")
    _about(found)
    if found.is_known:
        _numbers(asked, found)
    _history(asked, customer_id)


def _nobody(asked: Asked, customer_id: str) -> None:
    st.warning(f"No such customer: {shown.plain(customer_id)}. Capital and small letters are different.")
    meant = customer.nearest(asked.views, customer_id)
    if meant:
        st.write("Is one of these meant?")
        for column, each in zip(st.columns(len(meant)), meant, strict=True):
            column.button(shown.plain(each), on_click=_choose, args=(each,), width="stretch")


def _choose(customer_id: str) -> None:
    st.session_state[KEY] = customer_id


def _about(found: customer.Customer) -> None:
    about = found.about
    if not found.is_known:
        st.warning("The shop has not sent this customer yet. All that is known is what orders, reviews and events say.")
    facts = [found.customer_id]
    facts += [f"{title} {about[name]}" for name, title in PERSONAL.items() if about.get(name)]
    facts += [place] if (place := ", ".join(filter(None, (about.get("city"), about.get("country"))))) else []
    facts += [f"signed up on {about['signup_date']}"] if about.get("signup_date") else []
    st.caption(" · ".join(map(shown.plain, facts)))
    if left_out := [name for name in PERSONAL if name in found.left_out]:
        st.caption(
            f"Personal data is left out: {', '.join(PERSONAL[name] for name in left_out)}. Whoever may see it starts "
            f"the dashboard with `--allow-pii {','.join(left_out)}`."
        )


def _numbers(asked: Asked, found: customer.Customer) -> None:
    numbers = found.numbers
    columns = [*st.columns(4), *st.columns(4)]
    columns[0].metric("Lifetime value", shown.money(numbers["ltv"], asked.currency))
    columns[1].metric("Revenue orders", shown.number(numbers["frequency"]))
    columns[2].metric("Days since the last one", shown.number(numbers["recency_days"]), help=f"On {numbers['as_of']}.")
    columns[3].metric("Favourite category", numbers["favourite_category"] or shown.NONE)
    columns[4].metric("Refunds", f"{numbers['refunds']:,}: {shown.money(numbers['refunded'], asked.currency)}")
    columns[5].metric("Sessions in 30 days", shown.number(numbers["sessions_30d"]))
    columns[6].metric("Views in 30 days", shown.number(numbers["views_30d"]))
    columns[7].metric("Average rating", shown.number(numbers["average_rating"], 2), help="Of the customer's reviews.")
    if numbers["open_deals"] is not None:
        stage, deals, *_ = st.columns(4)
        stage.metric("Stage in the CRM", shown.plain(numbers["lifecycle_stage"] or shown.NONE))
        deals.metric("Open deals", shown.number(numbers["open_deals"]))
    if purchases := numbers["last_purchases"]:
        st.markdown("**Last purchases**")
        shown.table(
            pd.DataFrame(purchases).astype({"net_revenue": float}),
            f"{_file(found.customer_id)}_last_purchases",
            {
                "order_date": ("Business day", shown.day_column),
                "order_id": ("Order", shown.text_column),
                "net_revenue": (f"Net revenue ({asked.currency})", shown.decimal_column),
            },
        )


def _history(asked: Asked, customer_id: str) -> None:
    views, name = asked.views, _file(customer_id)
    orders, lines = customer.orders(views, customer_id), customer.order_items(views, customer_id)
    refunds, reviews = customer.refunds(views, customer_id), customer.reviews(views, customer_id)
    events, in_all = customer.events(views, customer_id)
    parts = [
        ("Orders", len(orders), orders, _order_columns(asked)),
        ("Lines of orders", len(lines), lines, _line_columns()),
        ("Refunds", len(refunds), refunds, _refund_columns(asked)),
        ("Reviews", len(reviews), reviews, _review_columns()),
        ("Events", in_all, events, _event_columns(asked)),
    ]
    tabs = st.tabs([f"{title} ({number:,})" for title, number, _, _ in parts])
    for tab, (title, number, rows, columns) in zip(tabs, parts, strict=True):
        with tab:
            if not number:
                st.caption("None.")
                continue
            if number > len(rows):
                st.caption(f"The newest {len(rows):,} of {number:,}.")
            shown.table(rows, f"{name}_{title.lower().replace(' ', '_')}", columns)
    st.caption(f"Instants in {asked.zone}. The newest comes first.")


def _file(customer_id: str) -> str:
    """A customer's id as a part of the name of a file."""
    return re.sub(r"[^\w.-]", "_", customer_id)


def _order_columns(asked: Asked) -> dict[str, shown.Titled]:
    return {
        "order_ts": ("Ordered at", shown.instant_column),
        "order_id": ("Order", shown.text_column),
        "status": ("Status", shown.text_column),
        "is_revenue": ("Counts as revenue", shown.text_column),
        "country": ("Country", shown.text_column),
        "units": ("Units", shown.count_column),
        "net_amount": ("Net amount", shown.decimal_column),
        "currency": ("Currency", shown.text_column),
        "net_amount_reporting": (f"Net amount ({asked.currency})", shown.decimal_column),
        "refunded_reporting": (f"Refunded ({asked.currency})", shown.decimal_column),
    }


def _line_columns() -> dict[str, shown.Titled]:
    return {
        "order_ts": ("Ordered at", shown.instant_column),
        "order_id": ("Order", shown.text_column),
        "product_id": ("Product", shown.text_column),
        "product": ("Name", shown.text_column),
        "category": ("Category", shown.text_column),
        "quantity": ("Units", shown.count_column),
        "unit_price": ("Unit price", shown.decimal_column),
        "discount": ("Discount", shown.decimal_column),
        "net_amount": ("Net amount", shown.decimal_column),
        "currency": ("Currency", shown.text_column),
    }


def _refund_columns(asked: Asked) -> dict[str, shown.Titled]:
    return {
        "refund_date": ("Refund day", shown.day_column),
        "order_id": ("Order", shown.text_column),
        "quantity": ("Units", shown.count_column),
        "amount": ("Amount", shown.decimal_column),
        "currency": ("Currency", shown.text_column),
        "amount_reporting": (f"Amount ({asked.currency})", shown.decimal_column),
        "reason": ("Reason", shown.text_column),
    }


def _review_columns() -> dict[str, shown.Titled]:
    return {
        "review_date": ("Review day", shown.day_column),
        "product_id": ("Product", shown.text_column),
        "product": ("Name", shown.text_column),
        "rating": ("Rating", shown.count_column),
        "review_text": ("Text", shown.text_column),
        "helpful_votes": ("Helpful votes", shown.count_column),
    }


def _event_columns(asked: Asked) -> dict[str, shown.Titled]:
    return {
        "event_ts": ("At", shown.instant_column),
        "event_type": ("Event", shown.text_column),
        "product_id": ("Product", shown.text_column),
        "product": ("Name", shown.text_column),
        "category": ("Category", shown.text_column),
        "order_id": ("Order", shown.text_column),
        "quantity": ("Units", shown.count_column),
        "price": (f"Price ({asked.currency})", shown.decimal_column),
        "session_key": ("Session", shown.text_column),
    }
