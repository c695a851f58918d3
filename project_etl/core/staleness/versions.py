"""What a history said before and says now: the instants for which its answer changed.

Belongs here: pure functions over versions. Does not belong here: which days that concerns (`as_of.py`), as-of
joins of frames (`asof.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from project_etl.core.lake.state import BEFORE_IMAGES

Version = tuple[datetime, tuple[Any, ...]]
"""Instant from which a version holds, and what it says."""
Span = tuple[datetime | None, datetime | None]
"""`since` ≤ instant < `to`; None leaves that side open."""
Row = tuple[Any, ...]


def net_changes(feed: Iterable[tuple[str, Row]]) -> tuple[set[Row], set[Row]]:
    """What a change feed comes to, in whatever order its rows are: rows that are gone, and rows that came.

    Args:
        feed: the kind of each change, and the row. A row that comes and goes again cancels out, and so does one of
            which only other columns changed.
    """
    gone, came = set[Row](), set[Row]()
    for kind, row in feed:
        (gone if kind in BEFORE_IMAGES else came).add(row)
    return gone - came, came - gone


def changed_spans(before: Iterable[Version], now: Iterable[Version]) -> list[Span]:
    """The instants for which the versions say something else than before.

    A version holds until the next one begins; the earliest also stands for all time before it, as in an as-of join.

    Args:
        before: versions before the change.
        now: versions after it.

    Returns:
        Spans in order that do not touch; empty when every instant has the same answer.
    """
    was, has = sorted(before, key=itemgetter(0)), sorted(now, key=itemgetter(0))
    starts = [None, *sorted({start for start, _ in [*was, *has]})]
    spans: list[Span] = []
    answers = zip(_answers(was, starts), _answers(has, starts), strict=True)
    for since, to, (then, today) in zip(starts, [*starts[1:], None], answers, strict=True):
        if then == today:
            continue
        if spans and spans[-1][1] == since and since is not None:
            spans[-1] = (spans[-1][0], to)
        else:
            spans.append((since, to))
    return spans


def _answers(versions: Sequence[Version], starts: Sequence[datetime | None]) -> Iterator[tuple[Any, ...] | None]:
    """What holds at each of some instants in order (the first is None: before all); None when there is no version."""
    said = versions[0][1] if versions else None
    following = iter(versions)
    ahead = next(following, None)
    for start in starts:
        while ahead is not None and start is not None and ahead[0] <= start:
            said, ahead = ahead[1], next(following, None)
        yield said
