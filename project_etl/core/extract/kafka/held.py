"""What is held of a partition while it is read, until it is a slice."""

from __future__ import annotations

from dataclasses import dataclass, field

from project_etl.core.extract.kafka.messages import line_of
from project_etl.core.extract.kafka.pieces import Of, Piece


@dataclass
class Held:
    """What is held of a partition, and is in no slice yet.

    Attributes:
        of: the partition.
        generation: how often its offsets have begun anew.
        first: the offset from which the next slice is.
        end: the offset before which reading ends, unless it goes on for some time.
        note: what is to be said of its slices.
        position: the offset before which all has been read.
    """

    of: Of
    generation: int
    first: int
    end: int
    note: str = ""
    position: int = field(init=False)
    lines: list[str] = field(default_factory=list[str])
    size: int = 0
    milliseconds: int = -1

    def __post_init__(self) -> None:
        self.position = self.first

    @property
    def is_read(self) -> bool:
        """Whether all before the end has been read."""
        return self.position >= self.end

    def take(self, offset: int, milliseconds: int, key: bytes | None, value: bytes | None) -> None:
        """Take in a message."""
        line = line_of(self.of.partition, offset, milliseconds, key, value)
        self.milliseconds = milliseconds
        self.lines.append(line)
        self.size += len(line)
        self.position = offset + 1

    def cut(self) -> tuple[Piece, list[str]]:
        """What is held, as a slice; afterwards nothing is."""
        piece, lines = Piece(self.of, self.first, self.position - 1, self.generation), self.lines
        self.first, self.lines, self.size = self.position, [], 0
        return piece, lines
