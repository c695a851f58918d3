"""The names of slices of a topic: from which messages to which, of which partition."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass

from project_etl.core.digest import digest

_UUID = re.compile(r"[A-Za-z0-9_-]{22}")
_NAME = re.compile(r"([0-9a-f]+)_([0-9a-f]+)_(\d+)(?:\.(\d+))?_(\d+)_(\d+|begin|end)(\.lost)?")
_BEGIN, _END = "begin", "end"


@dataclass(frozen=True)
class Of:
    """A partition of a topic of a cluster.

    Attributes:
        cluster: the cluster, as names have it.
        topic: the topic, as names have it; one that is made again is another one.
        partition: number of the partition.
    """

    cluster: str
    topic: str
    partition: int


@dataclass(frozen=True)
class Piece:
    """Some messages of a partition that are one slice.

    Attributes:
        of: the partition.
        first: the offset from which was read; the first message may have a later one.
        last: the offset up to which was read, which is part of it; None for all that was to come. One before `first`:
            there is nothing in it, and it only says from where on is read.
        generation: how often the offsets of the partition have begun anew, from 1.
        lost: whether the messages are lost.
    """

    of: Of
    first: int
    last: int | None
    generation: int = 1
    lost: bool = False

    @property
    def name(self) -> str:
        """The name of the slice; what ends a loss is the business of who writes it.

        Names are in the order of offsets: of versions that are equally new, Silver takes that of the later file.
        """
        again = f".{self.generation}" if self.generation > 1 else ""
        last = _END if self.last is None else _BEGIN if self.is_beginning else f"{self.last:020d}"
        return f"{self.of.cluster}_{self.of.topic}_{self.of.partition}{again}_{self.first:020d}_{last}"

    @property
    def is_beginning(self) -> bool:
        """Whether it holds nothing and only says from where on is read."""
        return self.last is not None and self.last < self.first

    def in_words(self) -> str:
        """The messages, for people."""
        if self.last is None:
            return f"what came after offset {self.first - 1} of partition {self.of.partition} and was not read"
        return f"offsets {self.first} to {self.last} of partition {self.of.partition}"


def pieces(names: Iterable[str]) -> list[Piece]:
    """What names of slices say; others are left out."""
    found: list[Piece] = []
    for match in filter(None, map(_NAME.fullmatch, names)):
        cluster, topic, partition, generation, first, last, lost = match.groups()
        words = {_END: None, _BEGIN: int(first) - 1}
        until = words[last] if last in words else int(last)
        found.append(Piece(Of(cluster, topic, int(partition)), int(first), until, int(generation or 1), bool(lost)))
    return found


def as_in_names(identity: str) -> str:
    """The id of a cluster or a topic as names have it: the digits of a UUID, or a digest of anything else."""
    return urlsafe_b64decode(f"{identity}==").hex() if _UUID.fullmatch(identity) else digest(identity)
