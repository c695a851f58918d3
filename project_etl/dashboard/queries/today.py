"""What happens in the shop right now, from Silver and the file table, so that it does not wait for Gold.

Money is in the reporting currency, converted as Gold does it but with the machine's own fractions: it may differ from
Gold's by a cent. Gold has the last word. Does not belong here: how it is shown (`pages/today.py`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from project_etl.core.bronze.file_table import FILES, files
from project_etl.core.views import Views

if TYPE_CHECKING:
    import pandas as pd

NEWEST = 10
# What one unit of a currency is worth on each day that gives a rate: as given, else as the inverse of the opposite one,
# else through a third currency, of several the alphabetically first (`core/transforms/money.py`).
RATES = """
    legs AS (
        SELECT rate_date, base_currency AS sold, quote_currency AS bought, rate::DOUBLE AS rate, 0 AS choice
        FROM silver.fx_rates WHERE base_currency <> quote_currency
        UNION ALL
        SELECT rate_date, quote_currency, base_currency, 1 / rate::DOUBLE, 1
        FROM silver.fx_rates WHERE base_currency <> quote_currency
    ), best AS (
        FROM legs QUALIFY row_number() OVER (PARTITION BY rate_date, sold, bought ORDER BY choice) = 1
    ), paths AS (
        SELECT rate_date, sold AS currency, rate, '' AS via FROM best WHERE bought = $currency
        UNION ALL
        SELECT rate_date, first.sold, first.rate * last.rate, first.bought
        FROM best AS first JOIN best AS last USING (rate_date)
        WHERE first.bought = last.sold AND last.bought = $currency AND first.sold <> $currency
    ), rates AS (
        FROM paths QUALIFY row_number() OVER (PARTITION BY rate_date, currency ORDER BY via) = 1
    )
"""
NO_RATES = "rates AS (SELECT NULL::DATE AS rate_date, NULL::VARCHAR AS currency, NULL::DOUBLE AS rate WHERE false)"
# One row per order of a day, until an instant.
ORDERS = """
    orders AS (
        SELECT order_id, order_date, order_ts, status, currency, country FROM silver.orders
        WHERE order_date = $day AND order_ts <= $until
    ), sums AS (
        SELECT order_id, sum(quantity) AS units, sum(net_amount) AS net_amount
        FROM silver.order_items WHERE order_date = $day GROUP BY order_id
    ), converted AS (
        SELECT orders.*, units, net_amount IS NOT NULL AND list_contains($revenue_statuses, status) AS is_revenue,
            net_amount::DOUBLE * CASE WHEN orders.currency = $currency THEN 1 ELSE rates.rate END AS net_revenue
        FROM orders LEFT JOIN sums USING (order_id)
        ASOF LEFT JOIN rates ON orders.currency = rates.currency AND orders.order_date >= rates.rate_date
    )
"""


def newest_day(views: Views, *tables: tuple[str, str]) -> date | None:
    """The newest day of some tables, each with its day column, as `("silver.orders", "order_date")`."""
    found = [views.sql(f"SELECT max({day}) AS day FROM {table}").to_pylist()[0]["day"] for table, day in tables]
    return max(filter(None, found), default=None)


def newest_event(views: Views) -> datetime | None:
    """When the newest event happened."""
    return views.sql("SELECT max(event_ts) AS at FROM silver.events").to_pylist()[0]["at"]


def orders_by_hour(views: Views, day: date, until: datetime, currency: str) -> pd.DataFrame:
    """The orders of a day, by hour.

    Args:
        views: the tables.
        day: the business day.
        until: later orders do not count.
        currency: the reporting currency.

    Returns:
        `hour` (0 to 23, all of them), `orders` of any status, `revenue_orders`, `net_revenue`, and `without_rate`:
        revenue orders that are not in `net_revenue`, for nothing says what their currency is worth.
    """
    query = f"""
        WITH {_rates(views)}, {ORDERS}
        SELECT hour, count(order_id) AS orders, count(*) FILTER (is_revenue AND net_revenue IS NOT NULL)
            AS revenue_orders, coalesce(sum(net_revenue) FILTER (is_revenue), 0.0) AS net_revenue,
            count(*) FILTER (is_revenue AND net_revenue IS NULL) AS without_rate
        FROM range(24) AS hours(hour) LEFT JOIN converted ON hour = hour(order_ts)
        GROUP BY hour
        ORDER BY hour
    """
    return views.sql(query, _of_day(day, until, currency)).to_pandas()


def currencies_without_rate(views: Views, day: date, until: datetime, currency: str) -> list[str]:
    """The currencies of revenue orders of a day that nothing converts."""
    query = f"""
        WITH {_rates(views)}, {ORDERS}
        SELECT DISTINCT currency FROM converted WHERE is_revenue AND net_revenue IS NULL ORDER BY currency
    """
    return views.sql(query, _of_day(day, until, currency))["currency"].to_pylist()


def newest_orders(views: Views, day: date, until: datetime, currency: str, most: int = NEWEST) -> pd.DataFrame:
    """The newest orders of a day, newest first: `order_ts`, `order_id`, `status`, `country`, `units`, `net_revenue`.

    `net_revenue` is empty for an order that is no revenue order, and for one without a rate.
    """
    query = f"""
        WITH {_rates(views)}, {ORDERS}
        SELECT order_ts, order_id, status, country, units::BIGINT AS units,
            CASE WHEN is_revenue THEN round(net_revenue, 2) END AS net_revenue
        FROM converted
        ORDER BY order_ts DESC, order_id
        LIMIT {most:d}
    """
    return views.sql(query, _of_day(day, until, currency)).to_pandas()


def events_by_hour(views: Views, day: date, until: datetime) -> pd.DataFrame:
    """The events of a day until an instant, by hour: `hour` (0 to 23, all of them), `views`, `carts`, `purchases`."""
    query = """
        SELECT hours.hour, count(*) FILTER (event_type = 'view') AS views,
            count(*) FILTER (event_type = 'add_to_cart') AS carts,
            count(*) FILTER (event_type = 'purchase') AS purchases
        FROM range(24) AS hours(hour) LEFT JOIN (
            FROM silver.events WHERE event_date = $day AND event_ts <= $until
        ) ON hours.hour = event_hour
        GROUP BY hours.hour
        ORDER BY hours.hour
    """
    return views.sql(query, {"day": day, "until": until}).to_pandas()


def visitors(views: Views, day: date, until: datetime) -> int:
    """How many visitors a day had until an instant."""
    query = """
        SELECT count(DISTINCT visitor_id) AS visitors FROM silver.events
        WHERE event_date = $day AND event_ts <= $until
    """
    return views.sql(query, {"day": day, "until": until}).to_pylist()[0]["visitors"]


def funnel(views: Views, since: datetime, until: datetime) -> dict[str, int]:
    """How far the visitors of some hours came: `visitors`, and those `with_view`, `with_cart` and `with_purchase`.

    Args:
        views: the tables.
        since: earlier events, and those of this very instant, do not count.
        until: later events do not count.
    """
    query = """
        SELECT count(DISTINCT visitor_id) AS visitors,
            count(DISTINCT visitor_id) FILTER (event_type = 'view') AS with_view,
            count(DISTINCT visitor_id) FILTER (event_type = 'add_to_cart') AS with_cart,
            count(DISTINCT visitor_id) FILTER (event_type = 'purchase') AS with_purchase
        FROM silver.events
        WHERE event_date BETWEEN $first AND $last AND event_ts > $since AND event_ts <= $until
    """
    days = {"first": since.date(), "last": until.date()}
    (found,) = views.sql(query, {**days, "since": since, "until": until}).to_pylist()
    return found


def landed(views: Views) -> pd.DataFrame:
    """The files of the newest landing day, the newest first.

    Returns:
        `landing_date`, `dataset`, `file`, `status`, `records`, `first_seen`; no row where nothing has landed.
    """
    import pandas as pd

    lake = views.lake
    found: list[dict[str, Any]] = []
    if lake.exists(FILES):
        days = lake.state(FILES).rows(["landing_date"])["landing_date"].to_pylist()
        for row in files(lake, lake.names("bronze"), {max(days).isoformat()} if days else ()).values():
            _, _, dataset = row.dataset.partition("/")
            found.append(
                {
                    "landing_date": row.landing_date,
                    "dataset": dataset,
                    "file": row.path.rpartition("/")[2],
                    "status": str(row.status),
                    "records": row.records,
                    "first_seen": row.first_seen,
                }
            )
    columns = ["landing_date", "dataset", "file", "status", "records", "first_seen"]
    frame = pd.DataFrame(found, columns=pd.Index(columns))
    frame["first_seen"] = pd.to_datetime(frame["first_seen"], utc=True).dt.tz_convert(views.zone)
    return frame.sort_values(["first_seen", "dataset"], ascending=[False, True])


def _rates(views: Views) -> str:
    return RATES if "silver.fx_rates" in views.tables else NO_RATES


def _of_day(day: date, until: datetime, currency: str) -> dict[str, object]:
    from project_etl.gold.fact_order_items import REVENUE_STATUSES

    return {"day": day, "until": until, "currency": currency, "revenue_statuses": [*REVENUE_STATUSES]}
