"""How a contract's columns are stored, and whether a stored table still fits them.

Does not belong here: changing a table (`store.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as T

from project_etl.core.lake.errors import LakeError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from project_etl.core.lake.state import TableState

# Key in a column's metadata: a commit refuses rows without a value.
REQUIRED = "required"


def stored_schema(schema: T.StructType) -> T.StructType:
    """The columns as they are stored: each may be null, and says whether a commit refuses that."""
    return T.StructType(
        [
            T.StructField(item.name, item.dataType, True, item.metadata | ({} if item.nullable else {REQUIRED: True}))
            for item in schema.fields
        ]
    )


@dataclass(frozen=True)
class Fit:
    """How a stored table fits a contract.

    Attributes:
        added: columns of the contract that the table lacks, and that may be null.
        wrong: what keeps the table from taking rows of the contract, in words.
        gone: columns of the table that the contract does not have.
    """

    added: tuple[str, ...]
    wrong: tuple[str, ...]
    gone: tuple[str, ...]

    @classmethod
    def of(cls, stored: str, schema: T.StructType) -> Fit:
        """Compare the schema of a stored table, as Delta's JSON, with a contract's columns."""
        held = {item["name"]: item for item in json.loads(stored)["fields"]}
        wanted = {item["name"]: item for item in json.loads(schema.json())["fields"]}
        added = [column for column in wanted if column not in held]
        strict = [f"{column} is new and must not be null" for column in added if not wanted[column]["nullable"]]
        other = [
            f"{column} is {held[column]['type']}, the contract says {wanted[column]['type']}"
            for column in wanted
            if column in held and held[column]["type"] != wanted[column]["type"]
        ]
        return cls(tuple(added), (*other, *strict), tuple(column for column in held if column not in wanted))

    def check(self, what: str) -> None:
        """Refuse a table that cannot take rows of the contract.

        Raises:
            LakeError: it cannot.
        """
        if self.wrong:
            raise LakeError(
                f"{what} does not fit what it is declared as: {'; '.join(self.wrong)}. "
                "Move the table's folder away and materialize all days again."
            )


def in_types_of(state: TableState, rows: Any, new: T.StructType | None = None) -> Any:  # noqa: ANN401 - tables of pyarrow have no types
    """Arrow rows in the types of a table's columns; a column that the table does not have stays as it is.

    Args:
        state: the table.
        rows: the rows.
        new: the columns that the table is to have from now on; None keeps those it has.

    Raises:
        LakeError: a row has no value where a commit refuses that.
    """
    import deltalake
    import pyarrow as pa

    # Asked for now: delta-rs reads a reader where it cannot read a log.
    stored, required = state.arrow_schema, state.required
    if new is not None:
        stored = pa.schema(deltalake.Schema.from_json(stored_schema(new).json()).to_arrow())
        required = tuple(item.name for item in new.fields if not item.nullable)
    schema = pa.schema([stored.field(item.name) if item.name in stored.names else item for item in rows.schema])

    def typed(table: Any) -> Any:  # noqa: ANN401 - tables of pyarrow have no types
        for name in required:
            if name in schema.names and (nulls := table.column(name).null_count):
                raise LakeError(f"{nulls} {_lacking(state, name)}")
        return table if table.schema.equals(schema) else table.cast(schema)

    if isinstance(rows, pa.RecordBatchReader):
        parts = (typed(pa.Table.from_batches([batch])).to_batches() for batch in rows)
        return pa.RecordBatchReader.from_batches(schema, chain.from_iterable(parts))
    return typed(rows)


def as_table(rows: Any) -> Any:  # noqa: ANN401 - tables and readers of pyarrow have no types
    """Arrow rows as a table; what a reader gives comes into memory as a whole."""
    return rows.read_all() if hasattr(rows, "read_all") else rows


def refusing_nulls(state: TableState, rows: DataFrame) -> DataFrame:
    """Rows that fail as they are computed when one has no value where a commit refuses that."""
    from pyspark.sql import functions as F

    refused = {
        name: F.coalesce(F.col(name), F.raise_error(F.lit(_lacking(state, name)))).alias(name)
        for name in state.required
        if name in rows.columns
    }
    return rows.select(*[refused.get(name, F.col(name)) for name in rows.columns])


def _lacking(state: TableState, name: str) -> str:
    return (
        f"rows for {state.name} have no {name}, which every row must have: nothing was published. "
        "A rule should have kept them out: report it as a fault."
    )
