"""The ledger: which files a Bronze table holds, read from the table itself.

Belongs here: reading the ledger without Spark. Does not belong here: deciding what to load (`sources/load.py`).
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from project_etl.core.lake import TableStore
from project_etl.core.lake.state import on_days

Ledger = dict[str, dict[str, str]]


def ledger(lake: TableStore, bronze: str, days: Collection[str]) -> Ledger:
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
    dataset = lake.state(bronze).dataset()
    columns = ["_landing_date", "_source_file", "_source_version"]
    found: set[tuple[str, str, str]] = set()
    # The filter is on the partition column, so that files of other days are not opened.
    for batch in dataset.to_batches(columns=columns, filter=on_days("_landing_date", days)):
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
