"""What happens in the shop: once a small shop is set up, and then interval by interval.

An interval is one transaction. The same seed and the same rows make the same interval, but for the time of day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from project_etl.demo.draws import below, stream
from project_etl.demo.live.catalogue import (
    add_customers,
    add_products,
    add_rates,
    add_reviews,
    change_prices,
    move_customers,
)
from project_etl.demo.live.clicks import click
from project_etl.demo.live.database import Database
from project_etl.demo.live.interval import KINDS_OF_CHANGE, Interval
from project_etl.demo.live.orders import move_on, place, refund
from project_etl.demo.live.tables import EVENTS, METADATA, ORDERS, PRODUCTS
from project_etl.demo.vocabulary import STATUS_PICKS

# Who pulls rows by their instants looks back further than this.
LENGTH = timedelta(minutes=5)
_SEEDED_DAYS = timedelta(days=3)


@dataclass(frozen=True)
class Written:
    """What an interval, or setting up the shop, has written.

    Attributes:
        until: The end of the interval, in UTC; the `updated_at` of its rows.
        rows: Table → inserted, updated and deleted → how many rows.
    """

    until: datetime
    rows: Mapping[str, Mapping[str, int]]

    @property
    def orders(self) -> int:
        """How many orders have come in."""
        return self.rows[ORDERS.name]["inserted"]

    @property
    def events(self) -> int:
        """How many events have come in."""
        return self.rows[EVENTS.name]["inserted"]


def set_up(database: Database, *, seed: int) -> Written | None:
    """Create the tables that are not there, and fill them with a small shop unless they have one.

    Returns:
        What was written; None when there is a shop.

    Raises:
        LiveError: The database cannot be reached, or holds something else.
    """
    database.create_tables()
    with database.transaction() as connection:
        if connection.execute(sa.select(PRODUCTS.c.product_id).limit(1)).first():
            return None
        interval = _begin(database, connection, seed, _SEEDED_DAYS)
        add_rates(interval)
        add_customers(interval, 200, within_days=700)
        add_products(interval, 80)
        interval.see_stock()
        place(interval, 150, _SEEDED_DAYS, STATUS_PICKS)
        add_reviews(interval, 40, _SEEDED_DAYS)
    return _written(interval)


def live(database: Database, *, seed: int, length: timedelta = LENGTH) -> Written:
    """Live through one interval that ends now.

    Args:
        database: A database that is set up.
        seed: The shop's seed.
        length: How long the interval is; what is longer counts as `LENGTH`.

    Raises:
        LiveError: The database cannot be reached, or refuses; nothing of the interval is written then.
    """
    with database.transaction() as connection:
        # Only one writes at a time, and two never draw the same keys. The first statement, so that what follows sees
        # what others have written.
        connection.execute(sa.select(PRODUCTS.c.product_id).order_by(PRODUCTS.c.product_id).limit(1).with_for_update())
        interval = _begin(database, connection, seed, min(length, LENGTH))
        rnd = interval.rnd
        add_rates(interval)
        add_customers(interval, 2 + below(rnd, 4))
        add_products(interval, int(rnd() < 1 / 12))
        interval.see_stock()
        placed = place(interval, 45 + below(rnd, 11), interval.length)
        # After the new ones, so that the key of a row that is deleted is never the newest, and never given again.
        move_on(interval)
        refund(interval)
        move_customers(interval, 2)
        add_reviews(interval, 3 + below(rnd, 3), interval.length)
        click(interval, 95 + below(rnd, 11), placed)
        change_prices(interval, 2)
    return _written(interval)


def _begin(database: Database, connection: sa.Connection, seed: int, length: timedelta) -> Interval:
    last = connection.execute(sa.select(sa.func.max(ORDERS.c.order_id))).scalar()
    rnd = stream(seed, "live", last or "").random
    return Interval(connection, seed, rnd, database.now(connection), length)


def _written(interval: Interval) -> Written:
    counts = {name: interval.counts[name] for name in METADATA.tables}
    return Written(interval.now, {name: {kind: of[kind] for kind in KINDS_OF_CHANGE} for name, of in counts.items()})
