"""A source that is a topic: which slices are due, read as they come.

A slice is what a partition has within some time, or up to a size. A pull of what is there ends at the end of each
partition; one of a stream waits until the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from project_etl.core.extract.kafka.client import Client, is_end, open_topic, parts_of
from project_etl.core.extract.kafka.held import Held
from project_etl.core.extract.kafka.options import KafkaOptions
from project_etl.core.extract.kafka.partition import COMPACTED, Loss, due, ended
from project_etl.core.extract.kafka.pieces import Piece, pieces
from project_etl.core.model.names import LOST_KEY
from project_etl.core.model.pull import Before, Pull, PullError, Record, Slice

if TYPE_CHECKING:
    from datetime import timedelta

# All that is held in memory, in slices of the size at which one becomes a file.
HELD_SLICES = 8
ANOTHER_TOPIC = "another topic is read now: it was made again, or the cluster is another one"
TRIES = 5


def kafka_pull(source: str, every: str, fresh: timedelta) -> Pull:
    """How a source that is a topic is pulled.

    Args:
        source: its name.
        every: when it is pulled, as cron writes it.
        fresh: how long ago the end of what was read may be before somebody should look.
    """
    return Pull(
        KafkaOptions,
        _connect(source, waits=False),
        every=every,
        fresh=fresh,
        stream=_connect(source, waits=True),
    )


def _connect(source: str, *, waits: bool) -> Callable[[KafkaOptions, date], AbstractContextManager[KafkaPuller]]:
    @contextmanager
    def connect(options: KafkaOptions, first_day: date) -> Generator[KafkaPuller]:
        with open_topic(options, f"pull.{source}") as client:
            yield KafkaPuller(client, options, first_day, waits)

    return connect


@dataclass(frozen=True)
class KafkaPuller:
    """A topic that is pulled.

    Attributes:
        client: the topic.
        options: what the user says of it.
        first_day: the first landing day that there can be.
        waits: whether a pull collects messages for some time, and does not end where the topic ends for now.
    """

    client: Client
    options: KafkaOptions
    first_day: date
    waits: bool

    @property
    def address(self) -> str:
        """The topic and its brokers."""
        return self.client.address

    def looked_at(self, dataset: str) -> str:
        """How many messages the topic holds, in how many partitions."""
        held = [self.client.holds(each.partition) for each in self.client.partitions()]
        messages = sum(each.high - each.low for each in held)
        return f"{dataset}: {messages:,} messages in {len(held)} partitions"

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:  # noqa: ARG002 - it has one
        """The slices that are due: what is lost, gaps, and what is new.

        Raises:
            PullError: the brokers do not answer, or refuse.
        """
        topic = {of.partition: of for of in self.client.partitions()}
        landed = pieces(before.names)
        for loss in ended(next(iter(topic.values())), landed, ANOTHER_TOPIC):
            yield self._told(loss)
        left = {*topic}
        for _ in range(TRIES):
            held = dict[int, Held]()
            for partition in sorted(left):
                of = topic[partition]
                holds = self.client.holds(partition)
                found = due(of, landed, holds)
                for loss in found.lost:
                    landed.append(loss.piece)
                    yield self._told(loss)
                for gap in found.gaps:
                    yield from self._gap(gap, landed)
                if self.waits or found.start < holds.high:
                    end = None if self.waits else holds.high
                    held[partition] = Held(of, found.generation, found.start, found.start, end)
            if not held:
                break
            if self.options.spark:
                left = yield from self._on_spark(before, held)
            else:
                left = yield from self._new(held, landed)
            if not left:
                break
        else:
            raise PullError(f"{self.address} deletes messages faster than they are read: partitions {sorted(left)}")
        # That it was read until now is known, whatever came.
        yield Slice("read", datetime.now(UTC), lambda: iter(()))

    def _new(self, held: Mapping[int, Held], landed: list[Piece]) -> Generator[Slice, None, set[int]]:
        """Read what is new; returns the partitions that are to be looked at again, for some messages were gone."""
        limit, began = int(self.options.megabytes * 1e6), time.monotonic()
        gone, heard = set[int](), began
        for batch in self.client.read({number: each.first for number, each in held.items()}):
            heard = time.monotonic() if batch else heard
            for message in batch:
                each = held[message.partition() or 0]
                if message.error() is None:
                    each.take(*parts_of(message))
                    if each.size >= limit:
                        yield self._slice(each, landed)
                elif is_end(message):
                    each.is_read = not self.waits
                else:
                    gone.add(each.of.partition)
            if sum(each.size for each in held.values()) >= HELD_SLICES * limit:
                yield from self._slices(held, landed)
            if gone or all(each.is_read for each in held.values()):
                break
            if self.waits and time.monotonic() - began >= self.options.seconds:
                break
            if not self.waits:
                self.client.impatient(heard)
        yield from self._slices(held, landed)
        return gone | {number for number, each in held.items() if gone and not each.is_read}

    def _on_spark(self, before: Before, held: Mapping[int, Held]) -> Generator[Slice, None, set[int]]:
        """Have Spark read what is new; what is gone meanwhile fails, and is told by the next pull."""
        from project_etl.core.extract.kafka.on_spark import lines_of, read_on_spark

        if self.waits:
            raise PullError("Spark reads what is there and ends: pull by the schedule, or take out pull.*.spark")
        starts = {partition: each.first for partition, each in held.items()}
        with read_on_spark(before.engine, self.client, starts, before.folder) as parts:
            for part in parts:
                each = held[part.partition]
                each.position, each.milliseconds = part.last + 1, part.milliseconds
                piece, _ = each.cut()
                yield Slice(piece.name, self._day_of(part.milliseconds), partial(lines_of, part))
        return set()

    def _slices(self, held: Mapping[int, Held], landed: list[Piece]) -> Iterator[Slice]:
        for each in held.values():
            if each.lines:
                yield self._slice(each, landed)

    def _slice(self, held: Held, landed: list[Piece], note: str = "") -> Slice:
        piece, lines = held.cut()
        landed.append(piece)
        return Slice(piece.name, self._day_of(held.milliseconds), lambda: iter(lines), note, gap=bool(note))

    def _gap(self, gap: Piece, landed: list[Piece]) -> Iterator[Slice]:
        """Read a range again that is missing between slices."""
        assert gap.last is not None
        held, heard = Held(gap.of, gap.generation, gap.first, gap.first, gap.last + 1), time.monotonic()
        for batch in self.client.read({gap.of.partition: gap.first}):
            for message in batch:
                if message.error() is None and (message.offset() or 0) <= gap.last:
                    held.take(*parts_of(message))
                else:
                    held.is_read = True
            if held.is_read:
                break
            self.client.impatient(heard)
        # All of it was looked at, also where it holds no message any more.
        held.position = gap.last + 1
        if held.lines:
            yield self._slice(held, landed, f"{gap.in_words()} were missing between slices, and are read again")
        else:
            yield self._told(Loss(replace(gap, lost=True), COMPACTED))

    def _told(self, loss: Loss) -> Slice:
        def records() -> Iterator[Record]:
            piece = loss.piece
            yield {
                LOST_KEY: loss.in_words(),
                "partition": piece.of.partition,
                "first": piece.first,
                "last": piece.last,
                "offsets": loss.offsets,
            }

        return Slice(loss.piece.name, datetime.now(UTC), records, f"lost: {loss.in_words()}", lost=True)

    def _day_of(self, milliseconds: int) -> datetime:
        """The upper end of a slice: when its last message came; now where that cannot be, and no day has it."""
        now = datetime.now(UTC)
        first = datetime(self.first_day.year, self.first_day.month, self.first_day.day, tzinfo=UTC)
        if first.timestamp() <= milliseconds / 1000 <= now.timestamp():
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
        return now
