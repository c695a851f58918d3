"""The clean relations that both sources share, from judged records to priced facts, in DuckDB.

A source module judges its own records and adds the good ones to the `*_versions` tables. `settle` then lets the newest
version win, drops items without a parent, and prices what has a rate; `gold.py` reads nothing but the table `facts`.
Not here: what a source looks like, and what Gold asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa

from project_etl_tests.oracle.values import shown

AMOUNT = pa.decimal128(18, 4)
RATE_PLACES = 18
_ITEM_AMOUNTS = ("gross_amount", "discount", "net_amount")
LINEAGE = (("landing_day", pa.date32()), ("source_file", pa.string()), ("row_number", pa.int64()))


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([*columns, *LINEAGE])


def _versions(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    """Versions of something, of which one may say that it is gone; no word is no deletion."""
    return _schema(*columns, ("is_deleted", pa.bool_()))


SCHEMAS: Mapping[str, pa.Schema] = {
    "customer_versions": _versions(
        ("customer_id", pa.string()),
        ("first_name", pa.string()),
        ("last_name", pa.string()),
        ("full_name", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
        ("country", pa.string()),
        ("city", pa.string()),
        ("signup_date", pa.date32()),
        ("updated_at", pa.timestamp("us")),
    ),
    "product_versions": _versions(
        ("product_id", pa.string()),
        ("name", pa.string()),
        ("category", pa.string()),
        ("subcategory", pa.string()),
        ("price", AMOUNT),
        ("currency", pa.string()),
        ("is_active", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("updated_at", pa.timestamp("us")),
    ),
    "order_versions": _versions(
        ("order_id", pa.string()),
        ("customer_id", pa.string()),
        ("order_ts", pa.timestamp("us")),
        ("status", pa.string()),
        ("currency", pa.string()),
        ("order_total", AMOUNT),
        ("country", pa.string()),
        ("updated_at", pa.timestamp("us")),
    ),
    "item_versions": _versions(
        ("order_item_id", pa.string()),
        ("order_id", pa.string()),
        ("product_id", pa.string()),
        ("quantity", pa.int64()),
        ("unit_price", AMOUNT),
        ("discount", AMOUNT),
        ("updated_at", pa.timestamp("us")),
    ),
    # A rate keeps all its digits, so it travels as text.
    "fx_versions": _versions(
        ("rate_date", pa.date32()), ("base", pa.string()), ("quote", pa.string()), ("rate", pa.string())
    ),
    "refund_versions": _versions(
        ("refund_id", pa.string()),
        ("order_id", pa.string()),
        ("order_item_id", pa.string()),
        ("quantity", pa.int32()),
        ("amount", AMOUNT),
        ("reason", pa.string()),
        ("refunded_at", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")),
    ),
    "review_versions": _versions(
        ("review_id", pa.string()),
        ("product_id", pa.string()),
        ("customer_id", pa.string()),
        ("rating", pa.int32()),
        ("review_text", pa.string()),
        ("helpful_votes", pa.int32()),
        ("review_ts", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")),
    ),
    "event_versions": _versions(
        ("event_id", pa.string()),
        ("visitor_id", pa.string()),
        ("customer_id", pa.string()),
        ("event_type", pa.string()),
        ("product_id", pa.string()),
        ("order_id", pa.string()),
        ("quantity", pa.int32()),
        ("price", AMOUNT),
        ("event_ts", pa.timestamp("us")),
    ),
    "contact_versions": _versions(
        ("contact_id", pa.string()),
        ("email", pa.string()),
        ("lifecycle_stage", pa.string()),
        ("created_at", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")),
    ),
    "deal_versions": _versions(
        ("deal_id", pa.string()),
        ("stage", pa.string()),
        ("is_open", pa.bool_()),
        ("amount", AMOUNT),
        ("currency", pa.string()),
        ("contact_id", pa.string()),
        ("created_at", pa.timestamp("us")),
        ("updated_at", pa.timestamp("us")),
    ),
    "rejects": _schema(("dataset", pa.string()), ("rule", pa.string())),
}

# One row per key: the newest valid record, by business time, landing day, file and row. It may be a deletion, and then
# there is none. A deletion of an item asks for no parents; in a history it only ends the version before it.
_NEWEST = """
    SELECT * FROM (
        FROM {versions}
        QUALIFY row_number() OVER (
            PARTITION BY {key} ORDER BY {time} DESC NULLS LAST, landing_day DESC, source_file DESC, row_number DESC
        ) = 1
    ) WHERE is_deleted IS NOT TRUE
"""


def _newest(versions: str, key: str, time: str = "updated_at") -> str:
    return _NEWEST.format(versions=versions, key=key, time=time)


_SETTLE = f"""
CREATE TABLE orders AS
    SELECT o.*, day AS order_date, hour
    FROM ({_newest("order_versions", "order_id")}) AS o JOIN clock ON instant = order_ts;
CREATE TABLE customers AS {_newest("customer_versions", "customer_id")};
CREATE TABLE products AS
    SELECT *, CASE WHEN price < 50 THEN 'Low' WHEN price < 200 THEN 'Medium' WHEN price >= 200 THEN 'High' END
        AS price_band
    FROM ({_newest("product_versions", "product_id")});
CREATE TABLE customers_history AS {_newest("customer_versions", "customer_id, updated_at")};
CREATE TABLE products_history AS {_newest("product_versions", "product_id, updated_at")};
CREATE TABLE fx_rates AS {_newest("fx_versions", "rate_date, base, quote", time="rate_date")};
INSERT INTO rejects BY NAME
    SELECT 'order_items' AS dataset, 'order_exists' AS rule, landing_day, source_file, row_number
    FROM item_versions ANTI JOIN orders USING (order_id) WHERE is_deleted IS NOT TRUE;
INSERT INTO rejects BY NAME
    SELECT 'order_items' AS dataset, 'product_exists' AS rule, landing_day, source_file, row_number
    FROM item_versions ANTI JOIN products USING (product_id) WHERE is_deleted IS NOT TRUE;
CREATE TABLE valid_items AS
    FROM item_versions
    WHERE is_deleted OR (order_id IN (SELECT order_id FROM orders) AND product_id IN (SELECT product_id FROM products));
CREATE TABLE items AS
    SELECT *, quantity * unit_price AS gross_amount, quantity * unit_price - discount AS net_amount
    FROM ({_newest("valid_items", "order_id, order_item_id")});
"""

# What customers did beside buying. Refunds and reviews wait for their parents as items do; a review may have no day.
_BEHAVIOUR = f"""
CREATE TABLE events AS
    SELECT e.*, CAST(CASE event_type WHEN 'purchase' THEN quantity * price ELSE 0 END AS DECIMAL(38, 4)) AS event_value,
           day AS event_date, hour AS event_hour
    FROM ({_newest("event_versions", "event_id", time="event_ts")}) AS e JOIN clock ON instant = event_ts;
INSERT INTO rejects BY NAME
    SELECT 'reviews' AS dataset, 'product_exists' AS rule, landing_day, source_file, row_number
    FROM review_versions ANTI JOIN products USING (product_id) WHERE is_deleted IS NOT TRUE;
INSERT INTO rejects BY NAME
    SELECT 'refunds' AS dataset, 'order_exists' AS rule, landing_day, source_file, row_number
    FROM refund_versions ANTI JOIN orders USING (order_id) WHERE is_deleted IS NOT TRUE;
CREATE TABLE valid_reviews AS
    FROM review_versions WHERE is_deleted OR product_id IN (SELECT product_id FROM products);
CREATE TABLE valid_refunds AS
    FROM refund_versions WHERE is_deleted OR order_id IN (SELECT order_id FROM orders);
CREATE TABLE reviews AS
    SELECT r.*, day AS review_date
    FROM ({_newest("valid_reviews", "review_id")}) AS r LEFT JOIN clock ON instant = review_ts;
CREATE TABLE refunds AS
    SELECT r.*, day AS refund_date, order_date, currency
    FROM ({_newest("valid_refunds", "refund_id")}) AS r
    JOIN clock ON instant = refunded_at JOIN orders USING (order_id);
CREATE TABLE as_of AS
    SELECT max(day) AS day FROM (SELECT order_date AS day FROM orders UNION ALL SELECT event_date FROM events);
"""

# What a CRM has. A deal without a currency is in the reporting one.
_CRM = f"""
CREATE TABLE contacts AS {_newest("contact_versions", "contact_id")};
CREATE TABLE deals AS
    SELECT d.* REPLACE (coalesce(currency, $reporting) AS currency), day AS order_date
    FROM ({_newest("deal_versions", "deal_id")}) AS d JOIN clock ON instant = created_at;
"""
# Those that somebody has put a number on.
_VALUED = "CREATE VIEW valued_deals AS FROM deals WHERE amount IS NOT NULL"

# All orders and their items; the versions of customer and product that were valid at the order's time, or the earliest
# ones. A version is valid until the next one: of what was deleted by then, nobody has said anything else. A category
# that nobody gave is `Unknown`, a country that nobody gave is `ZZ`.
_SOLD = """
CREATE TABLE placed AS
WITH first_customers AS (
    SELECT customer_id, first(country ORDER BY updated_at) AS country FROM customers_history GROUP BY customer_id
)
SELECT o.* EXCLUDE (country),
       coalesce(o.country, CASE WHEN c.updated_at IS NULL THEN f.country ELSE c.country END, 'ZZ') AS country,
       status IN ('PAID', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'PARTIALLY_REFUNDED') AS has_revenue_status
FROM orders AS o
ASOF LEFT JOIN customers_history AS c ON o.customer_id = c.customer_id AND o.order_ts >= c.updated_at
LEFT JOIN first_customers AS f ON o.customer_id = f.customer_id;

CREATE TABLE sold AS
WITH first_products AS (
    SELECT product_id, first(category ORDER BY updated_at) AS category FROM products_history GROUP BY product_id
)
SELECT o.order_id, o.order_date, o.order_ts, o.hour, o.customer_id, o.status, o.has_revenue_status, o.country,
       i.order_item_id, i.product_id, o.currency, i.quantity, i.unit_price,
       coalesce(CASE WHEN p.updated_at IS NULL THEN f.category ELSE p.category END, 'Unknown') AS category,
       i.gross_amount, i.discount, i.net_amount
FROM placed AS o
JOIN items AS i ON i.order_id = o.order_id
ASOF LEFT JOIN products_history AS p ON i.product_id = p.product_id AND o.order_ts >= p.updated_at
LEFT JOIN first_products AS f ON i.product_id = f.product_id;
"""

# What has another currency is in `priced`, without amounts where no rate is known.
_FACTS = """
CREATE TABLE priced_items AS
SELECT s.*,
       CAST(CASE WHEN p.order_id IS NULL THEN s.gross_amount ELSE p.gross_amount END AS DECIMAL(38, 4)) AS gross,
       CAST(CASE WHEN p.order_id IS NULL THEN s.discount ELSE p.discount END AS DECIMAL(38, 4)) AS reduction,
       CAST(CASE WHEN p.order_id IS NULL THEN s.net_amount ELSE p.net_amount END AS DECIMAL(38, 4)) AS net
FROM sold AS s LEFT JOIN priced AS p ON p.order_id = s.order_id AND p.order_item_id = s.order_item_id;
CREATE VIEW facts AS
SELECT order_id, order_date, hour, customer_id, country, product_id, category, quantity,
       gross, reduction AS discount, net
FROM priced_items WHERE has_revenue_status;
"""


class MissingRateError(LookupError):
    """Revenue in a currency that has no rate on its day nor before it."""


def connect() -> duckdb.DuckDBPyConnection:
    """Return an in-memory database with the empty tables that sources add to."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for name, schema in SCHEMAS.items():
        con.register("_empty", schema.empty_table())
        con.execute(f"CREATE TABLE {name} AS FROM _empty")
        con.unregister("_empty")
    return con


def add(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows (dictionaries by column name) to one of the tables of `SCHEMAS`."""
    con.register("_rows", pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMAS[table]))
    con.execute(f"INSERT INTO {table} BY NAME FROM _rows")
    con.unregister("_rows")


def put_before_ids(con: duckdb.DuckDBPyConnection, source: str, prefix: str) -> None:
    """Tell the ids of a source from those of others."""
    for table in (table for table in SCHEMAS if table.endswith("_versions")):
        for name in SCHEMAS[table].names:
            if name.endswith("_id") and name != "visitor_id":
                con.execute(
                    f"UPDATE {table} SET {name} = ? || {name} WHERE source_file LIKE ? || '/%'", [prefix, source]
                )


def _look_at_clock(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Make `clock`: the business day and the hour of each instant at which something was ordered or done."""
    found = con.execute(
        """
        SELECT order_ts FROM order_versions UNION SELECT event_ts FROM event_versions
        UNION SELECT review_ts FROM review_versions UNION SELECT refunded_at FROM refund_versions
        UNION SELECT created_at FROM deal_versions
        """
    )
    instants = [at for (at,) in found.fetchall() if at]
    rows = [{"instant": at, "day": shown(at, zone).date(), "hour": shown(at, zone).hour} for at in instants]
    columns = [("instant", pa.timestamp("us")), ("day", pa.date32()), ("hour", pa.int32())]
    con.register("_clock", pa.Table.from_pylist(rows, schema=pa.schema(columns)))
    con.execute("CREATE TABLE clock AS FROM _clock")
    con.unregister("_clock")


def settle(con: duckdb.DuckDBPyConnection, reporting_currency: str, reporting_zone: str = "UTC") -> None:
    """Make the clean relations, the histories, `as_of` and `facts` from all versions that the sources added."""
    _look_at_clock(con, reporting_zone)
    con.execute(_SETTLE)
    con.execute(_BEHAVIOUR)
    con.execute(_CRM, {"reporting": reporting_currency})
    con.execute(_VALUED)
    con.execute(_SOLD)
    rates = Rates(con.sql("SELECT rate_date, base, quote, rate FROM fx_rates").fetchall())
    _look_up_rates(con, rates, reporting_currency)
    _price(con, rates, reporting_currency, "priced", "sold", ("order_id", "order_item_id"), _ITEM_AMOUNTS)
    _price(con, rates, reporting_currency, "priced_refunds", "refunds", ("refund_id",), ("amount",))
    _price(con, rates, reporting_currency, "priced_deals", "valued_deals", ("deal_id",), ("amount",))
    con.execute(_FACTS)


def _look_up_rates(con: duckdb.DuckDBPyConnection, rates: Rates, reporting: str) -> None:
    """Make `order_rates`: for the currency and day of each order, the rate and the day that it is of."""
    wanted = con.sql("SELECT DISTINCT currency, order_date FROM orders").fetchall()
    rows: list[dict[str, Any]] = []
    for currency, day in wanted:
        row: dict[str, Any] = {"currency": currency, "order_date": day, "fx_rate": None, "fx_rate_date": None}
        if currency == reporting:
            row["fx_rate"] = Decimal(1)
        else:
            with suppress(MissingRateError):
                rate, rate_day = rates.newest_of(currency, reporting, day)
                row |= {"fx_rate": round_half_up(rate, RATE_PLACES), "fx_rate_date": rate_day}
        rows.append({**row, "reporting_currency": reporting})
    columns = [
        ("currency", pa.string()),
        ("order_date", pa.date32()),
        ("fx_rate", pa.decimal128(28, RATE_PLACES)),
        ("fx_rate_date", pa.date32()),
        ("reporting_currency", pa.string()),
    ]
    con.register("_rows", pa.Table.from_pylist(rows, schema=pa.schema(columns)))
    con.execute("CREATE TABLE order_rates AS FROM _rows")
    con.unregister("_rows")


def _price(
    con: duckdb.DuckDBPyConnection,
    rates: Rates,
    reporting: str,
    name: str,
    priced: str,
    key: tuple[str, ...],
    amounts: tuple[str, ...],
) -> None:
    """Make a table of the rows of `priced` in a foreign currency, with their amounts by the rate of the order's day."""
    foreign = con.execute(
        f"SELECT {', '.join((*key, *amounts))}, currency, order_date FROM {priced} WHERE currency IS DISTINCT FROM ?",
        [reporting],
    ).fetchall()
    rows: list[dict[str, Any]] = []
    for *values, currency, day in foreign:
        row = dict(zip((*key, *amounts), values, strict=True))
        try:
            rate = rates.newest(currency, reporting, day)
        except MissingRateError:
            row |= dict.fromkeys(amounts)
        else:
            row |= {column: convert(row[column], rate) for column in amounts}
        rows.append(row)
    columns = [*((column, pa.string()) for column in key), *((column, pa.decimal128(38, 4)) for column in amounts)]
    con.register("_rows", pa.Table.from_pylist(rows, schema=pa.schema(columns)))
    con.execute(f"CREATE TABLE {name} AS FROM _rows")
    con.unregister("_rows")


def convert(amount: Decimal, rate: Fraction) -> Decimal:
    """Return amount × rate, exact until it is rounded half up to four places; amounts are not negative."""
    ten_thousandths = (Fraction(amount) * rate * 20_000 + 1) // 2
    return Decimal(ten_thousandths).scaleb(-4)


def round_half_up(value: Fraction, places: int) -> Decimal:
    """Return an exact number rounded to places; a half goes away from zero."""
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        return quotient.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


class Rates:
    """Rates by day; 1 unit of base is worth `rate` units of quote."""

    def __init__(self, rows: Iterable[tuple[date, str, str, str]]):
        self._legs: dict[date, dict[tuple[str, str], Fraction]] = {}
        self._found: dict[tuple[str | None, str, date], tuple[Fraction, date]] = {}
        for day, base, quote, rate in rows:
            self._legs.setdefault(day, {})[base, quote] = Fraction(rate)

    def newest(self, currency: str | None, reporting: str, day: date) -> Fraction:
        """Return the rate of the newest day up to `day` on which one is given or can be derived.

        Raises:
            MissingRateError: there is no such day.
        """
        return self.newest_of(currency, reporting, day)[0]

    def newest_of(self, currency: str | None, reporting: str, day: date) -> tuple[Fraction, date]:
        """Return the same rate, and the day that it is of.

        Raises:
            MissingRateError: there is no such day.
        """
        if (currency, reporting, day) not in self._found:
            for rate_day in sorted((known for known in self._legs if known <= day), reverse=True):
                rate = self._on(rate_day, currency, reporting) if currency else None
                if rate is not None:
                    self._found[currency, reporting, day] = rate, rate_day
                    break
            else:
                raise MissingRateError(f"no rate from {currency} to {reporting} on {day} or before it")
        return self._found[currency, reporting, day]

    def _on(self, day: date, base: str, quote: str) -> Fraction | None:
        """Return the given rate, else the inverse of the opposite one, else the product over a common currency."""
        leg = self._leg(day, base, quote)
        if leg is not None:
            return leg
        for common in sorted({currency for pair in self._legs[day] for currency in pair}):
            first, second = self._leg(day, base, common), self._leg(day, common, quote)
            if first is not None and second is not None:
                return first * second
        return None

    def _leg(self, day: date, base: str, quote: str) -> Fraction | None:
        pairs = self._legs[day]
        if (base, quote) in pairs:
            return pairs[base, quote]
        return 1 / pairs[quote, base] if (quote, base) in pairs else None
