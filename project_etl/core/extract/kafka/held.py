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
        position: the offset from which is read.
        end: where the partition ended when it was looked at; None for one that is read without an end.
        is_read: whether all is read that was to be.
    """

    of: Of
    generation: int
    first: int
    position: int
    end: int | None
    is_read: bool = False
    lines: list[str] = field(default_factory=list[str])
    size: int = 0
    milliseconds: int = -1

    def take(self, offset: int, milliseconds: int, key: bytes | None, value: bytes | None) -> None:
        """Take in a message."""
        line = line_of(self.of.partition, offset, milliseconds, key, value)
        self.milliseconds = milliseconds
        self.lines.append(line)
        self.size += len(line)
        self.position = offset + 1
        self.is_read = self.is_read or self.position == self.end

    def cut(self) -> tuple[Piece, list[str]]:
        """What is held, as a slice; afterwards nothing is."""
        piece, lines = Piece(self.of, self.first, self.position - 1, self.generation), self.lines
        self.first, self.lines, self.size = self.position, [], 0
        return piece, lines
