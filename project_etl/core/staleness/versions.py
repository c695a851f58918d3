"""What a history said before and says now: the instants for which its answer changed.

Belongs here: pure functions over versions. Does not belong here: which days that concerns (`reach.py`), as-of
joins of frames (`asof.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Version = tuple[datetime, tuple[Any, ...]]
"""Instant from which a version holds, and what it says."""
Span = tuple[datetime | None, datetime | None]
"""`since` ≤ instant < `to`; None leaves that side open."""

BEFORE_IMAGES = frozenset({"update_preimage", "delete"})


def rows_before(
    now: Iterable[Mapping[str, Any]], feed: Iterable[Mapping[str, Any]], keys: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The rows as they were before the changes of a feed.

    Args:
        now: rows after the changes.
        feed: the changes: the rows' columns, `_change_type` and `_commit_version`, in any order.
        keys: columns that identify a row.
    """
    first: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}
    # The image from before an update stands beside the one from after it, in one commit.
    for change in sorted(feed, key=lambda row: (row["_commit_version"], row["_change_type"] not in BEFORE_IMAGES)):
        key = tuple(change[name] for name in keys)
        first.setdefault(key, change if change["_change_type"] in BEFORE_IMAGES else None)
    untouched = [row for row in now if tuple(row[name] for name in keys) not in first]
    return [*untouched, *(row for row in first.values() if row is not None)]


def changed_spans(before: Iterable[Version], now: Iterable[Version]) -> list[Span]:
    """The instants for which the versions say something else than before.

    A version holds until the next one begins; the earliest also stands for all time before it, as in an as-of join.

    Args:
        before: versions before the change.
        now: versions after it.

    Returns:
        Spans in order that do not touch; empty when every instant has the same answer.
    """
    was, has = sorted(before, key=_start), sorted(now, key=_start)
    starts = [None, *sorted({start for start, _ in [*was, *has]})]
    spans: list[Span] = []
    for since, to in zip(starts, [*starts[1:], None], strict=True):
        if _said(was, since) == _said(has, since):
            continue
        if spans and spans[-1][1] == since and since is not None:
            spans[-1] = (spans[-1][0], to)
        else:
            spans.append((since, to))
    return spans


def _start(version: Version) -> datetime:
    return version[0]


def _said(versions: Sequence[Version], at: datetime | None) -> tuple[Any, ...] | None:
    """What holds at an instant (None: before all); None when there is no version at all."""
    if not versions:
        return None
    begun = [said for start, said in versions if at is not None and start <= at]
    return begun[-1] if begun else versions[0][1]
