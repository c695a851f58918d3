"""The sources: what each delivers, and how its Bronze tables feed the records that Silver is made of.

Belongs here: the list of them, and what follows from it. A new source is one module beside `shop.py` and an entry in
`_sources`. Does not belong here: reading files and loading Bronze (`core/bronze`).
"""

from __future__ import annotations

from collections.abc import Collection

from project_etl.core.lake import TableStore
from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset, Source
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver.plan import SilverJob


def source_named(name: str) -> Source:
    """The source of that name.

    Raises:
        KeyError: there is none; settings only let known names through.
    """
    return _sources()[name]


def record_columns(records: str) -> tuple[str, ...]:
    """The text columns of a kind of records: those that `shop`, the shape users bring, delivers.

    Raises:
        KeyError: no dataset has that name; the message lists those there are.
    """
    shapes = {dataset.name: tuple(dataset.columns) for dataset in _sources()["shop"].datasets}
    if records not in shapes:
        raise KeyError(f"No records are called {records!r}; there are {', '.join(sorted(shapes))}.")
    return shapes[records]


def feeds_of(records: str, sources: Collection[str]) -> tuple[Feed, ...]:
    """The feeds of a kind of records from those sources that are on."""
    return tuple(
        source.feeds[records] for name, source in _sources().items() if name in sources and records in source.feeds
    )


def datasets_of(sources: Collection[str]) -> tuple[Dataset, ...]:
    """Every dataset of those sources that are on."""
    return tuple(dataset for name in sources for dataset in source_named(name).datasets)


def silver_job(lake: TableStore, table: Table, sources: Collection[str], days: tuple[str, ...], run: Run) -> SilverJob:
    """What materializes a Silver table for some landing days, from those sources that are on."""
    records = table.records or ""
    return SilverJob(lake, table, record_columns(records), feeds_of(records, sources), days, run)


def _sources() -> dict[str, Source]:
    from project_etl.sources.online_retail import ONLINE_RETAIL
    from project_etl.sources.shop import SHOP

    return {source.name: source for source in (SHOP, ONLINE_RETAIL)}
