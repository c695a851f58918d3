"""The recount: all keys that a database holds beside all that Bronze holds of them.

It finds what no look at recent changes can: rows that are gone, and rows that were committed so late that the pulls of
their time had passed. A table without an instant of change is compared whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from project_etl.core.arrow import ArrowTable
from project_etl.core.extract.sql.reader import Reader, TableOf
from project_etl.core.extract.sql.texts import as_bronze
from project_etl.core.model.names import DELETED, READ_AT
from project_etl.core.model.pull import Before, Record
from project_etl.core.views import literal, quoted

# Newest last, where the instants say nothing.
_ARRIVAL = ("_landing_date", "_source_file", "_row_number")


@dataclass(frozen=True)
class Recount:
    """What a recount found.

    Attributes:
        missed: keys of rows that Bronze does not have as they are.
        gone: keys whose newest record in Bronze is none of a deletion, and that the database does not have.
        back: how many keys are there again, with an instant before their deletion.
    """

    missed: Sequence[tuple[str, ...]]
    gone: Sequence[tuple[str, ...]]
    back: int

    def note(self, table: TableOf) -> str:
        """What is to be said of it; empty when there is nothing."""
        found = [
            (len(self.missed) if table.changed else 0, "rows had not been pulled, and are now"),
            (len(self.gone), "rows are gone from the database, and count as deleted now"),
            (self.back, f"rows were deleted and are there again with their old {table.changed}: they stay deleted"),
        ]
        return "; ".join(f"{number:,} {what}" for number, what in found if number)

    def records(self, reader: Reader, table: TableOf, until: datetime, at: datetime) -> Iterator[Record]:
        """What lands: rows that were missed, and a deletion for each that is gone.

        Args:
            reader: the database.
            table: its table.
            until: as of when what is gone counts as deleted.
            at: when the table was read.
        """
        read_at = {READ_AT: at.isoformat()}
        yield from ({**record, **read_at} for record in reader.with_keys(table, self.missed))
        names = [table.landed(column) for column in table.key]
        version = {} if table.version in names else {table.version: until.isoformat(sep=" ")}
        for key in self.gone:
            yield {**dict(zip(names, key, strict=True)), **version, DELETED: True, **read_at}


def recount(reader: Reader, table: TableOf, before: Before, columns: Sequence[str], until: datetime) -> Recount:
    """Compare a table with Bronze.

    Args:
        reader: the database.
        table: its table.
        before: what was pulled before; all of it is in Bronze.
        columns: the columns of Bronze that the table has; they are compared where it has no instant of change.
        until: what was changed since is not looked at.
    """
    import duckdb

    changed = [table.landed(table.changed)] if table.changed else []
    key = [table.landed(column) for column in table.key]
    # An instant of change that is no column of Bronze is compared with nothing.
    compared = [name for name in changed or columns if name in columns and name not in key]
    there = _there(reader, table, list(dict.fromkeys([*key, *compared, *changed])))
    here = before.loaded(tuple(dict.fromkeys([*key, *compared, DELETED, *_ARRIVAL])))
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'")
        lake.register("there", there)
        lake.register("here", here)
        names = _Names(key, compared, changed)
        lake.execute(names.newest())
        missed = lake.execute(names.missed(until)).fetchall()
        gone = lake.execute(names.gone()).fetchall()
        back = lake.execute(names.back()).fetchall() if changed else []
    return Recount(missed, gone, len(back))


@dataclass(frozen=True)
class _Names:
    key: Sequence[str]
    compared: Sequence[str]
    changed: Sequence[str]

    def newest(self) -> str:
        """Makes `newest`: the newest record of each key in Bronze; a record without a whole key is none."""
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        instants = [name for name in self.changed if name in (*self.key, *self.compared)]
        order = [*(f"{_instant(name)} DESC NULLS LAST" for name in instants), *(f"{name} DESC" for name in _ARRIVAL)]
        place = f"row_number() OVER (PARTITION BY {_list(self.key)} ORDER BY {', '.join(order)})"
        return f"CREATE TEMP TABLE newest AS SELECT * FROM here WHERE {has_key} QUALIFY {place} = 1"

    def missed(self, until: datetime) -> str:
        # A value may come back, and is missed then, unless an instant tells one time from the other.
        of, where = "newest", ""
        if self.changed:
            end = f"{literal(until.isoformat())}::TIMESTAMPTZ"
            of, where = "here", f"WHERE coalesce({_instant(self.changed[0])} < {end}, true)"
        names = [*self.key, *self.compared]
        return f"""
            SELECT DISTINCT {_list(self.key)} FROM (
                SELECT {_list(names)} FROM there {where}
                EXCEPT SELECT {_list(names)} FROM {of} WHERE NOT {_is_deletion()}
            ) ORDER BY ALL"""

    def gone(self) -> str:
        return f"""
            SELECT {_list(self.key)} FROM newest WHERE NOT {_is_deletion()}
            EXCEPT SELECT {_list(self.key)} FROM there ORDER BY ALL"""

    def back(self) -> str:
        return f"""
            SELECT {_list(self.key)} FROM newest WHERE {_is_deletion()}
            INTERSECT SELECT {_list(self.key)} FROM there"""


def _there(reader: Reader, table: TableOf, names: Sequence[str]) -> ArrowTable:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in names])
    batches = []
    for rows in reader.parts(table, [table.column_of(name) for name in names]):
        columns = [[as_bronze(value) for value in column] for column in zip(*rows, strict=True)]
        batches.append(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema))
    return pa.Table.from_batches(batches, schema)


def _instant(name: str) -> str:
    return f"try_cast({quoted(name)} AS TIMESTAMPTZ)"


def _is_deletion() -> str:
    return f"coalesce({quoted(DELETED)} = 'true', false)"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))
