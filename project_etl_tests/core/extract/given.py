"""A database in a file and what is pulled of it, for tests that need no server."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl_tests.small_shop import SmallShop

ORDERS = (
    "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, status TEXT, currency TEXT, order_ts TEXT, updated_at TEXT)"
)


class FileShop:
    """A shop whose orders are in an SQLite file."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.database = sqlite3.connect(folder / "shop.db", isolation_level=None)
        self.database.execute(ORDERS)
        given = {"url": f"sqlite:///{folder / 'shop.db'}", "lag_seconds": 0, "overlap_seconds": 0, **options}
        self.shop = SmallShop(folder, None, ("oltp",), pull={"oltp": given})

    def add(self, *numbers: int, seconds: float = 0.001) -> None:
        """Add orders that were changed some seconds ago."""
        at = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")
        rows = [(number, "PAID", "EUR", "2025-01-01 10:00:00", at) for number in numbers]
        self.database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)

    def job(self, *, recount: bool = False) -> PullJob:
        """A pull of the orders."""
        (dataset,) = (each for each in pulled_datasets(self.shop.settings, "oltp") if each.name == "orders")
        return PullJob(self.shop.lake, str(self.shop.landing), dataset, recount)

    def pull(self, *, recount: bool = False) -> Pulled:
        """Pull the orders."""
        with puller_of(self.shop.settings, "oltp") as puller:
            return pull(self.job(recount=recount), puller)

    def load(self) -> None:
        """Load what has landed into Bronze."""
        days = sorted({path.parent.name for path in self.files()})
        self.shop.bronze("orders", *days)

    def files(self) -> list[Path]:
        """The files in landing, in the order in which they came."""
        return sorted(self.shop.landing.glob("oltp/orders/*/*"), key=lambda path: path.name.rpartition("_")[2])

    def ids(self) -> list[list[int]]:
        """The orders in each of the files."""
        return [[json.loads(line)["order_id"] for line in path.read_text().splitlines()] for path in self.files()]
