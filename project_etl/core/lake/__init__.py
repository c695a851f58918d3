"""The lake: every table below one root, read and committed through `TableStore`.

The only place that knows Delta. What a table's log says is one value, its `TableState`; `commit` is the only function
that makes rows visible. Does not belong here: what rows mean, rules, anything Dagster.
"""

from __future__ import annotations

from project_etl.core.lake.changes import Append, Change, Overwrite, Remake, ReplaceWhere, Upsert
from project_etl.core.lake.errors import Conflict, LakeError
from project_etl.core.lake.journal import WHOLE, Entry, Held, Journal
from project_etl.core.lake.log import Commit
from project_etl.core.lake.state import TableState
from project_etl.core.lake.store import TableStore

__all__ = [
    "WHOLE",
    "Append",
    "Change",
    "Commit",
    "Conflict",
    "Entry",
    "Held",
    "Journal",
    "LakeError",
    "Overwrite",
    "Remake",
    "ReplaceWhere",
    "TableState",
    "TableStore",
    "Upsert",
]
