"""The sources: what each delivers, and how its Bronze tables feed the records that Silver is made of.

Belongs here: the shape of a source and the list of them. A new source is one module beside `shop.py` and an entry in
`SOURCES`. Does not belong here: reading files (`landing.py`, `records.py`), loading Bronze (`load.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyspark.sql import types as T

from project_etl.core.lake import TableStore
from project_etl.core.names import RESCUED
from project_etl.core.records import BRONZE_LINEAGE, Feed
from project_etl.core.silver_plan import SilverJob
from project_etl.core.staged import Run
from project_etl.core.table import Table


@dataclass(frozen=True)
class Dataset:
    """One kind of file that a source delivers.

    Attributes:
        source: the source's name, the first folder in landing.
        name: the dataset's name, the second folder, and the Bronze table's name.
        columns: declared columns and what they mean; all are text in Bronze.
    """

    source: str
    name: str
    columns: Mapping[str, str]

    @property
    def bronze(self) -> str:
        """The dataset's Bronze table."""
        return f"bronze/{self.name}"

    @property
    def schema(self) -> T.StructType:
        """Columns of the Bronze table: the declared ones as text, what did not fit, and lineage."""
        rescued = "What did not fit: unknown columns, or a malformed record with its text, as JSON."
        kinds = {"_row_number": T.LongType(), "_ingested_at": T.TimestampType(), "_landing_date": T.DateType()}
        text = [(name, T.StringType(), comment, True) for name, comment in self.columns.items()]
        lineage = [(name, kinds.get(name, T.StringType()), comment, False) for name, comment in BRONZE_LINEAGE.items()]
        return T.StructType(
            [
                T.StructField(name, kind, nullable, {"comment": comment})
                for name, kind, comment, nullable in [*text, (RESCUED, T.StringType(), rescued, True), *lineage]
            ]
        )


@dataclass(frozen=True)
class Source:
    """A source system.

    Attributes:
        name: its name in settings and its folder in landing.
        datasets: what it delivers.
        feeds: kind of records → the feed that makes them.
    """

    name: str
    datasets: tuple[Dataset, ...]
    feeds: Mapping[str, Feed]


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
