"""The star schema by the oracle: facts of orders and refunds, dimensions, `customer_360` and `validation`.

`prepare` makes views over the clean relations of `tables.py`, with all days; the questions then ask for their days.
Not here: events, sessions and reviews, but for what a customer did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from project_etl_tests.oracle.question import MONEY_PLACES, Question, money, plain, ratio

# The shop's days begin here where a configuration says nothing.
START_DATE = date(2025, 1, 1)

_ITEM_COLUMNS = (
    *("order_date", "order_item_id", "order_id", "order_ts", "product_id", "customer_id", "status", "is_revenue"),
    *("category", "quantity", "currency", "unit_price", "gross_amount", "discount", "net_amount"),
    *("reporting_currency", "fx_rate_date", "fx_carried"),
    *("gross_amount_reporting", "discount_reporting", "net_amount_reporting", "discount_applied"),
)
_ORDER_COLUMNS = (
    *("order_date", "order_id", "order_ts", "order_hour", "customer_id", "status", "is_revenue", "country", "currency"),
    *("items", "units", "gross_amount", "discount", "net_amount", "order_total", "reporting_currency"),
    *("gross_amount_reporting", "discount_reporting", "net_amount_reporting", "order_year", "order_month"),
    *("customer_known", "refunded_reporting", "net_after_refunds_reporting"),
)
_REFUND_COLUMNS = (
    *("refund_date", "refund_id", "order_id", "order_item_id", "order_date", "quantity", "currency"),
    *("amount", "amount_reporting", "reason"),
)
_CUSTOMER_COLUMNS = (
    *("customer_id", "first_name", "last_name", "full_name", "email", "phone", "country", "city", "signup_date"),
    "updated_at",
)
_PRODUCT_COLUMNS = (
    *("product_id", "name", "category", "subcategory", "price", "currency", "price_band", "is_active", "tags"),
    "updated_at",
)

# A sum of which a part is not known is not known. An order without items or refunds has sums of nothing.
_VIEWS = """
CREATE VIEW star_items AS
SELECT i.* EXCLUDE (gross, reduction, net, has_revenue_status), has_revenue_status AS is_revenue,
       reporting_currency, fx_rate, fx_rate_date, coalesce(fx_rate_date < i.order_date, FALSE) AS fx_carried,
       gross AS gross_amount_reporting, reduction AS discount_reporting, net AS net_amount_reporting,
       i.discount > 0 AS discount_applied
FROM priced_items AS i
JOIN order_rates AS r ON i.currency IS NOT DISTINCT FROM r.currency AND i.order_date = r.order_date;

CREATE VIEW star_refunds AS
SELECT r.*, CASE WHEN p.refund_id IS NULL THEN r.amount ELSE p.amount END AS amount_reporting
FROM refunds AS r LEFT JOIN priced_refunds AS p ON r.refund_id = p.refund_id;

CREATE VIEW star_orders AS
WITH sums AS (
    SELECT order_id, count(*) AS items, sum(quantity) AS units, sum(gross_amount) AS gross_amount,
           sum(discount) AS discount, sum(net_amount) AS net_amount,
           any_value(reporting_currency) AS reporting_currency,
           count(net_amount_reporting) = count(*) AS is_known, sum(gross_amount_reporting) AS gross_amount_reporting,
           sum(discount_reporting) AS discount_reporting, sum(net_amount_reporting) AS net_amount_reporting
    FROM star_items GROUP BY order_id
), refunded AS (
    SELECT order_id, count(amount_reporting) = count(*) AS is_known, sum(amount_reporting) AS refunded
    FROM star_refunds GROUP BY order_id
), orders_with_sums AS (
    SELECT o.order_date, o.order_id, o.order_ts, o.hour AS order_hour, o.customer_id, o.status, o.country, o.currency,
           o.has_revenue_status AND s.order_id IS NOT NULL AS is_revenue,
           coalesce(s.items, 0) AS items, coalesce(s.units, 0) AS units, coalesce(s.gross_amount, 0) AS gross_amount,
           coalesce(s.discount, 0) AS discount, coalesce(s.net_amount, 0) AS net_amount, o.order_total,
           s.reporting_currency,
           CASE WHEN s.order_id IS NULL THEN 0 WHEN s.is_known THEN s.gross_amount_reporting END
               AS gross_amount_reporting,
           CASE WHEN s.order_id IS NULL THEN 0 WHEN s.is_known THEN s.discount_reporting END AS discount_reporting,
           CASE WHEN s.order_id IS NULL THEN 0 WHEN s.is_known THEN s.net_amount_reporting END AS net_amount_reporting,
           year(o.order_date) AS order_year, month(o.order_date) AS order_month,
           CASE WHEN o.customer_id IS NOT NULL THEN c.customer_id IS NOT NULL END AS customer_known,
           CASE WHEN r.order_id IS NULL THEN 0 WHEN r.is_known THEN r.refunded END AS refunded_reporting
    FROM placed AS o
    LEFT JOIN sums AS s ON o.order_id = s.order_id
    LEFT JOIN refunded AS r ON o.order_id = r.order_id
    LEFT JOIN customers AS c ON o.customer_id = c.customer_id
)
SELECT *,
       CASE WHEN is_revenue THEN net_amount_reporting - refunded_reporting ELSE 0 END AS net_after_refunds_reporting
FROM orders_with_sums;

CREATE VIEW star_ltv AS
SELECT customer_id, coalesce(sum(net_amount_reporting), 0) AS ltv, count(*) AS orders,
       max(order_date) AS last_order_date,
       list(
           {'order_id': order_id, 'order_date': order_date,
            'net_revenue': CAST(net_amount_reporting AS DECIMAL(38, 2))} ORDER BY order_ts DESC, order_id
       )[:5] AS last_purchases
FROM star_orders WHERE is_revenue AND customer_id IS NOT NULL GROUP BY customer_id;
"""

# The one contact of an address: the newest, and of several the one with the smallest id.
_CRM_VIEWS = """
CREATE VIEW star_contacts AS
FROM contacts WHERE email IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY email ORDER BY updated_at DESC, contact_id) = 1;

CREATE VIEW star_deals AS
SELECT d.order_date AS created_date, d.stage, d.contact_id, d.is_open,
       CASE WHEN d.amount IS NULL THEN 0 WHEN p.deal_id IS NULL THEN d.amount ELSE p.amount END AS amount
FROM deals AS d LEFT JOIN priced_deals AS p ON d.deal_id = p.deal_id;
"""

_TODAY = "(SELECT max(day) FROM as_of)"


def _daily(name: str, key: tuple[str, ...], columns: tuple[str, ...], view: str) -> Question:
    """A fact that is a view, of the days asked for."""
    return Question(name, key, plain(*columns), f"SELECT f.* FROM {view} AS f JOIN days ON day = f.{key[0]}")


_STAR = (
    # The platform makes an inverse from fourteen places of the given rate; what it converts is judged by the amounts.
    replace(
        _daily("fact_order_items", ("order_date", "order_id", "order_item_id"), _ITEM_COLUMNS, "star_items"),
        unjudged=("fx_rate",),
    ),
    _daily("fact_orders", ("order_date", "order_id"), _ORDER_COLUMNS, "star_orders"),
    _daily("fact_refunds", ("refund_date", "refund_id"), _REFUND_COLUMNS, "star_refunds"),
    Question(
        "daily_refunds",
        ("refund_date",),
        plain("refund_date", "refunds", "orders") + money("amount") + ratio("share", "amount", "worth"),
        """
        WITH refunded AS (
            SELECT DISTINCT refund_date, order_id FROM star_refunds
        ), worth AS (
            SELECT refund_date, count(*) AS orders,
                   CASE WHEN count(net_amount_reporting) = count(*) THEN sum(net_amount_reporting) END AS worth
            FROM refunded JOIN star_orders USING (order_id) GROUP BY refund_date
        ), paid AS (
            SELECT refund_date, count(*) AS refunds, sum(amount_reporting) AS amount
            FROM star_refunds GROUP BY refund_date HAVING count(amount_reporting) = count(*)
        )
        SELECT * FROM paid JOIN worth USING (refund_date) JOIN days ON day = refund_date
        """,
    ),
    Question(
        "dim_date",
        ("date",),
        plain("date", "year", "quarter", "month", "iso_year", "iso_week", "weekday", "is_weekend", "as_of"),
        f"""
        SELECT date, year(date) AS year, quarter(date) AS quarter, month(date) AS month, isoyear(date) AS iso_year,
               week(date) AS iso_week, isodow(date) AS weekday, isodow(date) >= 6 AS is_weekend, {_TODAY} AS as_of
        FROM (
            SELECT CAST(unnest(generate_series(start_date, {_TODAY}, INTERVAL 1 DAY)) AS DATE) AS date FROM star_start
        )
        """,
    ),
    Question(
        "dim_customers",
        ("customer_id",),
        plain(*_CUSTOMER_COLUMNS, "signup_year", "signup_month", "is_active") + money("ltv_estimate") + plain("as_of"),
        f"""
        WITH seen AS (
            SELECT customer_id, order_date AS day FROM star_orders
            UNION ALL SELECT customer_id, event_date FROM events
        ), active AS (
            SELECT DISTINCT customer_id FROM seen WHERE day > {_TODAY} - 90
        )
        SELECT c.*, year(signup_date) AS signup_year, month(signup_date) AS signup_month,
               a.customer_id IS NOT NULL AS is_active, coalesce(l.ltv, 0) AS ltv_estimate, {_TODAY} AS as_of
        FROM customers AS c
        LEFT JOIN active AS a ON c.customer_id = a.customer_id
        LEFT JOIN star_ltv AS l ON c.customer_id = l.customer_id
        """,
    ),
    Question(
        "dim_products",
        ("product_id",),
        plain(*_PRODUCT_COLUMNS, "category_main", "as_of"),
        f"SELECT *, category AS category_main, {_TODAY} AS as_of FROM products",
    ),
    Question(
        "customer_360",
        ("customer_id",),
        plain("customer_id")
        + money("ltv")
        + plain("recency_days", "frequency", "last_purchases", "favourite_category", "sessions_30d", "views_30d")
        + ratio("average_rating", "stars", "reviews", MONEY_PLACES)
        + plain("refunds")
        + money("refunded")
        + plain("lifecycle_stage", "open_deals", "as_of"),
        f"""
        WITH categories AS (
            SELECT customer_id, category, sum(net_amount_reporting) AS net
            FROM star_items WHERE is_revenue AND customer_id IS NOT NULL GROUP BY customer_id, category
        ), favourites AS (
            SELECT customer_id, first(category ORDER BY net DESC, category) AS category
            FROM categories WHERE net IS NOT NULL GROUP BY customer_id
        ), looked AS (
            SELECT customer_id, count(*) AS sessions, sum(views) AS views
            FROM sessions WHERE event_date BETWEEN {_TODAY} - 29 AND {_TODAY} GROUP BY customer_id
        ), rated AS (
            SELECT customer_id, sum(rating) AS stars, count(*) AS reviews FROM reviews GROUP BY customer_id
        ), sent_back AS (
            SELECT o.customer_id, count(*) AS refunds, sum(amount_reporting) AS refunded
            FROM star_refunds JOIN star_orders AS o USING (order_id) GROUP BY o.customer_id
        ), sold_to AS (
            SELECT email, lifecycle_stage, count(*) FILTER (is_open) AS open_deals
            FROM star_contacts LEFT JOIN star_deals USING (contact_id) GROUP BY email, lifecycle_stage
        )
        SELECT c.customer_id, coalesce(l.ltv, 0) AS ltv, {_TODAY} - l.last_order_date AS recency_days,
               coalesce(l.orders, 0) AS frequency, coalesce(l.last_purchases, []) AS last_purchases,
               f.category AS favourite_category, coalesce(s.sessions, 0) AS sessions_30d,
               coalesce(s.views, 0) AS views_30d, r.stars, r.reviews,
               coalesce(b.refunds, 0) AS refunds, coalesce(b.refunded, 0) AS refunded,
               k.lifecycle_stage, CASE WHEN (SELECT has_crm FROM star_start) THEN coalesce(k.open_deals, 0) END
                   AS open_deals, {_TODAY} AS as_of
        FROM customers AS c
        LEFT JOIN star_ltv AS l ON c.customer_id = l.customer_id
        LEFT JOIN favourites AS f ON c.customer_id = f.customer_id
        LEFT JOIN looked AS s ON c.customer_id = s.customer_id
        LEFT JOIN rated AS r ON c.customer_id = r.customer_id
        LEFT JOIN sent_back AS b ON c.customer_id = b.customer_id
        LEFT JOIN sold_to AS k ON c.email = k.email
        """,
    ),
    Question(
        "sales_pipeline",
        ("created_date", "stage"),
        plain("created_date", "stage", "deals") + money("amount"),
        """
        WITH whole AS (
            SELECT created_date FROM star_deals GROUP BY created_date HAVING count(amount) = count(*)
        )
        SELECT created_date, stage, count(*) AS deals, sum(amount) AS amount
        FROM star_deals JOIN whole USING (created_date) JOIN days ON day = created_date GROUP BY created_date, stage
        """,
    ),
)


@dataclass(frozen=True)
class _Check:
    """A check of the published star schema. It looks at the rows that have a value in its column, or at all rows."""

    name: str
    table: str
    kind: str
    broken: str
    column: str | None = None
    is_error: bool = True


# Table → the relation that holds it, its business day if it has one. A review without a day is in no fact.
_PUBLISHED = {
    "dim_customers": ("customers", None),
    "dim_products": ("products", None),
    "fact_orders": ("star_orders", "order_date"),
    "fact_order_items": ("star_items", "order_date"),
    "fact_events": ("events", "event_date"),
    "fact_reviews": ("(FROM reviews WHERE review_date IS NOT NULL)", "review_date"),
}


def _unique(table: str, *key: str) -> _Check:
    names = ", ".join(key)
    missing = " OR ".join(f"{name} IS NULL" for name in key)
    return _Check(
        f"{table}_primary_key", table, "primary key", f"{missing} OR count(*) OVER (PARTITION BY {names}) > 1"
    )


def _refers(table: str, column: str, parent: str, *, is_error: bool = True) -> _Check:
    broken = f"NOT EXISTS (FROM {_PUBLISHED[parent][0]} AS p WHERE p.{column} = t.{column})"
    return _Check(f"{table}_{column}_in_{parent}", table, "reference", broken, column, is_error)


def _in_range(table: str, column: str) -> _Check:
    broken = f"{column} < DATE '1900-01-01' OR {column} > {_TODAY} + 1"
    return _Check(f"{table}_{column}_in_range", table, "date range", broken, column)


_CHECKS = (
    _unique("dim_customers", "customer_id"),
    _unique("dim_products", "product_id"),
    _unique("fact_orders", "order_id"),
    _unique("fact_order_items", "order_id", "order_item_id"),
    _unique("fact_events", "event_id"),
    _unique("fact_reviews", "review_id"),
    _refers("fact_orders", "customer_id", "dim_customers", is_error=False),
    _refers("fact_order_items", "product_id", "dim_products"),
    _refers("fact_order_items", "order_id", "fact_orders"),
    _refers("fact_events", "customer_id", "dim_customers", is_error=False),
    _refers("fact_reviews", "product_id", "dim_products"),
    _in_range("dim_customers", "signup_date"),
    _in_range("fact_orders", "order_date"),
    _in_range("fact_events", "event_date"),
    _in_range("fact_reviews", "review_date"),
    _Check("fact_orders_order_total", "fact_orders", "number", "order_total < 0", "order_total"),
    _Check("dim_products_price", "dim_products", "number", "price <= 0", "price"),
    _Check("fact_order_items_quantity", "fact_order_items", "number", "quantity <= 0", "quantity"),
    _Check("fact_reviews_rating", "fact_reviews", "number", "rating NOT BETWEEN 1 AND 5", "rating"),
    _Check("fact_orders_totals", "fact_orders", "total", "abs(order_total - net_amount) > 0.01", "order_total", False),
)


def _check_sql(check: _Check) -> str:
    relation, day = _PUBLISHED[check.table]
    return f"""
        SELECT '{check.name}' AS name, '{check.table}' AS table, '{check.kind}' AS kind,
               '{"ERROR" if check.is_error else "WARN"}' AS severity, count(*) AS checked,
               count(*) FILTER (is_broken) AS broken,
               coalesce(list_sort(list(DISTINCT day) FILTER (is_broken AND day IS NOT NULL)), [])[:10] AS days
        FROM (SELECT coalesce({check.broken}, FALSE) AS is_broken, {day or "CAST(NULL AS DATE)"} AS day
              FROM {relation} AS t WHERE {f"{check.column} IS NOT NULL" if check.column else "TRUE"})
    """


def _validation(checks: Sequence[_Check]) -> Question:
    each = " UNION ALL ".join(_check_sql(check) for check in checks)
    columns = plain("name", "table", "kind", "severity", "checked", "broken")
    return Question(
        "validation",
        ("name",),
        columns + ratio("share", "broken", "checked") + plain("passed", "days", "as_of"),
        f"SELECT *, broken = 0 AS passed, {_TODAY} AS as_of FROM ({each})",
        unjudged=("sample_keys",),
    )


QUESTIONS = (*_STAR, _validation(_CHECKS))


def prepare(con: duckdb.DuckDBPyConnection, start_date: date = START_DATE, *, has_crm: bool = False) -> None:
    """Make the views that the questions ask, over the clean relations.

    Args:
        con: holds what `tables.settle` made.
        start_date: the first day of `dim_date`.
        has_crm: whether a CRM is on, so that a customer without a contact has no open deal.
    """
    con.execute("CREATE TABLE star_start AS SELECT CAST(? AS DATE) AS start_date, ? AS has_crm", [start_date, has_crm])
    con.execute(_VIEWS)
    con.execute(_CRM_VIEWS)
