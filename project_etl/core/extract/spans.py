"""Slices of time: from one instant to another, named by both, and the gaps between those that have landed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from project_etl.core.model.pull import Record, Slice

START = datetime.min.replace(tzinfo=UTC)
_FORMAT = "%Y%m%dT%H%M%S.%fZ"
_WORD = "start"


@dataclass(frozen=True, order=True)
class Span:
    """From an instant to another one, which is not part of it; from `START` is from the beginning."""

    begin: datetime
    end: datetime

    def name(self, of: str) -> str:
        """The name of the slice of what `of` says."""
        return f"{of}_{_WORD if self.begin == START else stamp(self.begin)}_{stamp(self.end)}"

    def in_words(self) -> str:
        """The span for people."""
        begin = "the beginning" if self.begin == START else f"{self.begin:%Y-%m-%d %H:%M:%S}"
        return f"from {begin} to {self.end:%Y-%m-%d %H:%M:%S} UTC"


def stamp(instant: datetime) -> str:
    """An instant as a name has it, to the microsecond, in UTC."""
    return instant.astimezone(UTC).strftime(_FORMAT)


def spans_of(of: str, names: Iterable[str]) -> list[Span]:
    """The spans that names of slices say, in order; other names, and those of other things, are none."""
    said = re.compile(rf"{re.escape(of)}_({_WORD}|\d{{8}}T\d{{6}}\.\d{{6}}Z)_(\d{{8}}T\d{{6}}\.\d{{6}}Z)")
    found = (said.fullmatch(name) for name in names)
    return sorted(Span(_instant(match[1]), _instant(match[2])) for match in found if match)


def end_of(name: str) -> datetime | None:
    """The upper end that the name of a slice ends in: an instant, or a day; None where it says none."""
    text = name.rpartition("_")[2]
    # Streams have names by the hundred thousand that end in other numbers.
    form = {23: _FORMAT, 10: "%Y-%m-%d"}.get(len(text))
    if form is None or not text.startswith(("1", "2")) or text.isdecimal():
        return None
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def gaps(spans: Iterable[Span]) -> list[Span]:
    """What lies between spans, and before the first of them, and is in none."""
    found: list[Span] = []
    until = START
    for span in sorted(spans):
        if span.begin > until:
            found.append(Span(until, span.begin))
        until = max(until, span.end)
    return found


def due(
    of: str, spans: Iterable[Span], until: datetime, overlap: timedelta, records: Callable[[Span], Iterator[Record]]
) -> Iterator[Slice]:
    """The slices that are due: gaps first, then what is new.

    Args:
        of: what they are read from.
        spans: those that have landed.
        until: up to when there is something to read.
        overlap: how far a slice looks back behind the end of the one before.
        records: reads a span.
    """

    def piece(span: Span, *, is_gap: bool) -> Slice:
        wide = Span(span.begin if span.begin == START else span.begin - overlap, span.end)
        note = f"a slice {span.in_words()} was missing, and is pulled again" if is_gap else ""
        return Slice(wide.name(of), span.end, lambda: records(wide), note, gap=is_gap)

    known = sorted(spans)
    yield from (piece(gap, is_gap=True) for gap in (gaps(known) if known else ()))
    newest = max((span.end for span in known), default=START)
    if until > newest:
        yield piece(Span(newest, until), is_gap=False)


def _instant(text: str) -> datetime:
    return START if text == _WORD else datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
