"""What an entry of a Delta log says, in the platform's own terms.

Belongs here: commits and their notes, which of them leave rows alone, and the properties of our tables. Does not belong
here: reading a table's log (`state.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Operations that leave the rows as they are.
MAINTENANCE = frozenset(
    {
        "CREATE TABLE",
        "OPTIMIZE",
        "VACUUM START",
        "VACUUM END",
        "SET TBLPROPERTIES",
        "ADD COLUMN",
        "ADD COLUMNS",
        "CHANGE COLUMN",
    }
)

# How the metrics that the platform reads are called: Spark's name → delta-rs's.
METRICS = {
    "numOutputRows": "num_added_rows",
    "numFiles": "num_added_files",
    "numRemovedFiles": "num_removed_files",
    "numDeletedRows": "num_deleted_rows",
    "numTargetRowsInserted": "num_target_rows_inserted",
    "numTargetRowsUpdated": "num_target_rows_updated",
    "numTargetRowsDeleted": "num_target_rows_deleted",
    "numTargetFilesAdded": "num_target_files_added",
    "numTargetFilesRemoved": "num_target_files_removed",
}
# Key in the note of a commit after which a purge has removed the older ones: the version that had changed rows last.
PURGED = "purged"
# Counts of what an operation added and removed; where it made none, a writer leaves some of them out.
COUNTS = {
    "WRITE": ("numOutputRows", "numRemovedFiles", "numDeletedRows"),
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
}

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
        metrics: operation metrics as text by Spark's name, whichever writer made them.
        note: what the platform wrote about it; empty when another writer made the commit.
        timestamp: milliseconds since the epoch.
        is_append: whether it is a write that only adds files.
    """

    version: int
    operation: str
    metrics: Mapping[str, str]
    note: Mapping[str, Any]
    timestamp: int
    is_append: bool = False

    @property
    def may_change_rows(self) -> bool:
        """True unless the operation or its metrics prove that no row was added, changed or removed."""
        if self.operation in MAINTENANCE:
            return False
        counts = [int(self.metrics[name]) for name in COUNTS.get(self.operation, ()) if name in self.metrics]
        return not counts or any(counts)

    @property
    def may_change_stored_rows(self) -> bool:
        """True unless the operation or its metrics prove that rows were at most added."""
        if not self.may_change_rows or self.is_append:
            return False
        names = ("numTargetRowsUpdated", "numTargetRowsDeleted")
        if self.operation == "MERGE" and all(name in self.metrics for name in names):
            return any(int(self.metrics[name]) for name in names)
        return True


def commit_of(entry: Mapping[str, Any]) -> Commit:
    """Read an entry of a table's history, as `deltalake` gives it."""
    text = entry.get("userMetadata") or "{}"
    try:
        note = json.loads(text)
    except ValueError:
        note = text
    operation = entry.get("operation", "")
    mode = (entry.get("operationParameters") or {}).get("mode", "")
    return Commit(
        version=entry["version"],
        operation=operation,
        metrics=_metrics(entry.get("operationMetrics") or {}),
        note=note if isinstance(note, dict) else {"text": text},
        timestamp=entry.get("timestamp", 0),
        is_append=operation == "WRITE" and mode == "Append",
    )


def after_purge(version: int, later: Iterable[Commit]) -> int:
    """The version from which a log tells what changed since an older one.

    Args:
        version: the older version.
        later: the commits after it that the log still knows.

    Returns:
        The version of a purge, where no row had changed between the two; else the version itself.
    """
    purges = (commit.version for commit in later if commit.note.get(PURGED, version + 1) <= version)
    return max(purges, default=version)


def _metrics(found: Mapping[str, Any]) -> dict[str, str]:
    """The metrics by Spark's names; those that the platform does not read keep their own."""
    ours = {theirs: name for name, theirs in METRICS.items()}
    return {ours.get(name, name): str(value) for name, value in found.items()}
