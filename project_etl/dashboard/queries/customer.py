"""One customer: what the shop knows of them, and all that they did, newest first. From Gold.

Does not belong here: customers together (`customers.py`), how it is shown (`pages/customers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from project_etl.core.views import Views

if TYPE_CHECKING:
    import pandas as pd

MOST_EVENTS = 1000
"""So many of a customer's newest events are shown."""


@dataclass(frozen=True)
class Customer:
    """What the shop knows of a customer.

    Attributes:
        customer_id: the id.
        is_known: whether the shop has sent the customer; one that it has not may still have orders.
        about: columns of `gold/dim_customers`: those that views show.
        numbers: columns of `gold/customer_360`.
        left_out: columns with personal data that views do not show.
    """

    customer_id: str
    is_known: bool
    about: dict[str, Any]
    numbers: dict[str, Any]
    left_out: Sequence[str]


def find(views: Views, customer_id: str) -> Customer | None:
    """Look a customer up; None when no table of Gold knows the id."""
    known = {"id": customer_id}
    about = views.sql("SELECT * FROM gold.dim_customers WHERE customer_id = $id", known).to_pylist()
    numbers = views.sql("SELECT * FROM gold.customer_360 WHERE customer_id = $id", known).to_pylist()
    is_named = views.sql(f"SELECT 1 FROM ({_IDS}) WHERE customer_id = $id LIMIT 1", known).num_rows
    if not is_named:
        return None
    return Customer(
        customer_id,
        bool(about or numbers),
        about[0] if about else {},
        numbers[0] if numbers else {},
        views.left_out("gold/dim_customers"),
    )


def nearest(views: Views, customer_id: str, number: int = 5) -> list[str]:
    """Ids that are meant, perhaps: those that begin or end with what was typed, else those that look like it."""
    query = f"""
        SELECT customer_id
        FROM (SELECT DISTINCT customer_id FROM ({_IDS}))
        ORDER BY NOT starts_with(lower(customer_id), lower($id)), NOT ends_with(lower(customer_id), lower($id)),
            levenshtein(lower(customer_id), lower($id)), customer_id
        LIMIT $number
    """
    return views.sql(query, {"id": customer_id, "number": number})["customer_id"].to_pylist()


def orders(views: Views, customer_id: str) -> pd.DataFrame:
    """Every order of a customer, of any status, newest first.

    Returns:
        `order_ts` (in the reporting time zone), `order_id`, `status`, `is_revenue`, `country`, `items`, `units`,
        `net_amount` in `currency`, `net_amount_reporting` and `refunded_reporting` (reporting currency; None without a
        rate).
    """
    query = """
        SELECT order_ts, order_id, status, is_revenue, country, items, units, net_amount::DOUBLE AS net_amount,
            currency, net_amount_reporting::DOUBLE AS net_amount_reporting,
            refunded_reporting::DOUBLE AS refunded_reporting
        FROM gold.fact_orders
        WHERE customer_id = $id
        ORDER BY order_ts DESC, order_id
    """
    return views.sql(query, {"id": customer_id}).to_pandas()


def order_items(views: Views, customer_id: str) -> pd.DataFrame:
    """Every line of a customer's orders, newest first, with the name that the product has now.

    Returns:
        `order_ts`, `order_id`, `product_id`, `product`, `category` (as of the order), `quantity`, `unit_price`,
        `discount`, `net_amount`, `currency`.
    """
    query = """
        SELECT order_ts, order_id, product_id, name AS product, lines.category, quantity,
            unit_price::DOUBLE AS unit_price, discount::DOUBLE AS discount, net_amount::DOUBLE AS net_amount,
            lines.currency
        FROM gold.fact_order_items AS lines LEFT JOIN gold.dim_products USING (product_id)
        WHERE customer_id = $id
        ORDER BY order_ts DESC, order_id, order_item_id
    """
    return views.sql(query, {"id": customer_id}).to_pandas()


def refunds(views: Views, customer_id: str) -> pd.DataFrame:
    """Every refund of a customer's orders, newest first.

    Returns:
        `refund_date`, `order_id`, `quantity`, `amount` in `currency`, `amount_reporting`, `reason`.
    """
    query = """
        SELECT refund_date, order_id, quantity, amount::DOUBLE AS amount, currency,
            amount_reporting::DOUBLE AS amount_reporting, reason
        FROM gold.fact_refunds
        WHERE order_id IN (SELECT order_id FROM gold.fact_orders WHERE customer_id = $id)
        ORDER BY refund_date DESC, refund_id
    """
    return views.sql(query, {"id": customer_id}).to_pandas()


def reviews(views: Views, customer_id: str) -> pd.DataFrame:
    """Every review of a customer, newest first.

    Returns:
        `review_date`, `product_id`, `product`, `rating`, `review_text`, `helpful_votes`.
    """
    query = """
        SELECT review_date, product_id, name AS product, rating, review_text, helpful_votes
        FROM gold.fact_reviews LEFT JOIN gold.dim_products USING (product_id)
        WHERE customer_id = $id
        ORDER BY review_date DESC, review_id
    """
    return views.sql(query, {"id": customer_id}).to_pandas()


def events(views: Views, customer_id: str) -> tuple[pd.DataFrame, int]:
    """The newest events in which the tracker knew a customer, and how many there are in all.

    Returns:
        At most `MOST_EVENTS` rows of `event_ts`, `event_type`, `product_id`, `product`, `category`, `order_id`,
        `quantity`, `price` (reporting currency) and `session_key`; and the number of all events.
    """
    query = """
        SELECT event_ts, event_type, product_id, name AS product, events.category, order_id, quantity,
            events.price::DOUBLE AS price, session_key, count(*) OVER () AS in_all
        FROM gold.fact_events AS events LEFT JOIN gold.dim_products USING (product_id)
        WHERE customer_id = $id
        ORDER BY event_ts DESC, event_id
        LIMIT $most
    """
    found = views.sql(query, {"id": customer_id, "most": MOST_EVENTS}).to_pandas()
    in_all = int(found["in_all"].iloc[0]) if len(found) else 0
    return found.drop(columns="in_all"), in_all


# The shop may not have sent a customer yet who has orders or events.
_IDS = """
    SELECT customer_id FROM gold.customer_360
    UNION ALL SELECT customer_id FROM gold.dim_customers
    UNION ALL SELECT customer_id FROM gold.fact_orders WHERE customer_id IS NOT NULL
    UNION ALL SELECT customer_id FROM gold.fact_events WHERE customer_id IS NOT NULL
    UNION ALL SELECT customer_id FROM gold.fact_reviews WHERE customer_id IS NOT NULL
"""
