"""The recount of a table: its keys and instants of change beside Bronze, and what lands of what is found.

A table without an instant of change is compared whole. Does not belong here: comparing (`core/extract/recount.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from project_etl.core.arrow import ArrowTable
from project_etl.core.extract.recount import Compared, Found, recount
from project_etl.core.extract.sql.reader import Reader, TableOf
from project_etl.core.extract.sql.texts import as_bronze
from project_etl.core.model.names import DELETED, READ_AT
from project_etl.core.model.pull import Before, Record


def recount_of(reader: Reader, table: TableOf, before: Before, columns: Sequence[str], until: datetime) -> Found:
    """Compare a table with Bronze.

    Args:
        reader: the database.
        table: its table.
        before: what was pulled before; all of it is in Bronze.
        columns: the columns of Bronze that the table has; they are compared where it has no instant of change.
        until: what was changed since is not looked at.
    """
    key = [table.landed(column) for column in table.key]
    changed = table.landed(table.changed) if table.changed else None
    seen = [changed] if changed and changed in columns else []
    state = None if changed else [name for name in columns if name not in key]
    compared = Compared(key, changed, seen, state, version=seen)
    return recount(_there(reader, table, compared.there), before, compared, until)


def records_of(found: Found, reader: Reader, table: TableOf, until: datetime, at: datetime) -> Iterator[Record]:
    """What lands: rows that were missed, and a deletion for each that is gone.

    Args:
        found: what the recount found.
        reader: the database.
        table: its table.
        until: as of when what is gone counts as deleted.
        at: when the table was read.
    """
    read_at = {READ_AT: at.isoformat()}
    yield from ({**record, **read_at} for record in reader.with_keys(table, found.missed))
    names = [table.landed(column) for column in table.key]
    version = {} if table.version in names else {table.version: until.isoformat(sep=" ")}
    for key in found.gone:
        yield {**dict(zip(names, key, strict=True)), **version, DELETED: True, **read_at}


def _there(reader: Reader, table: TableOf, names: Sequence[str]) -> ArrowTable:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in names])
    batches = []
    for rows in reader.parts(table, [table.column_of(name) for name in names]):
        columns = [[as_bronze(value) for value in column] for column in zip(*rows, strict=True)]
        batches.append(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema))
    return pa.Table.from_batches(batches, schema)
