"""Names for what pyarrow gives no types, and what is asked of its tables in several places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ArrowTable = Any
ArrowSchema = Any
ArrowDataset = Any
ArrowRecordBatch = Any
ArrowRecordBatchReader = Any


def distinct(rows: ArrowTable, *names: str) -> Iterator[tuple[Any, ...]]:
    """Distinct combinations of some columns."""
    found = rows.select(list(names)).group_by(list(names)).aggregate([])
    return zip(*(found[name].to_pylist() for name in names), strict=True)
