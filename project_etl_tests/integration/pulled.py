"""A database that is pulled into a small shop: what the tests of real servers share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.engine.base import Engine as Computes
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl_tests.small_shop import SmallShop, made_of

VARIABLE = "SHOP_DB_URL"
START = "2025-01-01"


@dataclass(frozen=True)
class Place:
    """A database, and the shop that it is pulled into."""

    engine: Engine
    shop: SmallShop
    source: str

    def execute(self, *statements: str, **values: object) -> None:
        """Change the database, in one transaction."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def pull(self, name: str = "orders", *, recount: bool = False) -> Pulled:
        """Pull a dataset."""
        dataset = next(each for each in pulled_datasets(self.shop.settings, self.source) if each.name == name)
        job = PullJob(self.shop.lake, str(self.shop.landing), dataset, recount)
        with puller_of(self.shop.settings, self.source) as puller:
            return pull(job, puller)

    def load(self) -> None:
        """Load Bronze and Silver, on all days that have files."""
        days = sorted({path.name for path in (self.shop.landing / self.source).glob("*/*/")})
        self.shop.load(*days)

    def pull_and_load(self, name: str = "orders", *, recount: bool = False) -> Pulled:
        """Pull a dataset, and load what has landed."""
        done = self.pull(name, recount=recount)
        if done.files:
            self.load()
        return done

    def landed(self, name: str = "orders") -> list[dict[str, Any]]:
        """The records that have landed, by the names of their files."""
        files = sorted(
            (self.shop.landing / self.source / name).glob("*/*.jsonl"), key=lambda path: path.stat().st_ctime_ns
        )
        return [json.loads(line) for file in files for line in file.read_text().rstrip("\n").split("\n")]

    def silver(self, *columns: str, name: str = "orders") -> list[tuple[Any, ...]]:
        """Rows of a Silver table."""
        return self.shop.rows(f"silver/{name}", *columns)


@contextmanager
def place(
    folder: Path, url: str, computes: Computes | None, options: Mapping[str, Any] | None = None
) -> Iterator[Place]:
    """A database by its URL, and a shop; the URL is in the environment as `VARIABLE`."""
    settings = {"url": f"env:{VARIABLE}", "lag_seconds": 0, **(options or {})}
    shop = SmallShop(
        folder,
        computes,
        ("oltp",),
        only=made_of("silver/orders", "silver/fx_rates"),
        pull={"oltp": settings},
        lake_root=str(folder / "lake"),
        landing_root=str(folder / "landing"),
    )
    engine = create_engine(url)
    try:
        yield Place(engine, shop, "oltp")
    finally:
        engine.dispose()


def ago(seconds: float) -> datetime:
    """An instant that has passed, in UTC without an offset, as both databases take it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).replace(tzinfo=None)
