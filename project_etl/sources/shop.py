"""Source `shop`: the shop's own files, made by the generator here, and the shape that users bring.

A dataset for each kind of records that Silver knows, whose columns are the record's. Does not belong here: columns,
types, cleaning and rules (`silver/`).
"""

from __future__ import annotations

from project_etl import silver
from project_etl.core.model.modules import modules_of
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset, Source

_RECORDS = {records.name: records for records in (module.TABLE.records for module in modules_of(silver))}
_GONE = "Whether it was deleted: true or false; files may leave it out."
DATASETS = tuple(
    Dataset("shop", name, {column: field.meaning for column, field in records.columns.items()} | {DELETED: _GONE})
    for name, records in _RECORDS.items()
)

SOURCE = Source(
    datasets=DATASETS,
    feeds={dataset.name: Feed(dataset.bronze, tuple(dataset.columns)) for dataset in DATASETS},
)
