"""The Gold tables of visits and reviews by the oracle, as plain SQL over the settled tables.

Not here: which events and reviews count (`shop.py`, `tables.py`).
"""

from __future__ import annotations

from project_etl_tests.oracle.question import MONEY_PLACES, Question, plain, ratio

# `visits` has each event with the session that it is in; `sessions` has one row a session.
VIEWS = """
CREATE OR REPLACE TEMP VIEW visits AS
WITH ordered AS (
    SELECT *, row_number() OVER visitor_day AS place,
           epoch_us(event_ts) - lag(epoch_us(event_ts)) OVER visitor_day AS gap
    FROM events WINDOW visitor_day AS (PARTITION BY visitor_id, event_date ORDER BY event_ts, event_id)
), numbered AS (
    SELECT *, sum(CASE WHEN gap > 1_800 * 1_000_000 THEN 1 ELSE 0 END)
        OVER (PARTITION BY visitor_id, event_date ORDER BY place ROWS UNBOUNDED PRECEDING) AS number
    FROM ordered
), started AS (
    SELECT *, min(event_ts) OVER (PARTITION BY visitor_id, event_date, number) AS started_at FROM numbered
)
SELECT *, substr(sha256(visitor_id || chr(31) || strftime(started_at, '%Y-%m-%dT%H:%M:%S.%f')), 1, 32) AS session_key
FROM started;

CREATE OR REPLACE TEMP VIEW sessions AS
SELECT event_date, session_key, any_value(visitor_id) AS visitor_id,
       arg_max(customer_id, place) FILTER (customer_id IS NOT NULL) AS customer_id,
       min(event_ts) AS started_at, max(event_ts) AS ended_at,
       (epoch_us(max(event_ts)) - epoch_us(min(event_ts))) // 1_000_000 AS seconds,
       count(*) AS events,
       count(*) FILTER (event_type = 'view') AS views,
       count(*) FILTER (event_type = 'add_to_cart') AS carts,
       count(*) FILTER (event_type = 'purchase') AS purchases,
       count(DISTINCT product_id) FILTER (event_type = 'view') AS products_viewed,
       count(*) = 1 AS is_bounce,
       sum(event_value) AS revenue
FROM visits GROUP BY event_date, session_key;
"""

_STARS = ("1", "2", "3", "4", "5")

QUESTIONS = (
    Question(
        "fact_events",
        ("event_date", "event_id"),
        plain("event_date", "event_id", "event_ts", "event_hour", "visitor_id", "customer_id", "session_key")
        + plain("event_type", "product_id", "category", "order_id", "quantity", "price", "event_value"),
        """
        WITH first_products AS (
            SELECT product_id, first(category ORDER BY updated_at) AS category FROM products_history GROUP BY product_id
        )
        SELECT e.*, coalesce(CASE WHEN p.updated_at IS NULL THEN f.category ELSE p.category END, 'Unknown') AS category
        FROM (SELECT visits.* FROM visits JOIN days ON days.day = event_date) AS e
        ASOF LEFT JOIN products_history AS p ON e.product_id = p.product_id AND e.event_ts >= p.updated_at
        LEFT JOIN first_products AS f ON e.product_id = f.product_id
        """,
    ),
    Question(
        "fact_sessions",
        ("event_date", "session_key"),
        plain("event_date", "session_key", "visitor_id", "customer_id", "started_at", "ended_at", "seconds", "events")
        + plain("views", "carts", "purchases", "products_viewed", "is_bounce", "revenue"),
        "SELECT sessions.* FROM sessions JOIN days ON day = event_date",
    ),
    Question(
        "daily_sessions",
        ("event_date",),
        plain("event_date", "sessions", "visitors")
        + ratio("bounce_rate", "bounces", "sessions")
        + ratio("avg_seconds", "seconds", "sessions", MONEY_PLACES)
        + ratio("events_per_session", "events", "sessions", MONEY_PLACES)
        + ratio("revenue_per_session", "revenue", "sessions", MONEY_PLACES),
        """
        SELECT event_date, count(*) AS sessions, count(DISTINCT visitor_id) AS visitors,
               count(*) FILTER (is_bounce) AS bounces, CAST(sum(seconds) AS BIGINT) AS seconds,
               CAST(sum(events) AS BIGINT) AS events, sum(revenue) AS revenue
        FROM sessions JOIN days ON day = event_date GROUP BY event_date
        """,
    ),
    Question(
        "funnel",
        ("event_date",),
        plain("event_date", "sessions", "with_view", "with_cart", "with_purchase")
        + ratio("view_to_cart", "view_and_cart", "with_view")
        + ratio("cart_to_purchase", "cart_and_purchase", "with_cart")
        + ratio("view_to_purchase", "view_and_purchase", "with_view"),
        """
        SELECT event_date, count(*) AS sessions,
               count(*) FILTER (views > 0) AS with_view,
               count(*) FILTER (carts > 0) AS with_cart,
               count(*) FILTER (purchases > 0) AS with_purchase,
               count(*) FILTER (views > 0 AND carts > 0) AS view_and_cart,
               count(*) FILTER (carts > 0 AND purchases > 0) AS cart_and_purchase,
               count(*) FILTER (views > 0 AND purchases > 0) AS view_and_purchase
        FROM sessions JOIN days ON day = event_date GROUP BY event_date
        """,
    ),
    Question(
        "fact_reviews",
        ("review_date", "review_id"),
        plain("review_date", "review_id", "product_id", "customer_id", "rating", "review_text", "text_length")
        + plain("helpful_votes"),
        "SELECT reviews.*, length(review_text) AS text_length FROM reviews JOIN days ON day = review_date",
    ),
    Question(
        "product_ratings",
        ("product_id",),
        plain("product_id", "reviews")
        + ratio("average_rating", "stars", "reviews", MONEY_PLACES)
        + tuple(column for star in _STARS for column in ratio(f"share_{star}", f"with_{star}", "reviews"))
        + plain("last_review_date", "as_of"),
        f"""
        SELECT product_id, count(*) AS reviews, CAST(sum(rating) AS BIGINT) AS stars,
               {", ".join(f"count(*) FILTER (rating = {star}) AS with_{star}" for star in _STARS)},
               max(review_date) AS last_review_date, (SELECT day FROM as_of) AS as_of
        FROM reviews GROUP BY product_id
        """,
    ),
)
