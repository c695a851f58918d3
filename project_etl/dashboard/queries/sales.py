"""What the shop sells, from Gold alone: all numbers are Gold's, or sums of them. Money is in the reporting currency.

Days are business days, first and last included. Does not belong here: how it is shown (`pages/sales.py`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from project_etl.core.views import Views

if TYPE_CHECKING:
    import pandas as pd

RANKS = 10


def before(first: date, last: date) -> tuple[date, date]:
    """As many days, just before."""
    length = (last - first).days + 1
    return first - timedelta(days=length), first - timedelta(days=1)


def in_all(views: Views, first: date, last: date) -> dict[str, Any]:
    """The sales of all days together.

    Returns:
        `orders`, `net_revenue`, and `aov` (their quotient; None without an order).
    """
    query = """
        SELECT coalesce(sum(orders), 0)::BIGINT AS orders, coalesce(sum(net_revenue), 0) AS net_revenue,
            (sum(net_revenue) / sum(orders))::DOUBLE AS aov
        FROM gold.daily_aov
        WHERE order_date BETWEEN $first AND $last
    """
    (found,) = views.sql(query, {"first": first, "last": last}).to_pylist()
    return found


def by_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `daily_aov`, oldest day first: `order_date`, `orders`, `net_revenue`, `aov`."""
    query = """
        SELECT order_date, orders, net_revenue::DOUBLE AS net_revenue, aov::DOUBLE AS aov
        FROM gold.daily_aov
        WHERE order_date BETWEEN $first AND $last
        ORDER BY order_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def by_category(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `daily_revenue_by_category`, the days added up, the category with most revenue first.

    Returns:
        `category`, `orders` (that hold an item of it), `units`, `gross_revenue`, `discount`, `net_revenue`, `share` (of
        all net revenue) and `growth` (of net revenue, against as many days just before; None without any then).
    """
    query = """
        WITH days AS (
            SELECT *, order_date >= $first AS is_now
            FROM gold.daily_revenue_by_category
            WHERE order_date BETWEEN $before AND $last
        ), sums AS (
            SELECT category, sum(orders) FILTER (is_now)::BIGINT AS orders,
                sum(units) FILTER (is_now)::BIGINT AS units,
                sum(gross_revenue) FILTER (is_now)::DOUBLE AS gross_revenue,
                sum(discount) FILTER (is_now)::DOUBLE AS discount,
                sum(net_revenue) FILTER (is_now)::DOUBLE AS net_revenue,
                sum(net_revenue) FILTER (NOT is_now)::DOUBLE AS revenue_before
            FROM days
            GROUP BY category
        )
        SELECT * EXCLUDE revenue_before, net_revenue / nullif(sum(net_revenue) OVER (), 0) AS share,
            net_revenue / nullif(revenue_before, 0) - 1 AS growth
        FROM sums
        WHERE orders IS NOT NULL
        ORDER BY net_revenue DESC, category
    """
    return views.sql(query, {"first": first, "last": last, "before": before(first, last)[0]}).to_pandas()


def by_category_and_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """Net revenue by day: `order_date`, and a column for each category, the one with most revenue first."""
    query = """
        SELECT order_date, category, net_revenue::DOUBLE AS net_revenue
        FROM gold.daily_revenue_by_category
        WHERE order_date BETWEEN $first AND $last
    """
    found = views.sql(query, {"first": first, "last": last}).to_pandas()
    cells = found.pivot_table(index="order_date", columns="category", values="net_revenue", fill_value=0.0)
    return cells[cells.sum().sort_values(ascending=False).index].reset_index()


def by_country(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `country_revenue_share`, the days added up: `country`, `net_revenue`, `share`, most revenue first."""
    query = """
        SELECT country, sum(net_revenue)::DOUBLE AS net_revenue,
            sum(net_revenue)::DOUBLE / nullif(sum(sum(net_revenue)) OVER (), 0)::DOUBLE AS share
        FROM gold.country_revenue_share
        WHERE order_date BETWEEN $first AND $last
        GROUP BY country
        ORDER BY net_revenue DESC, country
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def by_hour(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `hourly_sales`, as an average of the days that have a revenue order.

    Returns:
        `hour` (0 to 23, all of them), `orders` and `net_revenue` a day; no row where no day has a revenue order.
    """
    query = """
        WITH chosen AS (FROM gold.hourly_sales WHERE order_date BETWEEN $first AND $last),
            days AS (SELECT count(DISTINCT order_date) AS days FROM chosen)
        SELECT hour, coalesce(sum(orders), 0) / any_value(days) AS orders,
            coalesce(sum(net_revenue), 0)::DOUBLE / any_value(days) AS net_revenue
        FROM range(24) AS hours(hour) CROSS JOIN days LEFT JOIN chosen USING (hour)
        WHERE days > 0
        GROUP BY hour
        ORDER BY hour
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def top_products(views: Views, first: date, last: date, ranks: int = RANKS) -> pd.DataFrame:
    """The products with most net revenue, as Gold's `top_products_7d` ranks those of seven days.

    Returns:
        `rank`, `product_id`, `name` and `category` (of now; None for a product that is not there), `units`,
        `net_revenue`.
    """
    query = """
        SELECT row_number() OVER (ORDER BY sum(net_amount_reporting) DESC NULLS LAST, product_id) AS rank, product_id,
            any_value(products.name) AS name, any_value(products.category) AS category,
            sum(items.quantity)::BIGINT AS units, round(sum(net_amount_reporting), 2)::DOUBLE AS net_revenue
        FROM gold.fact_order_items AS items LEFT JOIN gold.dim_products AS products USING (product_id)
        WHERE is_revenue AND order_date BETWEEN $first AND $last
        GROUP BY product_id
        ORDER BY rank
        LIMIT $ranks
    """
    return views.sql(query, {"first": first, "last": last, "ranks": ranks}).to_pandas()


def top_customers(views: Views, first: date, last: date, ranks: int = RANKS) -> pd.DataFrame:
    """The customers with most net revenue, as Gold's `top_users` ranks those of a day; guests are none.

    Returns:
        `rank`, `customer_id`, `orders`, `net_revenue`, `last_order` (of these days).
    """
    query = """
        SELECT row_number() OVER (ORDER BY sum(net_amount_reporting) DESC NULLS LAST, customer_id) AS rank, customer_id,
            count(*) AS orders, round(sum(net_amount_reporting), 2)::DOUBLE AS net_revenue,
            max(order_date) AS last_order
        FROM gold.fact_orders
        WHERE is_revenue AND customer_id IS NOT NULL AND order_date BETWEEN $first AND $last
        GROUP BY customer_id
        ORDER BY rank
        LIMIT $ranks
    """
    return views.sql(query, {"first": first, "last": last, "ranks": ranks}).to_pandas()


def new_and_returning(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `new_vs_returning`, oldest day first.

    Returns:
        `order_date`, `new_customers`, `returning_customers`, `new_revenue`, `returning_revenue`, `guest_revenue`.
    """
    query = """
        SELECT order_date, new_customers, returning_customers, new_revenue::DOUBLE AS new_revenue,
            returning_revenue::DOUBLE AS returning_revenue, guest_revenue::DOUBLE AS guest_revenue
        FROM gold.new_vs_returning
        WHERE order_date BETWEEN $first AND $last
        ORDER BY order_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def refunds_by_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `daily_refunds`, oldest day first: `refund_date`, `refunds`, `orders`, `amount`."""
    query = """
        SELECT refund_date, refunds, orders, amount::DOUBLE AS amount
        FROM gold.daily_refunds
        WHERE refund_date BETWEEN $first AND $last
        ORDER BY refund_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def refunds_by_reason(views: Views, first: date, last: date) -> pd.DataFrame:
    """The refunds of Gold's `fact_refunds` by reason: `reason`, `refunds`, `amount`, the largest amount first."""
    query = """
        SELECT coalesce(reason, 'no reason given') AS reason, count(*) AS refunds,
            round(sum(amount_reporting), 2)::DOUBLE AS amount
        FROM gold.fact_refunds
        WHERE refund_date BETWEEN $first AND $last
        GROUP BY ALL
        ORDER BY amount DESC NULLS LAST, reason
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def without_rate(views: Views, first: date, last: date) -> list[dict[str, Any]]:
    """The revenue orders that Gold cannot convert, so that its daily tables wait for their days.

    Returns:
        For each currency: `currency`, `orders`, `first` and `last` (days).
    """
    query = """
        SELECT currency, count(*) AS orders, min(order_date) AS first, max(order_date) AS last
        FROM gold.fact_orders
        WHERE is_revenue AND net_amount_reporting IS NULL AND order_date BETWEEN $first AND $last
        GROUP BY currency
        ORDER BY currency
    """
    return views.sql(query, {"first": first, "last": last}).to_pylist()
