"""A small lake whose Gold was computed from its Silver, as its journals tell it; written without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import types as T

from project_etl.catalog import tables
from project_etl.core.lake import WHOLE, Append, Held, TableStore, Upsert
from project_etl.core.model.order import gold_order
from project_etl.core.model.table import Table
from project_etl.core.silver.plan import silver_schema
from project_etl.core.staleness import Staleness
from project_etl_tests.small_shop import PARAMETERS

TABLES = {table.name: table for table in tables()}
ALL_GOLD = {name for name, table in TABLES.items() if table.layer == "gold"}
LAST = 60
CHANGE_FEED = {"delta.enableChangeDataFeed": "true"}
DEFAULTS: Mapping[type[T.DataType], Any] = {
    T.StringType: "x",
    T.LongType: 1,
    T.IntegerType: 1,
    T.BooleanType: True,
    T.DecimalType: Decimal(1),
    T.DateType: date(2025, 1, 1),
    T.TimestampType: datetime(2025, 1, 1, tzinfo=UTC),
    T.ArrayType: ["x"],
}

Row = Mapping[str, Any]


def behind(name: str) -> set[str]:
    """The Gold tables that read a table by day or whole, and those behind them; no row of the lake looks a day up."""
    found = {name}
    for table in gold_order(TABLES.values()):
        found |= {table.name} if any(each.table in found and not each.at for each in table.inputs.values()) else set()
    return found - {name}


def day(number: int) -> date:
    """A day of 2025, from 1."""
    return date(2025, 1, 1) + timedelta(days=number - 1)


def instant(number: int, hour: int = 0) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), UTC) + timedelta(hours=hour)


def order(order_id: str, customer: str | None, number: int) -> Row:
    return {"order_id": order_id, "customer_id": customer, "order_date": day(number)}


def item(item_id: str, order_id: str, product: str, number: int) -> Row:
    return {"order_item_id": item_id, "order_id": order_id, "product_id": product, "order_date": day(number)}


def rate(number: int, base: str, quote: str) -> Row:
    return {"rate_date": day(number), "base_currency": base, "quote_currency": quote}


def version(table: str, key: str, since: datetime, to: datetime | None, said: str) -> Row:
    """A row of a history table in which one column says something."""
    said_in = "category" if table == "silver/products_history" else "country"
    own = {TABLES[table].keys[0]: key, "updated_at": since, "valid_from": since, "valid_to": to, said_in: said}
    return own | {"is_current": to is None}


ORDERS, ITEMS, RATES = "silver/orders", "silver/order_items", "silver/fx_rates"
PRODUCTS, CUSTOMERS = "silver/products_history", "silver/customers_history"
SHOP: Mapping[str, Sequence[Row]] = {
    ORDERS: [
        *(order("o1", "ann", 3), order("o2", "bob", 3), order("o3", "ann", 9), order("o4", "ann", 20)),
        *(order("o5", None, 9), order("o6", "cid", 1)),
    ],
    ITEMS: [
        *(item("i1", "o1", "tea", 3), item("i2", "o2", "mug", 3), item("i3", "o3", "tea", 9)),
        *(item("i4", "o4", "mug", 20), item("i5", "o5", "tea", 9), item("i6", "o6", "mug", 1)),
    ],
    RATES: [
        rate(1, "USD", "EUR"),
        rate(1, "GBP", "USD"),
        rate(9, "USD", "EUR"),
        rate(20, "USD", "EUR"),
        rate(20, "GBP", "USD"),
    ],
    PRODUCTS: [
        version(PRODUCTS, "tea", instant(2), instant(9, 12), "drinks"),
        version(PRODUCTS, "tea", instant(9, 12), None, "leaves"),
        version(PRODUCTS, "mug", instant(1), None, "pots"),
    ],
    CUSTOMERS: [version(CUSTOMERS, "ann", instant(1), None, "DE")],
}


def made(root: str) -> TableStore:
    """The shop, and all of Gold computed from it."""
    lake = TableStore(root)
    for table in TABLES.values():
        schema = silver_schema(table) if table.layer == "silver" else table.schema
        lake.create(table.name, schema, properties=CHANGE_FEED)
    for name, rows in SHOP.items():
        change(lake, name, *rows)
    compute(lake)
    return lake


def change(lake: TableStore, name: str, *rows: Row, op: str = "update", touched: Sequence[str] | None = None) -> None:
    """Insert or update rows by key, or delete them; the note names the days that it touched, where it has any."""
    table, fields = TABLES[name], silver_schema(TABLES[name]).fields
    filled = [
        {
            field.name: row.get(field.name, None if field.nullable else DEFAULTS[type(field.dataType)])
            for field in fields
        }
        for row in rows
    ]
    arrow = pa.Table.from_pylist(filled, lake.state(name).arrow_schema)
    arrow = arrow.append_column("_op", pa.array([op] * len(rows), pa.string()))
    if touched is None and table.days:
        days = {column: sorted({str(row[column]) for row in filled}) for column in table.days}
        touched = [name for column, found in days.items() for name in table.days_in_notes(column, found)]
    columns = tuple(field.name for field in fields)
    lake.commit(name, Upsert(table.keys, columns), arrow, {"table": name, "touched": touched})


def compute(lake: TableStore, numbers: Iterable[int] = range(1, LAST + 1), only: str | None = None) -> None:
    """Leave the notes of a computation of Gold, for some days."""
    days = [str(day(number)) for number in numbers]
    for table in gold_order(TABLES.values()):
        if only in (None, table.name):
            now = staleness(lake).made_from(table)
            units = days if table.is_daily else [WHOLE]
            note = {"table": table.name, "reads": now.versions, "days": dict.fromkeys(units, now.identity)}
            note |= staleness(lake).checked(table, units)
            nothing = lake.state(table.name).arrow_schema.empty_table()
            lake.commit(table.name, Append(), nothing, {**note, "touched": []})


def hold_back(lake: TableStore, name: str, number: int, rule: str = "rule") -> None:
    """Leave the note of a computation of a Gold table in which a day broke a rule."""
    now = staleness(lake).made_from(TABLES[name])
    held = {str(day(number)): Held(now.identity, {rule: 1}).to_json()}
    note = {"table": name, "reads": now.versions, "days": {}, "held": held, "touched": []}
    lake.commit(name, Append(), lake.state(name).arrow_schema.empty_table(), note)


def staleness(lake: TableStore, declared: Mapping[str, Table] = TABLES, **parameters: Any) -> Staleness:
    return Staleness(lake, declared, {**PARAMETERS, **parameters})


def stale(lake: TableStore, until: int = LAST, *, with_held: bool = True, **parameters: Any) -> dict[str, set[int]]:
    """Gold table → numbers of its stale days."""
    days = [day(number) for number in range(1, until + 1)]
    found = staleness(lake, **parameters).everywhere(days, with_held=with_held)
    return {name: {(each - day(1)).days + 1 for each in days} for name, days in found.items()}
