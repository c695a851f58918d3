"""An independent second opinion on Gold: from raw landing files to the ten tables, sharing no code with the platform.

`expected_gold` is the front door. Only the standard library, DuckDB and pyarrow are used; nothing here imports
`project_etl`, and a test keeps it so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from project_etl_tests.oracle import gold_behaviour, gold_star, hubspot, online_retail, shop, tables
from project_etl_tests.oracle.gold import GoldTable, gold_tables

_LOADERS = {shop.SOURCE: shop.load, online_retail.SOURCE: online_retail.load, hubspot.SOURCE: hubspot.load}


@dataclass(frozen=True)
class Zones:
    """The time zone of business days and hours, and by source that of instants without an offset (UTC without one)."""

    reporting: str
    sources: Mapping[str, str]


UTC = Zones("UTC", {})


def settled(
    landing_root: Path,
    sources: Collection[str],
    reporting_currency: str,
    namespaces: Mapping[str, str] | None = None,
    zones: Zones = UTC,
) -> duckdb.DuckDBPyConnection:
    """Return a database with the clean tables, `rejects` and `facts` of all that is in landing."""
    con = tables.connect()
    for source in sources:
        _LOADERS[source](con, landing_root, zones.sources.get(source, "UTC"), zones.reporting)
    for source, prefix in (namespaces or {}).items():
        tables.put_before_ids(con, source, prefix)
    tables.settle(con, reporting_currency, zones.reporting)
    return con


def expected_gold(
    landing_root: Path,
    sources: Collection[str],
    reporting_currency: str,
    days: Iterable[date],
    namespaces: Mapping[str, str] | None = None,
    zones: Zones = UTC,
    start_date: date = gold_star.START_DATE,
) -> dict[str, GoldTable]:
    """Return what Gold must hold after the given partition days were materialized from all that is in landing."""
    with settled(landing_root, sources, reporting_currency, namespaces, zones) as con:
        con.execute(gold_behaviour.VIEWS)
        gold_star.prepare(con, start_date, has_crm=hubspot.SOURCE in sources)
        return gold_tables(con, days)
