"""Two engines in one process, and their answers side by side.

Here: what a test of parity needs to ask both and compare exactly. Not here: what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from project_etl.core.engine.base import Engine

Build = Callable[[SparkSession], DataFrame]
Engines = Sequence[Engine]
Rows = list[dict[str, Any]]


def arrow(engine: Engine, build: Build) -> pa.Table:
    """The rows of a frame that is built for an engine."""
    with engine.active():
        frame: Any = build(engine.session())
        # A Connect frame's own `toArrow` fails on null structs, which Sail types as structs of non-null fields.
        return frame._to_table()[0] if engine.is_connect else frame.toArrow()


def answers(engines: Engines, build: Build) -> dict[str, tuple[dict[str, str], Rows]]:
    """By engine: names and types of the columns, and the rows in an order of their own."""
    found = {engine.name: arrow(engine, build) for engine in engines}
    return {
        name: (
            {field.name: type_name(field.type) for field in table.schema},
            sorted(_rows(table), key=repr),
        )
        for name, table in found.items()
    }


def same_rows(engines: Engines, build: Build) -> Rows:
    """Ask every engine; fail when one gives another type or another row than the first.

    Returns:
        The rows: instants as microseconds and days as numbers of days since 1970.
    """
    found = answers(engines, build)
    (first, (types, rows)), *others = found.items()
    for name, (other_types, other_rows) in others:
        assert {name: other_types} == {name: types}, f"types differ from {first}"
        different = [(row, other) for row, other in zip(rows, other_rows, strict=False) if row != other]
        assert not different, f"{len(different)} rows differ ({first}, {name}): {different[:3]!a}"
        assert len(rows) == len(other_rows), f"{first} gives {len(rows)} rows, {name} {len(other_rows)}"
    return rows


def type_name(of: pa.DataType) -> str:
    """An Arrow type without the names and the nullability of what is inside lists and structs."""
    if pa.types.is_list(of) or pa.types.is_large_list(of):
        return f"list<{type_name(of.value_type)}>"
    if pa.types.is_struct(of):
        return f"struct<{', '.join(f'{field.name}: {type_name(field.type)}' for field in of)}>"
    if pa.types.is_map(of):
        return f"map<{type_name(of.key_type)}, {type_name(of.item_type)}>"
    return str(of)


def _rows(table: pa.Table) -> Rows:
    columns: Mapping[str, list[Any]] = {
        name: _values(table.column(name).combine_chunks()) for name in table.column_names
    }
    return [{name: values[row] for name, values in columns.items()} for row in range(table.num_rows)]


def _values(array: Any) -> list[Any]:
    """Values that compare exactly: years beyond those of Python, and NaN."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in _values(chunk)]
    if pa.types.is_struct(array.type):
        fields = {array.type[at].name: _values(array.field(at)) for at in range(array.type.num_fields)}
        return [
            {name: values[row] for name, values in fields.items()} if array[row].is_valid else None
            for row in range(len(array))
        ]
    if pa.types.is_list(array.type):
        return [_values(one.values) if one.is_valid else None for one in array]
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.int64()).to_pylist()
    if pa.types.is_date32(array.type):
        return array.cast(pa.int32()).to_pylist()
    if pa.types.is_floating(array.type):
        return [repr(value) for value in array.to_pylist()]
    return array.to_pylist()
