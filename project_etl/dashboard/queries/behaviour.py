"""What visitors do: sessions, how far they come, when they come, and which orders the tracker saw. From Gold.

Days are business days, first and last included. Does not belong here: how it is shown (`pages/behaviour.py`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from project_etl.core.views import Views

if TYPE_CHECKING:
    import pandas as pd

STEPS = ("Sessions", "With a view", "With a cart", "With a purchase")
"""The steps of the funnel, as `funnel` names them."""


def sessions_by_day(views: Views, first: date, last: date) -> pd.DataFrame:
    """Gold's `daily_sessions`, oldest day first.

    Returns:
        `event_date`, `sessions`, `visitors`, `bounce_rate`, `avg_seconds`, `events_per_session` and
        `revenue_per_session` (reporting currency).
    """
    query = """
        SELECT event_date, sessions, visitors, bounce_rate::DOUBLE AS bounce_rate, avg_seconds::DOUBLE AS avg_seconds,
            events_per_session::DOUBLE AS events_per_session, revenue_per_session::DOUBLE AS revenue_per_session
        FROM gold.daily_sessions
        WHERE event_date BETWEEN $first AND $last
        ORDER BY event_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def sessions_in_all(views: Views, first: date, last: date) -> dict[str, float | None]:
    """The sessions of all days together.

    Visitors who came on several days count once, so that they are fewer than the sum of the days.

    Returns:
        `sessions`, `visitors`, and `bounce_rate`, `avg_seconds`, `events_per_session`, `purchase_rate` (sessions with
        a purchase / sessions), which are None without a session.
    """
    query = """
        SELECT count(*) AS sessions, count(DISTINCT visitor_id) AS visitors,
            avg(is_bounce::INT) AS bounce_rate, avg(seconds) AS avg_seconds, avg(events) AS events_per_session,
            avg((purchases > 0)::INT) AS purchase_rate
        FROM gold.fact_sessions
        WHERE event_date BETWEEN $first AND $last
    """
    (found,) = views.sql(query, {"first": first, "last": last}).to_pylist()
    return found


def funnel(views: Views, first: date, last: date) -> pd.DataFrame:
    """How far the sessions came, by Gold's `funnel`, the days added up.

    Returns:
        One row per step, in order: `step`, `sessions` that hold an event of its type, `of_all` (their share of all
        sessions) and `of_previous` (share of the sessions of the step before that hold this one, too; None for the
        first step and where the step before has none).
    """
    # A day's rate times its sessions is the sessions that hold both steps.
    query = """
        SELECT sum(sessions) AS sessions, sum(with_view) AS with_view, sum(with_cart) AS with_cart,
            sum(with_purchase) AS with_purchase,
            sum(with_view) / sum(sessions) AS seen,
            sum(view_to_cart * with_view) / nullif(sum(with_view), 0) AS view_to_cart,
            sum(cart_to_purchase * with_cart) / nullif(sum(with_cart), 0) AS cart_to_purchase
        FROM gold.funnel
        WHERE event_date BETWEEN $first AND $last
        HAVING sum(sessions) > 0
    """
    import pandas as pd

    found = views.sql(query, {"first": first, "last": last}).to_pylist()
    rows = [
        (step, int(row[count]), float(row[count] / row["sessions"]), None if rate is None else float(rate))
        for row in found
        for step, count, rate in zip(
            STEPS,
            ("sessions", "with_view", "with_cart", "with_purchase"),
            (None, row["seen"], row["view_to_cart"], row["cart_to_purchase"]),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=pd.Index(["step", "sessions", "of_all", "of_previous"]))


def hours(views: Views, first: date, last: date) -> pd.DataFrame:
    """How much happens in an average hour of each weekday, in the reporting time zone.

    A weekday's numbers are divided by how many such days have an event, so that a weekday which the days hold once more
    than another does not look busier.

    Returns:
        `weekday` (1 is Monday), `hour`, and averages of `events`, `sessions` (with an event in that hour), `views`,
        `carts` and `purchases`. Hours without an event are absent.
    """
    query = """
        WITH chosen AS (
            SELECT isodow(event_date) AS weekday, event_hour AS hour, event_date, session_key, event_type
            FROM gold.fact_events
            WHERE event_date BETWEEN $first AND $last
        ), days AS (
            SELECT weekday, count(DISTINCT event_date) AS days FROM chosen GROUP BY weekday
        )
        SELECT weekday, hour, count(*) / any_value(days) AS events,
            count(DISTINCT session_key) / any_value(days) AS sessions,
            count(*) FILTER (event_type = 'view') / any_value(days) AS views,
            count(*) FILTER (event_type = 'add_to_cart') / any_value(days) AS carts,
            count(*) FILTER (event_type = 'purchase') / any_value(days) AS purchases
        FROM chosen JOIN days USING (weekday)
        GROUP BY weekday, hour
        ORDER BY weekday, hour
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def tracked_orders(views: Views, first: date, last: date) -> pd.DataFrame:
    """The orders of each day, of any status, and how many of them the tracker saw as a purchase, on whatever day.

    Returns:
        `order_date`, `orders`, `tracked` and `share` (tracked / orders), oldest day first.
    """
    query = """
        WITH purchases AS (
            SELECT DISTINCT order_id FROM gold.fact_events WHERE event_type = 'purchase' AND order_id IS NOT NULL
        )
        SELECT order_date, count(*) AS orders, count(purchases.order_id) AS tracked,
            count(purchases.order_id) / count(*) AS share
        FROM gold.fact_orders LEFT JOIN purchases USING (order_id)
        WHERE order_date BETWEEN $first AND $last
        GROUP BY order_date
        ORDER BY order_date
    """
    return views.sql(query, {"first": first, "last": last}).to_pandas()


def purchases_without_order(views: Views, first: date, last: date) -> int:
    """Purchases of the tracker whose order is not named, or is in no order of the shop."""
    query = """
        SELECT count(*) AS purchases
        FROM gold.fact_events ANTI JOIN gold.fact_orders USING (order_id)
        WHERE event_type = 'purchase' AND event_date BETWEEN $first AND $last
    """
    return views.sql(query, {"first": first, "last": last}).to_pylist()[0]["purchases"]
