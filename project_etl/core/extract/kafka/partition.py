"""What is due of a partition, and what is lost: read off the slices that have landed and the offsets that it holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from project_etl.core.extract.kafka.pieces import Of, Piece


@dataclass(frozen=True)
class Holds:
    """The offsets that a partition holds: from `low` to before `high`."""

    low: int
    high: int


@dataclass(frozen=True)
class Loss:
    """Messages that can never be read.

    Attributes:
        piece: which ones.
        why: how it came, in words.
    """

    piece: Piece
    why: str

    @property
    def offsets(self) -> int | None:
        """How many offsets are lost; None where nobody knows."""
        return None if self.piece.last is None else self.piece.last - self.piece.first + 1

    def in_words(self) -> str:
        """What is lost, for people."""
        number = "" if self.offsets is None else f" ({self.offsets:,})"
        return f"{self.piece.in_words()}{number}: {self.why}"


@dataclass(frozen=True)
class Due:
    """What is to be read of a partition.

    Attributes:
        start: the offset to go on from, of `generation`.
        generation: how often offsets have begun anew.
        gaps: ranges before it that are missing between slices, and can be read.
        lost: what is missing, and can not.
    """

    start: int
    generation: int = 1
    gaps: tuple[Piece, ...] = ()
    lost: tuple[Loss, ...] = ()


RETENTION = "the topic has deleted them. Read it more often, or have it keep messages for longer"
COMPACTED = "they were missing between slices, and the topic holds none of them any more"
ANEW = (
    "the topic holds fewer messages than were read: it was restored, or has lost data. Its offsets begin anew, and all "
    "that it holds is read"
)


def due(of: Of, landed: Iterable[Piece], holds: Holds) -> Due:
    """What is due of a partition.

    One of which nothing has landed is due from offset 0 on: either it is new, or so was the topic when it was read
    first. What was gone by then is not missed, for `beginnings` are remembered.

    Args:
        of: the partition.
        landed: the slices of all partitions that have landed, and the losses that were told.
        holds: the offsets that it holds now.
    """
    mine = [piece for piece in landed if piece.of == of]
    generation = max((piece.generation for piece in mine), default=1)
    covered = sorted(
        (piece.first, piece.last) for piece in mine if piece.generation == generation and piece.last is not None
    )
    if generation > 1 and not covered:
        return Due(holds.low, generation)
    # Messages before all that has landed can only be those of slices that somebody has removed.
    begin = min(holds.low, covered[0][0]) if covered else 0
    start = max((last for _, last in covered), default=-1) + 1
    if holds.high < start:
        # The loss is the first of the new generation, and so begins it.
        return Due(holds.low, generation + 1, lost=(Loss(Piece(of, start, None, generation + 1, lost=True), ANEW),))
    gaps, lost = list[Piece](), list[Loss]()
    for first, last in [*_between([(begin, begin - 1), *covered]), (start, holds.low - 1)]:
        gone = min(last, holds.low - 1)
        if first <= gone:
            lost.append(Loss(Piece(of, first, gone, generation, lost=True), RETENTION))
        if max(first, holds.low) <= last:
            gaps.append(Piece(of, max(first, holds.low), last, generation))
    return Due(max(start, holds.low), generation, tuple(gaps), tuple(lost))


def beginnings(topic: Mapping[int, Of], landed: Collection[Piece], holds: Callable[[int], Holds]) -> list[Piece]:
    """From where on partitions are read of which the first messages were gone before anything was read.

    They are remembered before anything else is, and that of the first partition last: until it is there, or a message
    is, nothing has been read, and whoever was killed begins again.

    Args:
        topic: the partitions.
        landed: the slices of all partitions and topics that have landed.
        holds: partition → the offsets that it holds now.
    """
    first, begun = min(topic), {piece.of for piece in landed}
    if topic[first] in begun or not all(piece.is_beginning for piece in landed):
        return []
    lows = {number: holds(number).low for number, of in topic.items() if of not in begun}
    if not landed and not any(lows.values()):
        return []
    return [
        Piece(topic[number], lows[number], lows[number] - 1)
        for number in sorted(lows, reverse=True)
        if lows[number] or number == first
    ]


def ended(of: Of, landed: Collection[Piece], why: str) -> tuple[Loss, ...]:
    """What is lost of topics that cannot be read any more, when a topic is read of which nothing has landed.

    Args:
        of: any partition of the topic that is read.
        landed: the slices of all partitions that have landed.
        why: why they cannot be read, in words.
    """
    if any((piece.of.cluster, piece.of.topic) == (of.cluster, of.topic) for piece in landed):
        return ()
    told = {piece.of for piece in landed if piece.last is None and piece.lost}
    found: list[Loss] = []
    for other in sorted({piece.of for piece in landed} - told, key=lambda each: (each.topic, each.partition)):
        newest = max((piece.generation, piece.last or 0) for piece in landed if piece.of == other)
        found.append(Loss(Piece(other, newest[1] + 1, None, newest[0], lost=True), why))
    return tuple(found)


def _between(covered: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges between those that are covered."""
    found: list[tuple[int, int]] = []
    until = -1
    for number, (first, last) in enumerate(covered):
        if number and first > until + 1:
            found.append((until + 1, first - 1))
        until = max(until, last)
    return found
