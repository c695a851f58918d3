"""Calling a table's transform, and holding its result against the contract.

Does not belong here: steps that transforms share (`core/transforms`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from project_etl.core.model.table import Table, TableError


def taken(table: Table, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters that a table's transform takes, in the order of their names."""
    known = inspect.signature(table.transform).parameters if table.transform else {}
    return {name: value for name, value in sorted(parameters.items()) if name in known}


def call(table: Table, frames: Sequence[DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Call a table's transform with its input frames and those parameters that it takes.

    Raises:
        TableError: the table was not built from a module, or its transform takes what is no setting.
    """
    if table.transform is None:
        raise TableError(f"{table.name} has no transform: build it with project_etl.core.model.table.from_module.")
    settings, given = inspect.signature(table.transform).parameters.values(), taken(table, parameters)
    if unknown := [each.name for each in settings if each.kind is each.KEYWORD_ONLY and each.name not in given]:
        raise TableError(
            f"{table.name}: its transform takes {', '.join(unknown)}, which is no setting for transforms; "
            f"there is {', '.join(sorted(parameters)) or 'none'}."
        )
    return table.transform(*frames, **given)


def conform(rows: DataFrame, schema: T.StructType, table: str, also: Sequence[str] = ()) -> DataFrame:
    """Hold a transform's result against its contract and give it the contract's column order.

    Args:
        rows: what the transform returned.
        schema: the contract's columns.
        table: the table's name, for the message.
        also: columns that are passed on beside the contract's.

    Raises:
        TableError: a column is missing, unknown, or of another type; the message names each.
    """
    found = {item.name: item.dataType for item in rows.schema.fields}
    wanted = {item.name: item.dataType for item in schema.fields}
    problems = [f"{name} is missing" for name in [*wanted, *also] if name not in found]
    problems += [f"{name} is not in the contract" for name in found if name not in wanted and name not in also]
    problems += [
        f"{name} is {found[name].simpleString()}, the contract says {kind.simpleString()}"
        for name, kind in wanted.items()
        if name in found and found[name].simpleString() != kind.simpleString()
    ]
    if problems:
        raise TableError(f"{table}: the transform does not give what its contract declares: {'; '.join(problems)}.")
    return rows.select(*wanted, *also)
