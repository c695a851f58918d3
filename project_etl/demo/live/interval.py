"""One interval of the shop's life, in one transaction: what everybody who writes in it shares.

Belongs here: chance, the clock, the last numbers of keys, and counting what is written. Does not belong here: what
happens in an interval (`shop.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from project_etl.demo.draws import below
from project_etl.demo.live.tables import CUSTOMERS, METADATA, PRODUCTS
from project_etl.demo.products import price_in, product_id

Row = dict[str, Any]
KINDS_OF_CHANGE = ("inserted", "updated", "deleted")
_MICROSECOND = timedelta(microseconds=1)


class Price(NamedTuple):
    """What a product costs, in cents of its own currency."""

    cents: int
    currency: str


@dataclass
class Interval:
    """An interval that is being written.

    Attributes:
        connection: The transaction.
        seed: The shop's seed.
        rnd: Draws in `0 <= x < 1`.
        now: The end of the interval; the `updated_at` of all that it writes.
        length: How long ago the first of its orders and clicks may be.
        customers: How many customers there are; their positions begin with 0.
        products: How many products there are.
        counts: Table → what was written → how many rows.
    """

    connection: sa.Connection
    seed: int
    rnd: Callable[[], float]
    now: datetime
    length: timedelta
    customers: int = 0
    products: int = 0
    counts: Mapping[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in METADATA.tables})
    _prices: dict[int, Price] = field(default_factory=dict)

    def insert(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Insert rows, with `updated_at` where the table has it."""
        self._write(table, table.insert(), rows, "inserted")

    def update(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Change rows that are there, each given as its key and the columns that change, and `updated_at`."""
        keyed = [{_bound(name, table): value for name, value in row.items()} for row in rows]
        self._write(table, table.update().where(_has_key(table)), keyed, "updated")

    def delete(self, table: sa.Table, column: sa.Column, keys: Sequence[str]) -> None:
        """Delete the rows that have one of some keys in a column."""
        if keys:
            done = self.connection.execute(table.delete().where(column.in_(keys)))
            self.counts[table.name]["deleted"] += done.rowcount

    def last_number(self, table: sa.Table) -> int:
        """The number in a table's newest key; 0 when it has no row."""
        (key,) = table.primary_key
        newest = self.connection.execute(sa.select(sa.func.max(key))).scalar()
        return int(newest[1:]) if newest else 0

    def customer(self) -> int:
        """Draw the position of a customer; a few come far more often than the rest."""
        chance = self.rnd()
        return int(self.customers * chance * math.sqrt(chance))

    def product(self, chance: float) -> int:
        """The position of the product that a draw falls on; the first on the shelves sell best."""
        return int(self.products * chance * chance)

    def unit_price(self, product: int, currency: str) -> int:
        """The present price of the product at a position, in cents of a currency."""
        price = self.price(product)
        return price_in(currency, price.cents, price.currency)

    def price(self, product: int) -> Price:
        """The present price of the product at a position, in its own currency."""
        if product not in self._prices:
            found = sa.select(PRODUCTS.c.price, PRODUCTS.c.currency).where(PRODUCTS.c.product_id == product_id(product))
            price, currency = self.connection.execute(found).one()
            self._prices[product] = Price(int(price * 100), currency)
        return self._prices[product]

    def moments(self, number: int, length: timedelta) -> list[datetime]:
        """Draw instants within the time before now, the earliest first."""
        whole = length // _MICROSECOND
        before = sorted((below(self.rnd, whole) for _ in range(number)), reverse=True)
        return [self.now - timedelta(microseconds=each) for each in before]

    def see_stock(self) -> None:
        """Note how many customers and products there are."""
        self.customers, self.products = self.last_number(CUSTOMERS), self.last_number(PRODUCTS)

    def _write(self, table: sa.Table, statement: sa.Executable, rows: Sequence[Row], kind: str) -> None:
        if rows:
            stamp = {"updated_at": self.now} if "updated_at" in table.c else {}
            self.connection.execute(statement, [row | stamp for row in rows])
            self.counts[table.name][kind] += len(rows)


def amount(cents: int) -> Decimal:
    """An amount of cents as the database has it."""
    return Decimal(cents).scaleb(-2)


def _has_key(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == sa.bindparam(_bound(column.name, table)) for column in table.primary_key))


def _bound(name: str, table: sa.Table) -> str:
    """The name under which a statement takes a value: SQLAlchemy keeps that of a column for a new one."""
    return f"key_{name}" if name in table.primary_key else name
