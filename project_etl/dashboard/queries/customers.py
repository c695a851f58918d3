"""Customers together: what they have been worth, whether they come back, what they buy. From Gold.

Days are business days, first and last included. Guests are no customers. Does not belong here: one customer
(`customer.py`), how it is shown (`pages/customers.py`).
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from project_etl.core.views import Views

if TYPE_CHECKING:
    import pandas as pd

ACTIVE_DAYS = 30
"""A customer is active for so many days after a revenue order, its own day included."""
STEPS = (1, 2, 5)
"""Bounds of the classes of lifetime value: these, times a power of ten."""


def lifetime_in_all(views: Views) -> dict[str, Any]:
    """What customers with a revenue order have been worth, in the reporting currency.

    Returns:
        `customers`, `net_revenue`, `average`, `median`, `repeaters` (share with more than one order), `top_share`
        (share of net revenue that the tenth of customers has who are worth most) and `as_of`; all but `customers` are
        None without a customer.
    """
    query = """
        WITH ranked AS (
            SELECT *, row_number() OVER (ORDER BY net_revenue DESC, customer_id) AS place, count(*) OVER () AS customers
            FROM gold.customer_ltv
        )
        SELECT count(*) AS customers, sum(net_revenue)::DOUBLE AS net_revenue, avg(net_revenue)::DOUBLE AS average,
            median(net_revenue)::DOUBLE AS median, avg((orders > 1)::INT) AS repeaters,
            sum(net_revenue) FILTER (place <= ceil(customers / 10))::DOUBLE / nullif(sum(net_revenue), 0) AS top_share,
            max(as_of) AS as_of
        FROM ranked
    """
    return views.sql(query).to_pylist()[0]


def lifetime_values(views: Views) -> pd.DataFrame:
    """How many customers have been worth how much.

    The classes grow as 1, 2, 5, 10, 20, 50 do: lifetime values differ by orders of magnitude, and equal classes would
    hold nearly all customers in the first one. The first class starts at 0.

    Returns:
        `at_least`, `below`, `customers`, `net_revenue`, one row per class, the smallest first; classes between others
        that hold nobody are there with 0.
    """
    import pandas as pd

    query = """
        SELECT quantile_cont(net_revenue, 0.01)::DOUBLE AS low, max(net_revenue)::DOUBLE AS high FROM gold.customer_ltv
    """
    (found,) = views.sql(query).to_pylist()
    if found["high"] is None:
        return pd.DataFrame(columns=pd.Index(["at_least", "below", "customers", "net_revenue"]))
    bounds = _bounds(found["low"], found["high"])
    query = """
        SELECT b.at_least, b.below, count(customer_id) AS customers,
            coalesce(sum(net_revenue), 0)::DOUBLE AS net_revenue
        FROM (SELECT unnest($at_least) AS at_least, unnest($below) AS below) AS b
        LEFT JOIN gold.customer_ltv ON net_revenue >= b.at_least AND net_revenue < b.below
        GROUP BY ALL
        ORDER BY b.at_least
    """
    return views.sql(query, {"at_least": bounds[:-1], "below": bounds[1:]}).to_pandas()


def repeat_by_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `repeat_customers`, and the same over the seven days to each day.

    Returns:
        `order_date`, `customers`, `repeat_customers`, `repeat_rate`, `repeat_rate_7d`, oldest day first.
    """
    query = """
        SELECT order_date, customers, repeat_customers, repeat_rate::DOUBLE AS repeat_rate,
            (sum(repeat_customers) OVER week / nullif(sum(customers) OVER week, 0))::DOUBLE AS repeat_rate_7d
        FROM gold.repeat_customers
        WHERE order_date BETWEEN $first::DATE - 6 AND $last
        WINDOW week AS (ORDER BY order_date RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW)
        QUALIFY order_date >= $first
        ORDER BY order_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def new_and_returning(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `new_vs_returning`, oldest day first, with revenue as numbers (reporting currency)."""
    query = """
        SELECT * REPLACE (new_revenue::DOUBLE AS new_revenue, returning_revenue::DOUBLE AS returning_revenue,
            guest_revenue::DOUBLE AS guest_revenue)
        FROM gold.new_vs_returning
        WHERE order_date BETWEEN $first AND $last
        ORDER BY order_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def active_by_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """How many customers are active on each day: with a revenue order in the `ACTIVE_DAYS` days to it.

    Returns:
        `day` and `customers`, oldest first, for the days up to the newest business day of data; the first days of all
        data look back on fewer days.
    """
    query = """
        WITH bought AS (
            SELECT DISTINCT customer_id, order_date
            FROM gold.fact_orders
            WHERE is_revenue AND customer_id IS NOT NULL
                AND order_date BETWEEN $first::DATE - $before::INT AND $last::DATE
        ), until AS (
            -- A customer leaves when no later order keeps them.
            SELECT order_date, least(
                order_date + $before::INT,
                coalesce(lead(order_date) OVER (PARTITION BY customer_id ORDER BY order_date) - 1, DATE '9999-12-31')
            ) AS last_day
            FROM bought
        ), days AS (
            SELECT date AS day FROM gold.dim_date WHERE date BETWEEN $first AND $last
        )
        SELECT day, count(order_date) AS customers
        FROM days LEFT JOIN until ON day BETWEEN order_date AND last_day
        GROUP BY day
        ORDER BY day
    """
    return views.sql(query, {"first": first, "last": last, "before": ACTIVE_DAYS - 1}).to_pandas()


def favourite_categories(views: Views) -> pd.DataFrame:
    """In which category customers have spent most, by Gold's `customer_360`.

    Returns:
        `category`, `customers`, `ltv` (of these customers, for all that they bought), most customers first; customers
        without a revenue order are left out.
    """
    query = """
        SELECT favourite_category AS category, count(*) AS customers, sum(ltv)::DOUBLE AS ltv
        FROM gold.customer_360
        WHERE favourite_category IS NOT NULL
        GROUP BY category
        ORDER BY customers DESC, category
    """
    return views.sql(query).to_pandas()


def _bounds(low: float, high: float) -> list[float]:
    """Bounds of classes: 0, then 1, 2, 5 times powers of ten from above `low` to above `high`."""
    ladder = [step * 10.0**power for power in range(-2, 19) for step in STEPS]
    start = next(above for bound, above in pairwise([0.0, *ladder]) if above > low)
    end = next(bound for bound in ladder if bound > max(high, start))
    return [0.0, *(bound for bound in ladder if start <= bound <= end)]
