"""Source `shop`: the shop's own files, made by the generator here, and the shape that users bring.

A dataset for each kind of records that Silver knows, whose columns are the record's. Does not belong here: columns,
types, cleaning and rules (`silver/`).
"""

from __future__ import annotations

from project_etl import silver
from project_etl.core.model.modules import modules_of
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import Feed, Records
from project_etl.core.model.source import Dataset, Person, Source
from project_etl.silver import customers

_RECORDS = {records.name: records for records in (module.TABLE.records for module in modules_of(silver))}
_GONE = "Whether it was deleted: true or false; files may leave it out."
_CUSTOMER, _EMAIL = "customer_id", "email"


def _dataset(records: Records) -> Dataset:
    """The dataset whose columns are those of a kind of records."""
    columns = {column: field.meaning for column, field in records.columns.items()} | {DELETED: _GONE}
    email = _EMAIL if _EMAIL in columns else None
    person = Person(_CUSTOMER, email, is_about=records is customers.RECORDS) if _CUSTOMER in columns else None
    return Dataset("shop", records.name, columns, person=person)


DATASETS = tuple(map(_dataset, _RECORDS.values()))

SOURCE = Source(
    datasets=DATASETS,
    feeds={dataset.name: Feed(dataset.bronze, tuple(dataset.columns)) for dataset in DATASETS},
)
