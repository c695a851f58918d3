"""What the Delta log says, in the platform's own terms.

Belongs here: one commit and its note, which operations leave rows alone, and the properties of our tables. Does not
belong here: reading or writing tables (`lake.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Operations that leave the rows as they are: no reader has to look again after one of these.
MAINTENANCE = frozenset(
    {"CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMNS", "CHANGE COLUMN"}
)

PROPERTIES = {
    # The notes on commits are read back days later; Delta's default forgets them after 30 days.
    "delta.logRetentionDuration": "interval 365 days",
    # A checkpoint each 10 commits costs more than it saves on logs this small.
    "delta.checkpointInterval": "50",
    # Readers outside Spark (delta-rs, DuckDB, Polars) matter more than cheap deletes.
    "delta.enableDeletionVectors": "false",
}


@dataclass(frozen=True)
class Commit:
    """One entry of a table's Delta log.

    Attributes:
        version: Delta version that the commit made.
        operation: Delta's name for it, such as `MERGE`.
        metrics: Delta's operation metrics, as text by name.
        note: what the platform wrote about it; empty when another writer made the commit.
        timestamp: milliseconds since the epoch.
    """

    version: int
    operation: str
    metrics: Mapping[str, str]
    note: Mapping[str, Any]
    timestamp: int


def commit_of(entry: Mapping[str, Any]) -> Commit:
    """Read an entry of a table's history, as `deltalake` gives it."""
    text = entry.get("userMetadata") or "{}"
    try:
        note = json.loads(text)
    except ValueError:
        note = text
    return Commit(
        version=entry["version"],
        operation=entry.get("operation", ""),
        metrics=entry.get("operationMetrics") or {},
        note=note if isinstance(note, dict) else {"text": text},
        timestamp=entry.get("timestamp", 0),
    )
