"""Shared steps: small DataFrame and Column functions that several tables use.

Belongs here: casts, cleaning, calling transforms and holding their result against the contract. Does not belong here:
anything that only one table needs, money and rates (`money.py`), versions of dimensions (`asof.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.table import Table, TableError

INSTANT = r"^\s*\d{4}-\d{2}-\d{2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?\s*$"
DAY = r"^\s*\d{4}-\d{2}-\d{2}\s*$"


def cleaned(name: str) -> Column:
    """Text without white space at its ends."""
    return F.trim(F.col(name))


def to_utc(name: str) -> Column:
    """Read text as an instant (UTC when it names no offset); null when it is not one.

    Spark's own cast also accepts `now`, `12:30` (today) and bare years, whose meaning depends on the clock.
    """
    return F.when(F.col(name).rlike(INSTANT), F.col(name).try_cast("timestamp"))


def to_date(name: str) -> Column:
    """Read text as a day written `YYYY-MM-DD`; null when it is not one."""
    return F.when(F.col(name).rlike(DAY), F.col(name).try_cast("date"))


def to_decimal(name: str, precision: int = 18, scale: int = 4) -> Column:
    """Read text as a decimal number, rounded half up to `scale` places; null when it is not one or too large."""
    return F.col(name).try_cast(T.DecimalType(precision, scale))


def to_int(name: str) -> Column:
    """Read text as a whole number; null when it is not one or out of range."""
    return F.col(name).try_cast("int")


def to_boolean(name: str) -> Column:
    """Read text as true or false; null when it is neither."""
    return F.col(name).try_cast("boolean")


def taken(table: Table, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters that a table's transform takes, in the order of their names."""
    known = inspect.signature(table.transform).parameters if table.transform else {}
    return {name: value for name, value in sorted(parameters.items()) if name in known}


def call(table: Table, frames: Sequence[DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Call a table's transform with its input frames and those parameters that it takes.

    Raises:
        TableError: the table was not built from a module.
    """
    if table.transform is None:
        raise TableError(f"{table.name} has no transform: build it with project_etl.core.table.from_module.")
    return table.transform(*frames, **taken(table, parameters))


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
