"""The Gold tables of the oracle; those of revenue are here, as plain SQL over the table `facts` of `tables.py`.

What sums an amount that nobody knows has no rows for that day. Not here: which order lines count, and in which
currency; what visitors and reviewers did (`gold_behaviour.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb
import pyarrow as pa

from project_etl_tests.oracle import gold_behaviour, gold_star
from project_etl_tests.oracle.question import MONEY_PLACES, GoldTable, Question, answer, money, plain, ratio

# One row per revenue order; `first_date` is the day of its customer's first revenue order ever.
_ORDERS = """
CREATE OR REPLACE TEMP VIEW revenue_orders AS
SELECT *, CASE WHEN customer_id IS NOT NULL THEN min(order_date) OVER (PARTITION BY customer_id) END AS first_date
FROM (
    SELECT order_id, order_date, hour, customer_id, country, sum(quantity) AS units, sum(net) AS net
    FROM facts GROUP BY order_id, order_date, hour, customer_id, country
)
"""

KPIS = (
    Question(
        "daily_revenue_by_category",
        ("order_date", "category"),
        plain("order_date", "category", "orders", "units") + money("gross_revenue", "discount", "net_revenue"),
        """
        SELECT order_date, category, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
               sum(gross) AS gross_revenue, sum(f.discount) AS discount, sum(net) AS net_revenue
        FROM facts AS f JOIN days ON day = order_date GROUP BY order_date, category
        """,
        back=0,
    ),
    Question(
        "daily_aov",
        ("order_date",),
        plain("order_date", "orders") + money("net_revenue") + ratio("aov", "net_revenue", "orders", MONEY_PLACES),
        """
        SELECT order_date, count(*) AS orders, sum(net) AS net_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date
        """,
        back=0,
    ),
    Question(
        "customer_first_order",
        ("customer_id",),
        plain("customer_id", "first_order_date", "as_of"),
        """
        SELECT customer_id, min(order_date) AS first_order_date, (SELECT max(day) FROM as_of) AS as_of
        FROM revenue_orders WHERE customer_id IS NOT NULL GROUP BY customer_id
        """,
    ),
    Question(
        "customer_ltv",
        ("customer_id",),
        plain("customer_id", "first_order_date", "last_order_date", "orders")
        + money("net_revenue")
        + ratio("avg_order_value", "net_revenue", "orders", MONEY_PLACES)
        + plain("as_of"),
        """
        SELECT customer_id, min(order_date) AS first_order_date, max(order_date) AS last_order_date,
               count(*) AS orders, coalesce(sum(net), 0) AS net_revenue, (SELECT max(day) FROM as_of) AS as_of
        FROM revenue_orders WHERE customer_id IS NOT NULL GROUP BY customer_id
        """,
    ),
    Question(
        "repeat_customers",
        ("order_date",),
        plain("order_date", "customers", "repeat_customers") + ratio("repeat_rate", "repeat_customers", "customers"),
        """
        SELECT order_date, count(DISTINCT customer_id) AS customers,
               count(DISTINCT customer_id) FILTER (first_date < order_date) AS repeat_customers
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date
        """,
    ),
    Question(
        "top_products_7d",
        ("order_date", "rank"),
        plain("order_date", "rank", "product_id", "units") + money("net_revenue"),
        """
        SELECT day AS order_date, row_number() OVER (PARTITION BY day ORDER BY sum(net) DESC, product_id) AS rank,
               product_id, sum(quantity) AS units, sum(net) AS net_revenue
        FROM days JOIN facts ON order_date BETWEEN day - 6 AND day
        GROUP BY day, product_id QUALIFY rank <= 10
        """,
        back=6,
    ),
    Question(
        "category_growth_wow",
        ("order_date", "category"),
        plain("order_date", "category")
        + money("revenue_7d", "prev_revenue_7d")
        + ratio("growth", "change", "prev_revenue_7d"),
        """
        SELECT order_date, category, revenue_7d, prev_revenue_7d, revenue_7d - prev_revenue_7d AS change
        FROM (
            SELECT day AS order_date, category,
                   coalesce(sum(net) FILTER (order_date > day - 7), 0) AS revenue_7d,
                   coalesce(sum(net) FILTER (order_date <= day - 7), 0) AS prev_revenue_7d
            FROM days JOIN facts ON order_date BETWEEN day - 13 AND day GROUP BY day, category
        )
        """,
        back=13,
    ),
    Question(
        "country_revenue_share",
        ("order_date", "country"),
        plain("order_date", "country") + money("net_revenue") + ratio("share", "net_revenue", "day_revenue"),
        """
        SELECT order_date, country, sum(net) AS net_revenue,
               sum(sum(net)) OVER (PARTITION BY order_date) AS day_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date, country
        """,
        back=0,
    ),
    Question(
        "new_vs_returning",
        ("order_date",),
        plain("order_date", "new_customers", "returning_customers")
        + money("new_revenue", "returning_revenue", "guest_revenue"),
        """
        SELECT order_date,
               count(DISTINCT customer_id) FILTER (first_date = order_date) AS new_customers,
               count(DISTINCT customer_id) FILTER (first_date < order_date) AS returning_customers,
               coalesce(sum(net) FILTER (first_date = order_date), 0) AS new_revenue,
               coalesce(sum(net) FILTER (first_date < order_date), 0) AS returning_revenue,
               coalesce(sum(net) FILTER (customer_id IS NULL), 0) AS guest_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date
        """,
        back=0,
    ),
    Question(
        "hourly_sales",
        ("order_date", "hour"),
        plain("order_date", "hour", "orders", "units") + money("net_revenue"),
        """
        SELECT order_date, hour, count(*) AS orders, sum(units) AS units, sum(net) AS net_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date, hour
        """,
        back=0,
    ),
    Question(
        "top_users",
        ("order_date", "rank"),
        plain("order_date", "rank", "customer_id", "orders") + money("net_revenue"),
        """
        SELECT order_date, row_number() OVER (PARTITION BY order_date ORDER BY sum(net) DESC, customer_id) AS rank,
               customer_id, count(*) AS orders, sum(net) AS net_revenue
        FROM revenue_orders JOIN days ON day = order_date WHERE customer_id IS NOT NULL
        GROUP BY order_date, customer_id QUALIFY rank <= 10
        """,
        back=0,
        summed="customer_id IS NOT NULL",
    ),
)

QUESTIONS = (*KPIS, *gold_behaviour.QUESTIONS, *gold_star.QUESTIONS)
GOLD_TABLES = tuple(question.name for question in QUESTIONS)


def gold_tables(
    con: duckdb.DuckDBPyConnection, days: Iterable[date], questions: Iterable[Question] = QUESTIONS
) -> dict[str, GoldTable]:
    """Answer questions for the given partition days; snapshot tables cover all that was landed.

    Args:
        con: holds the relations that the questions read: `facts` and `as_of` for those of this module.
        days: the partitions that were asked for. Orders of other days still count in windows and histories.
        questions: what to ask.
    """
    con.register("days", pa.table({"day": pa.array(sorted(set(days)), pa.date32())}))
    con.execute(_ORDERS)
    return {question.name: answer(con, question) for question in questions}
