"""Datasets in the shape of Silver's records: a dataset for each kind, whose columns are the record's.

Belongs here: what several sources say in that shape. Does not belong here: columns, types, cleaning and rules
(`silver/`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from project_etl import silver
from project_etl.core.extract.sql.source import Known, sql_pull
from project_etl.core.model.modules import modules_of
from project_etl.core.model.names import DELETED, READ_AT
from project_etl.core.model.records import Feed, Records
from project_etl.core.model.source import Dataset, Person, Source
from project_etl.core.model.table import Merge, Table
from project_etl.silver import customers

# Kind of records of a shop → the Silver table that is made of them; a history of it is another one.
TABLES: dict[str, Table] = {
    table.records.name: table
    for table in (module.TABLE for module in modules_of(silver))
    if table.records is not None and table.records.of_shop and isinstance(table.write, Merge)
}
_GONE = "Whether it was deleted: true or false; files may leave it out."
_READ_AT = "When the row was read, where a look at the whole table found it."
_CUSTOMER, _EMAIL = "customer_id", "email"


def dataset_of(source: str, records: Records) -> Dataset:
    """The dataset of a source whose columns are those of a kind of records."""
    columns = {column: field.meaning for column, field in records.columns.items()} | {DELETED: _GONE}
    email = _EMAIL if _EMAIL in columns else None
    person = Person(_CUSTOMER, email, is_about=records is customers.RECORDS) if _CUSTOMER in columns else None
    return Dataset(source, records.name, columns, person=person)


def feeds_of(datasets: Collection[Dataset]) -> dict[str, Feed]:
    """The feeds of such datasets: a row is a record."""
    return {dataset.name: Feed(dataset.bronze, tuple(dataset.columns), ids_of=dataset.ids_of) for dataset in datasets}


def database(source: str, kinds: Collection[str]) -> Source:
    """A source that is a database, with a table or a view for each kind of records.

    Args:
        source: its name.
        kinds: the kinds of records.
    """
    known: dict[str, Known] = {}
    for kind in kinds:
        table = TABLES[kind]
        assert table.records is not None, kind
        changed = table.newest_by if table.newest_by in table.records.instants else None
        dataset = dataset_of(source, table.records)
        dataset = replace(dataset, columns={**dataset.columns, READ_AT: _READ_AT})
        known[kind] = Known(dataset, table.keys, table.newest_by, changed)
    datasets = tuple(each.dataset for each in known.values())
    return Source(datasets, feeds_of(datasets), pull=sql_pull(source, known))
