"""Whether a stored table still fits its contract.

Does not belong here: changing a table (`lake.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from project_etl.core.lock import LakeError

if TYPE_CHECKING:
    from pyspark.sql import types as T


def new_columns(stored: Sequence[dict[str, Any]], schema: T.StructType, what: str) -> list[str]:
    """The columns of a contract that a stored table lacks.

    Args:
        stored: the stored table's fields, as Delta's schema JSON has them.
        schema: the contract's columns.
        what: the table, for the error.

    Raises:
        LakeError: the stored table has other types, or a new column must not be null.
    """
    held = {item["name"]: item for item in stored}
    wanted = {item["name"]: item for item in json.loads(schema.json())["fields"]}
    added = [column for column in wanted if column not in held]
    wrong = [column for column in wanted if column in held and held[column]["type"] != wanted[column]["type"]]
    strict = [column for column in added if not wanted[column]["nullable"]]
    if wrong or strict:
        found = "; ".join(f"{c} is {held[c]['type']}, the contract says {wanted[c]['type']}" for c in wrong)
        new = "; ".join(f"{c} is new and must not be null" for c in strict)
        raise LakeError(
            f"{what} does not fit its contract: {'; '.join(filter(None, (found, new)))}. "
            "Move the table's folder away and materialize all days again, or make new columns nullable."
        )
    return added
