"""The tables of the shop's database, for PostgreSQL and for MySQL or MariaDB, where instants are UTC."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

# Stands in the database, so that no shop of somebody else is ever written to.
MADE_BY = "Made by project-etl generate --to"

_INSTANT = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_MONEY = sa.Numeric(12, 2)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_KEY = sa.String(20)
_CURRENCY = sa.CHAR(3)

METADATA = sa.MetaData()


def _table(name: str, *columns: sa.Column[Any] | sa.Constraint) -> sa.Table:
    charset = "utf8mb4"
    return sa.Table(
        name, METADATA, *columns, comment=MADE_BY, mysql_default_charset=charset, mariadb_default_charset=charset
    )


def _required(name: str, kind: sa.types.TypeEngine[Any], *constraints: sa.ForeignKey) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, _KEY, primary_key=True)


def _updated_at() -> sa.Column[Any]:
    return sa.Column("updated_at", _INSTANT, nullable=False, index=True)


CUSTOMERS = _table(
    "customers",
    _key("customer_id"),
    _required("first_name", sa.String(100)),
    _required("last_name", sa.String(100)),
    sa.Column("email", sa.String(200)),
    sa.Column("phone", sa.String(40)),
    _required("country", sa.CHAR(2)),
    sa.Column("city", sa.String(100)),
    _required("signup_date", sa.Date()),
    _updated_at(),
)
PRODUCTS = _table(
    "products",
    _key("product_id"),
    _required("name", sa.String(200)),
    _required("category", sa.String(100)),
    sa.Column("subcategory", sa.String(100)),
    _required("price", _MONEY),
    _required("currency", _CURRENCY),
    _required("active", sa.Boolean()),
    _required("tags", _JSON),
    _updated_at(),
)
ORDERS = _table(
    "orders",
    _key("order_id"),
    # A guest has none.
    sa.Column("customer_id", _KEY, sa.ForeignKey("customers.customer_id")),
    _required("order_ts", _INSTANT),
    _required("status", sa.String(20)),
    _required("currency", _CURRENCY),
    _required("order_total", _MONEY),
    sa.Column("country", sa.CHAR(2)),
    _updated_at(),
)
# The oldest orders of a status are those that move on.
sa.Index("ix_orders_status_updated_at", ORDERS.c.status, ORDERS.c.updated_at)
ORDER_ITEMS = _table(
    "order_items",
    _required("order_item_id", _KEY),
    _required("order_id", _KEY, sa.ForeignKey("orders.order_id")),
    _required("product_id", _KEY, sa.ForeignKey("products.product_id")),
    _required("quantity", sa.Integer()),
    _required("unit_price", _MONEY),
    _required("discount", _MONEY),
    _updated_at(),
    sa.PrimaryKeyConstraint("order_id", "order_item_id"),
)
REFUNDS = _table(
    "refunds",
    _key("refund_id"),
    _required("order_id", _KEY, sa.ForeignKey("orders.order_id")),
    # Empty: the whole order.
    sa.Column("order_item_id", _KEY),
    sa.Column("quantity", sa.Integer()),
    _required("amount", _MONEY),
    _required("reason", sa.String(200)),
    _required("refunded_at", _INSTANT),
    _updated_at(),
    sa.ForeignKeyConstraint(["order_id", "order_item_id"], ["order_items.order_id", "order_items.order_item_id"]),
)
REVIEWS = _table(
    "reviews",
    _key("review_id"),
    _required("product_id", _KEY, sa.ForeignKey("products.product_id")),
    _required("customer_id", _KEY, sa.ForeignKey("customers.customer_id")),
    _required("rating", sa.SmallInteger()),
    sa.Column("review_text", sa.Text),
    _required("helpful_votes", sa.Integer()),
    _required("review_ts", _INSTANT),
    _updated_at(),
)
# Clicks as a tracker sends them: what they name need not be there, and none is ever changed.
EVENTS = _table(
    "events",
    _key("event_id"),
    _required("visitor_id", sa.String(40)),
    sa.Column("customer_id", _KEY),
    sa.Column("session_id", _KEY),
    _required("event_type", sa.String(20)),
    sa.Column("product_id", _KEY),
    sa.Column("order_id", _KEY),
    sa.Column("quantity", sa.Integer()),
    sa.Column("price", _MONEY),
    sa.Column("event_ts", _INSTANT, nullable=False, index=True),
)
FX_RATES = _table(
    "fx_rates",
    sa.Column("rate_date", sa.Date(), primary_key=True),
    sa.Column("base_currency", _CURRENCY, primary_key=True),
    sa.Column("quote_currency", _CURRENCY, primary_key=True),
    _required("rate", sa.Numeric(18, 6)),
)
