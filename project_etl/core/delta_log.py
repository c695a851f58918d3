"""What the Delta log says, in the platform's own terms.

Belongs here: commits and their notes, which operations leave rows alone, the properties of our tables, and the checksum
of a new one. Does not belong here: where tables lie (`lake_log.py`), rows (`lake.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake

# Operations that leave the rows as they are.
MAINTENANCE = frozenset(
    {"CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMNS", "CHANGE COLUMN"}
)

# Delta's counts of what a write or a MERGE added and removed; where it made none, it leaves some of them out.
CHANGES = {
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
        metrics: Delta's operation metrics, as text by name.
        note: what the platform wrote about it; empty when another writer made the commit.
        timestamp: milliseconds since the epoch.
    """

    version: int
    operation: str
    metrics: Mapping[str, str]
    note: Mapping[str, Any]
    timestamp: int

    @property
    def may_change_rows(self) -> bool:
        """Whether who has read the table has to look again; no, where Delta says that no row came or went."""
        if self.operation in MAINTENANCE:
            return False
        counts = [int(self.metrics[name]) for name in CHANGES.get(self.operation, ()) if name in self.metrics]
        return not counts or any(counts)


def _commit_of(entry: Mapping[str, Any]) -> Commit:
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


def commits_of(table: deltalake.DeltaTable, limit: int | None = None) -> list[Commit]:
    """The (`limit` newest) commits of a table, newest first; `table` is at its newest version afterwards."""
    # `deltalake` counts back from the version that it has loaded, and lists what was committed since then, too.
    version, entries = None, list[dict[str, Any]]()
    while version != table.version():
        version, entries = table.version(), table.history(limit)
        table.update_incremental()
    return [_commit_of(entry) for entry in entries]


def write_first_checksum(log: Path) -> None:
    """Write the version checksum file of a table that has just been made and holds no rows.

    `deltalake` writes none, and without it Spark runs three jobs to learn that a new table is empty: more than half of
    the time of a small table's first commit. Leaving it out, as after a crash, costs only that time.

    Source: the Delta protocol, "Version Checksum File".

    Args:
        log: the table's `_delta_log` folder.
    """
    actions = [json.loads(line) for line in (log / f"{0:020}.json").read_text("utf-8").splitlines()]
    checksum = {
        **{name: action[name] for action in actions for name in ("metaData", "protocol") if name in action},
        **{"tableSizeBytes": 0, "numFiles": 0, "numMetadata": 1, "numProtocol": 1},
        **{"setTransactions": [], "domainMetadata": [], "allFiles": []},
    }
    checksum["metadata"] = checksum.pop("metaData")
    # Readers pass over a name with a dot in front, so nobody sees half a file.
    draft = log / f".{0:020}.crc.tmp"
    draft.write_text(json.dumps(checksum), "utf-8")
    draft.replace(log / f"{0:020}.crc")
