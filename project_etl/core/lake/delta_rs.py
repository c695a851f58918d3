"""Commits by delta-rs: rows as Arrow, in this process, without an engine.

Does not belong here: whether it is delta-rs that commits (`store.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import deltalake
from deltalake import CommitProperties, Transaction, WriterProperties

from project_etl.core.lake.changes import Append, Change, Overwrite, Remake, ReplaceWhere, Upsert

# What keeps memory small: a row group is in memory until it is written, and delta-rs would read a long stream of rows
# gigabytes ahead of its writers.
ROW_GROUP_ROWS = 1 << 17
_LIMITS = {"DELTARS_MAX_CONCURRENT_WRITERS": "1", "DELTARS_WRITER_BATCH_CHANNEL_SIZE": "1"}
# A `pyarrow.Table` or `pyarrow.RecordBatchReader`; they have no types.
Arrow = Any


def commit(
    delta: deltalake.DeltaTable, change: Change, rows: Arrow, note: Mapping[str, Any], number: tuple[str, int]
) -> None:
    """Commit rows to a table, which is at the new version afterwards.

    Args:
        delta: the table, at the version from which the rows were computed.
        change: what the commit does.
        rows: rows in the types that the table has, or is to have.
        note: what to remember with the commit.
        number: writer and number of the commit. Of two commits with one number, Delta refuses the second.
    """
    # Without retries nothing is committed beside what another writer has committed since the rows were computed.
    for name, limit in _LIMITS.items():
        os.environ.setdefault(name, limit)
    properties = CommitProperties(
        custom_metadata={"userMetadata": json.dumps(note)},
        app_transactions=[Transaction(*number)],
        max_commit_retries=0,
    )
    options: Any = {
        "commit_properties": properties,
        "writer_properties": WriterProperties(max_row_group_size=ROW_GROUP_ROWS),
    }
    match change:
        case Append():
            deltalake.write_deltalake(delta, rows, mode="append", **options)
        case ReplaceWhere(where):
            deltalake.write_deltalake(delta, rows, mode="overwrite", predicate=where, **options)
        case Overwrite():
            deltalake.write_deltalake(delta, rows, mode="overwrite", **options)
        case Remake():
            deltalake.write_deltalake(delta, rows, mode="overwrite", schema_mode="overwrite", **options)
        case Upsert():
            _upsert(delta, change, rows, properties)


def _upsert(delta: deltalake.DeltaTable, change: Upsert, rows: Arrow, properties: CommitProperties) -> None:
    before = delta.version()
    (
        delta.merge(rows, change.condition(), source_alias="s", target_alias="t", commit_properties=properties)
        .when_matched_delete("s._op = 'delete'")
        .when_matched_update({f"`{column}`": f"s.`{column}`" for column in change.updated}, "s._op <> 'delete'")
        .when_not_matched_insert({f"`{column}`": f"s.`{column}`" for column in change.columns}, "s._op <> 'delete'")
        .execute()
    )
    if delta.version() == before:
        # A MERGE that changes nothing makes no commit, and the note would be lost.
        import pyarrow as pa

        nothing = pa.schema(delta.schema().to_arrow()).empty_table()
        deltalake.write_deltalake(delta, nothing, mode="append", commit_properties=properties)
