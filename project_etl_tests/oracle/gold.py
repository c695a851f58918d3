"""The ten Gold tables by the oracle, as plain SQL over the table `facts` of `tables.py`.

SQL gives exact integers and DECIMAL sums; money, shares and rates are rounded here, once, at the end, from exact
fractions. What sums an amount that nobody knows has no rows for that day. Not here: which order lines count, and in
which currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa

from project_etl_tests.oracle.tables import round_half_up

MONEY_PLACES, RATIO_PLACES = 2, 6


@dataclass(frozen=True)
class GoldTable:
    """The expected rows of a Gold table, in the order of its key."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def by_key(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return each row as a dictionary, under the values of its key."""
        rows = (dict(zip(self.columns, row, strict=True)) for row in self.rows)
        return {tuple(row[name] for name in self.key): row for row in rows}


@dataclass(frozen=True)
class _Column:
    """A column of the answer: as SQL gives it, rounded, or a quotient of two SQL columns."""

    name: str
    numerator: str
    denominator: str | None = None
    places: int | None = None

    def value(self, row: dict[str, Any]) -> Any:
        top = row[self.numerator]
        if self.places is None or top is None:
            return top
        bottom = row[self.denominator] if self.denominator else 1
        return round_half_up(Fraction(top) / Fraction(bottom), self.places) if bottom else None


def _plain(*names: str) -> tuple[_Column, ...]:
    return tuple(_Column(name, name) for name in names)


def _money(*names: str) -> tuple[_Column, ...]:
    return tuple(_Column(name, name, places=MONEY_PLACES) for name in names)


def _ratio(name: str, numerator: str, denominator: str, places: int = RATIO_PLACES) -> tuple[_Column, ...]:
    return (_Column(name, numerator, denominator, places),)


@dataclass(frozen=True)
class _Question:
    """A table. One that sums amounts of `back` days before its own, and them, has no row where one is unknown."""

    name: str
    key: tuple[str, ...]
    columns: tuple[_Column, ...]
    sql: str
    back: int | None = None
    summed: str = "TRUE"


# One row per revenue order; `first_date` is the day of its customer's first revenue order ever.
_ORDERS = """
CREATE OR REPLACE TEMP VIEW revenue_orders AS
SELECT *, CASE WHEN customer_id IS NOT NULL THEN min(order_date) OVER (PARTITION BY customer_id) END AS first_date
FROM (
    SELECT order_id, order_date, hour, customer_id, country, sum(quantity) AS units, sum(net) AS net
    FROM facts GROUP BY order_id, order_date, hour, customer_id, country
)
"""

_QUESTIONS = (
    _Question(
        "daily_revenue_by_category",
        ("order_date", "category"),
        _plain("order_date", "category", "orders", "units") + _money("gross_revenue", "discount", "net_revenue"),
        """
        SELECT order_date, category, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
               sum(gross) AS gross_revenue, sum(f.discount) AS discount, sum(net) AS net_revenue
        FROM facts AS f JOIN days ON day = order_date GROUP BY order_date, category
        """,
        back=0,
    ),
    _Question(
        "daily_aov",
        ("order_date",),
        _plain("order_date", "orders") + _money("net_revenue") + _ratio("aov", "net_revenue", "orders", MONEY_PLACES),
        """
        SELECT order_date, count(*) AS orders, sum(net) AS net_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date
        """,
        back=0,
    ),
    _Question(
        "customer_first_order",
        ("customer_id",),
        _plain("customer_id", "first_order_date"),
        """
        SELECT customer_id, min(order_date) AS first_order_date
        FROM revenue_orders WHERE customer_id IS NOT NULL GROUP BY customer_id
        """,
    ),
    _Question(
        "customer_ltv",
        ("customer_id",),
        _plain("customer_id", "first_order_date", "last_order_date", "orders")
        + _money("net_revenue")
        + _ratio("avg_order_value", "net_revenue", "orders", MONEY_PLACES),
        """
        SELECT customer_id, min(order_date) AS first_order_date, max(order_date) AS last_order_date,
               count(*) AS orders, coalesce(sum(net), 0) AS net_revenue
        FROM revenue_orders WHERE customer_id IS NOT NULL GROUP BY customer_id
        """,
    ),
    _Question(
        "repeat_customers",
        ("order_date",),
        _plain("order_date", "customers", "repeat_customers") + _ratio("repeat_rate", "repeat_customers", "customers"),
        """
        SELECT order_date, count(DISTINCT customer_id) AS customers,
               count(DISTINCT customer_id) FILTER (first_date < order_date) AS repeat_customers
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date
        """,
    ),
    _Question(
        "top_products_7d",
        ("order_date", "rank"),
        _plain("order_date", "rank", "product_id", "units") + _money("net_revenue"),
        """
        SELECT day AS order_date, row_number() OVER (PARTITION BY day ORDER BY sum(net) DESC, product_id) AS rank,
               product_id, sum(quantity) AS units, sum(net) AS net_revenue
        FROM days JOIN facts ON order_date BETWEEN day - 6 AND day
        GROUP BY day, product_id QUALIFY rank <= 10
        """,
        back=6,
    ),
    _Question(
        "category_growth_wow",
        ("order_date", "category"),
        _plain("order_date", "category")
        + _money("revenue_7d", "prev_revenue_7d")
        + _ratio("growth", "change", "prev_revenue_7d"),
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
    _Question(
        "country_revenue_share",
        ("order_date", "country"),
        _plain("order_date", "country") + _money("net_revenue") + _ratio("share", "net_revenue", "day_revenue"),
        """
        SELECT order_date, country, sum(net) AS net_revenue,
               sum(sum(net)) OVER (PARTITION BY order_date) AS day_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date, country
        """,
        back=0,
    ),
    _Question(
        "new_vs_returning",
        ("order_date",),
        _plain("order_date", "new_customers", "returning_customers")
        + _money("new_revenue", "returning_revenue", "guest_revenue"),
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
    _Question(
        "hourly_sales",
        ("order_date", "hour"),
        _plain("order_date", "hour", "orders", "units") + _money("net_revenue"),
        """
        SELECT order_date, hour, count(*) AS orders, sum(units) AS units, sum(net) AS net_revenue
        FROM revenue_orders JOIN days ON day = order_date GROUP BY order_date, hour
        """,
        back=0,
    ),
    _Question(
        "top_users",
        ("order_date", "rank"),
        _plain("order_date", "rank", "customer_id", "orders") + _money("net_revenue"),
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

GOLD_TABLES = tuple(question.name for question in _QUESTIONS)


def gold_tables(con: duckdb.DuckDBPyConnection, days: Iterable[date]) -> dict[str, GoldTable]:
    """Answer every question for the given partition days; `customer_ltv` covers all that was landed.

    Args:
        con: holds the table `facts`.
        days: the partitions that were asked for. Orders of other days still count in windows and histories.
    """
    con.register("days", pa.table({"day": pa.array(sorted(set(days)), pa.date32())}))
    con.execute(_ORDERS)
    return {question.name: _answer(con, question) for question in _QUESTIONS}


def _answer(con: duckdb.DuckDBPyConnection, question: _Question) -> GoldTable:
    unknown = set[Any]()
    if question.back is not None:
        found = con.execute(
            f"""
            SELECT DISTINCT day FROM days JOIN facts ON order_date BETWEEN day - {question.back} AND day
            WHERE net IS NULL AND {question.summed}
            """
        )
        unknown = {day for (day,) in found.fetchall()}
    result = con.execute(question.sql)
    names = [column[0] for column in result.description or ()]
    exact = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    known = [row for row in exact if row.get("order_date") not in unknown]
    rows = [tuple(column.value(row) for column in question.columns) for row in known]
    columns = tuple(column.name for column in question.columns)
    rows.sort(key=lambda row: [row[columns.index(name)] for name in question.key])
    return GoldTable(question.name, question.key, columns, rows)
