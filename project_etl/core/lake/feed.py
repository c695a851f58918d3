"""The change feed of a table, read from its log and files: which rows each commit added, changed and removed.

`deltalake` has a feed too, but escapes the names of folders twice: it finds no file of a partition such as
`category=home garden`. Does not belong here: what changed rows mean to others (`core/silver_reach.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

# pyarrow has no types.
ArrowSchema = Any
ArrowTable = Any


def feed(
    path: str, options: Mapping[str, str], versions: range, stored: ArrowSchema, partition_by: Sequence[str]
) -> Iterator[ArrowTable]:
    """The changes of some commits, in order, file by file.

    Args:
        path: the table's folder or URL.
        options: what `deltalake` needs to reach it.
        versions: the commits.
        stored: the table's columns.
        partition_by: those of them that partition it.

    Yields:
        The table's columns, `_change_type` and `_commit_version`.

    Raises:
        OSError: a file is gone.
        KeyError: a commit does not say of which partition a file is.
        ValueError: a commit does not say which rows of a file are gone.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import PyFileSystem

    files: Any = PyFileSystem(DeltaStorageHandler(path, dict(options)))
    for version in versions:
        log = files.open_input_file(f"_delta_log/{version:020}.json").read()
        for file, kind in _changed([json.loads(line) for line in log.splitlines()]):
            if file.get("deletionVector"):
                raise ValueError(f"version {version} removed rows by a deletion vector")
            rows = pq.ParquetFile(files.open_input_file(unquote(file["path"]))).read()
            held = dict(zip(rows.column_names, rows.columns, strict=True))
            for name in partition_by:
                value = pa.scalar((file.get("partitionValues") or {})[name] or None, pa.string()).cast(
                    stored.field(name).type
                )
                held[name] = pa.repeat(value, len(rows))
            columns = {
                # Text of files that a MERGE has written comes in a type that is not understood everywhere.
                item.name: held[item.name].cast(item.type) if item.name in held else pa.nulls(len(rows), item.type)
                for item in stored
            }
            columns["_change_type"] = held["_change_type"].cast(pa.string()) if kind is None else [kind] * len(rows)
            columns["_commit_version"] = pa.repeat(pa.scalar(version, pa.int64()), len(rows))
            yield pa.table(columns, schema_of(stored))


def schema_of(stored: ArrowSchema) -> ArrowSchema:
    """The columns of the feed of a table."""
    import pyarrow as pa

    return stored.append(pa.field("_change_type", pa.string())).append(pa.field("_commit_version", pa.int64()))


def _changed(actions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """The files whose rows a commit changed, each with what it did to all of them; None when its rows say that."""
    images = [action["cdc"] for action in actions if "cdc" in action]
    if images:
        yield from ((file, None) for file in images)
        return
    for what, kind in (("remove", "delete"), ("add", "insert")):
        yield from (
            (action[what], kind) for action in actions if what in action and action[what].get("dataChange", True)
        )
