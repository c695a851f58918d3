"""The ledger: which files a Bronze table holds, read from the table itself.

Belongs here: reading the ledger without Spark. Does not belong here: deciding what to load (`sources/load.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from project_etl.core.lake import Lake

Ledger = dict[str, dict[str, str]]


def landed_on(days: Collection[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A filter of `pyarrow` for the rows of some landing days."""
    return pc.field("_landing_date").isin([date.fromisoformat(day) for day in sorted(days)])


def ledger(lake: Lake, bronze: str, days: Collection[str]) -> Ledger:
    """The files that a Bronze table holds rows of.

    Args:
        lake: the lake.
        bronze: the Bronze table.
        days: landing days to look at; only their folders are read.

    Returns:
        Landing day → file path → content version; days without files are absent.
    """
    if not days or not lake.exists(bronze):
        return {}
    dataset = lake.delta(bronze).to_pyarrow_dataset()
    columns = ["_landing_date", "_source_file", "_source_version"]
    found: set[tuple[str, str, str]] = set()
    # The filter is on the partition column, so that files of other days are not opened.
    for batch in dataset.to_batches(columns=columns, filter=landed_on(days)):
        distinct = pa.Table.from_batches([batch]).group_by(columns).aggregate([])
        found.update(
            zip(
                pc.cast(distinct["_landing_date"], pa.string()).to_pylist(),
                pc.cast(distinct["_source_file"], pa.string()).to_pylist(),
                pc.cast(distinct["_source_version"], pa.string()).to_pylist(),
                strict=True,
            )
        )
    result: Ledger = {}
    for day, file, version in sorted(found):
        result.setdefault(day, {})[file] = version
    return result
