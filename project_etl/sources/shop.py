"""Source `shop`: the shop's own files, made by the generator here, and the shape that users bring.

A dataset for each kind of records that Silver knows, whose columns are the record's.
"""

from __future__ import annotations

from project_etl.core.model.source import Source
from project_etl.sources._as_silver import TABLES, dataset_of, feeds_of

DATASETS = tuple(dataset_of("shop", table.records) for table in TABLES.values() if table.records is not None)

SOURCE = Source(datasets=DATASETS, feeds=feeds_of(DATASETS))
