"""Purging a table: its newest version stays, and nothing is left that shows what rows it had before.

Belongs here: what an erasure needs of one table, once its rows are rewritten. Does not belong here: which rows are
rewritten, and what else remembers them (`commands/erase`).
"""

from __future__ import annotations

from dataclasses import replace

from fsspec.core import url_to_fs

from project_etl.core.lake.changes import Append
from project_etl.core.lake.errors import LakeError
from project_etl.core.lake.journal import JournalFiles
from project_etl.core.lake.log import PURGED
from project_etl.core.lake.maintenance import vacuum
from project_etl.core.lake.state import TableState
from project_etl.core.lake.store import TableStore


def purge(lake: TableStore, name: str) -> int:
    """Leave only the newest version of a table, under its lock.

    Older files, change data and entries of the log are removed, and so are samples of records in the notes of commits.
    The table keeps its identity, its rows and what its journal says: nothing becomes stale by it. Change feeds begin
    with the next commit. After a crash, purge the table again.

    Files that commits of Bronze name in their notes must be in the file table before (`core/bronze/file_table.write`).

    Args:
        lake: the lake, with an engine that commits where it is on an object store.
        name: the table, which must exist.

    Returns:
        How many Parquet files were removed.

    Raises:
        LakeError: there is no such table; or its checkpoint could not be made, and the log is as it was.
    """
    lake = replace(lake, pins={})
    with lake.lock(name):
        removed = vacuum(lake, name, keep_hours=0)
        state = lake.state(name)
        if PURGED not in state.made_by.note:
            # The log goes on from an entry of which every word is known.
            nothing = state.arrow_schema.empty_table()
            lake.commit(name, Append(), nothing, {PURGED: state.journal.data_version})
            state = lake.state(name)
        JournalFiles(state.path, state.table_id).store_alone(state.journal.without_samples())
        state.delta.create_checkpoint()
        _clean_log(state)
        _remove_checksums(state)
        # It has read notes that are gone.
        lake.known.pop(name, None)
    return removed


def _clean_log(state: TableState) -> None:
    """Remove all of the log but the newest commit and its checkpoint.

    Delta's protocol lets a writer remove the entries before a checkpoint, by whatever means it has:
    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup.
    """
    fs, log = url_to_fs(f"{state.path}/_delta_log", use_listings_cache=False)
    version = f"{state.version:020}"
    kept = {f"{version}.json", f"{version}.checkpoint.parquet", "_last_checkpoint"}
    found = {path.rstrip("/").rpartition("/")[2] for path in fs.ls(log, detail=False)}
    if missing := kept - found:
        raise LakeError(
            f"The history of {state.name} was not purged: {', '.join(sorted(missing))} is not in {log} after the "
            "checkpoint was made. Purge the table again."
        )
    # The oldest first: what a crash leaves is a log without gaps.
    for old in sorted(found - kept):
        fs.rm(f"{log}/{old}", recursive=True)


def _remove_checksums(state: TableState) -> None:
    """Remove the checksums that Hadoop has left beside files that are gone."""
    fs, folder = url_to_fs(state.path, use_listings_cache=False)
    found = set(fs.find(folder))
    for path in found:
        parent, _, file = path.rpartition("/")
        if file.startswith(".") and file.endswith(".crc") and f"{parent}/{file[1:-4]}" not in found:
            fs.rm_file(path)
