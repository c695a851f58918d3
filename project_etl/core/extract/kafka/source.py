"""A source that is a topic: which slices are due, read as they come.

A slice is what a partition has within some time, or up to a size. A pull of what is there ends at the end of each
partition; one of a stream waits until the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from project_etl.core.bronze.readers.records import MAX_MALFORMED
from project_etl.core.extract.kafka.client import Client, is_end, open_topic, parts_of
from project_etl.core.extract.kafka.held import Held
from project_etl.core.extract.kafka.options import KafkaOptions
from project_etl.core.extract.kafka.partition import COMPACTED, Loss, beginnings, due, ended
from project_etl.core.extract.kafka.pieces import Of, Piece, pieces
from project_etl.core.model.names import LOST_KEY
from project_etl.core.model.pull import Before, Pull, PullError, Record, Slice

if TYPE_CHECKING:
    from datetime import timedelta

    from confluent_kafka import Message

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
        asked = datetime.now(UTC)
        topic = {of.partition: of for of in self.client.partitions()}
        landed = pieces(before.names)
        for loss in ended(next(iter(topic.values())), landed, ANOTHER_TOPIC):
            yield self._told(loss)
        for piece in beginnings(topic, landed, self.client.holds):
            landed.append(piece)
            # A blank line is no record.
            yield Slice(piece.name, asked, lambda: iter([""]), always=True)
        for _ in range(TRIES):
            held = yield from self._due(topic, landed)
            if not held or not (yield from self._read_all(held, landed, before)):
                break
        else:
            raise PullError(
                f"{self.address} deletes messages faster than they are read: have it keep them for longer "
                "(retention.ms), or read it by `project-etl stream`"
            )
        if all(each.is_read for each in held.values()):
            # That nothing more was there is known, whatever came.
            yield Slice("read", asked, lambda: iter(()))

    def _due(self, topic: Mapping[int, Of], landed: list[Piece]) -> Generator[Slice, None, dict[int, Held]]:
        """Tell what is lost and close gaps; returns the partitions in which there is more, or may come."""
        held = dict[int, Held]()
        for partition, of in topic.items():
            holds = self.client.holds(partition)
            found = due(of, landed, holds)
            for loss in found.lost:
                landed.append(loss.piece)
                yield self._told(loss)
            for gap in found.gaps:
                yield from self._gap(gap, landed)
            if self.waits or found.start < holds.high:
                held[partition] = Held(of, found.generation, found.start, holds.high)
        return held

    def _read_all(self, held: Mapping[int, Held], landed: list[Piece], before: Before) -> Generator[Slice, None, bool]:
        """Read what there is more; returns whether all must be looked at again."""
        if self.options.spark and not self.waits:
            yield from self._read_on_spark(held, before)
            return False
        return (yield from self._read(held, landed, self.options.seconds if self.waits else 0))

    def _read(self, held: Mapping[int, Held], landed: list[Piece], seconds: float) -> Generator[Slice, None, bool]:
        """Read partitions up to their ends, or for some seconds.

        Returns:
            Whether one of them no longer has what is due, and all must be looked at again.
        """
        limit, began = int(self.options.megabytes * 1e6), time.monotonic()
        is_gone, heard = False, began
        for batch in self.client.read({number: each.first for number, each in held.items()}):
            heard = time.monotonic() if batch else heard
            for message in batch:
                each = held[message.partition() or 0]
                is_gone = _take(each, message, is_bounded=not seconds) or is_gone
                if each.size >= limit or len(each.lines) >= MAX_MALFORMED:
                    yield self._slice(each, landed)
            if sum(each.size for each in held.values()) >= HELD_SLICES * limit:
                yield from self._slices(held, landed)
            if is_gone or (seconds and time.monotonic() - began >= seconds):
                break
            if not seconds:
                if all(each.is_read for each in held.values()):
                    break
                self.client.impatient(heard)
        yield from self._slices(held, landed)
        return is_gone

    def _read_on_spark(self, held: Mapping[int, Held], before: Before) -> Iterator[Slice]:
        """Have Spark read partitions up to their ends; what is gone meanwhile fails, and is told by the next pull."""
        from project_etl.core.extract.kafka.on_spark import lines_of, read_on_spark

        starts = {partition: each.first for partition, each in held.items()}
        with read_on_spark(before.engine, self.client, starts, before.folder) as parts:
            for part in parts:
                each = held[part.partition]
                each.position = part.last + 1
                piece, until = each.cut()[0], self._day_of(part.milliseconds)
                yield Slice(piece.name, until, partial(lines_of, part), always=True)
        for each in held.values():
            each.position = max(each.position, each.end)

    def _slices(self, held: Mapping[int, Held], landed: list[Piece]) -> Iterator[Slice]:
        for each in held.values():
            if each.lines:
                yield self._slice(each, landed)

    def _slice(self, held: Held, landed: list[Piece]) -> Slice:
        (piece, lines), until = held.cut(), self._day_of(held.milliseconds)
        landed.append(piece)
        return Slice(piece.name, until, lambda: iter(lines), held.note, gap=bool(held.note), always=True)

    def _gap(self, gap: Piece, landed: list[Piece]) -> Iterator[Slice]:
        """Read a range again that is missing between slices."""
        assert gap.last is not None
        note = f"{gap.in_words()} were missing between slices, and are read again"
        held = Held(gap.of, gap.generation, gap.first, gap.last + 1, note)
        is_gone = yield from self._read({gap.of.partition: held}, landed, 0)
        if not is_gone and held.first <= gap.last:
            # All of it was looked at.
            loss = Loss(Piece(gap.of, held.first, gap.last, gap.generation, lost=True), COMPACTED)
            landed.append(loss.piece)
            yield self._told(loss)

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

        return Slice(loss.piece.name, datetime.now(UTC), records, f"lost: {loss.in_words()}", lost=True, always=True)

    def _day_of(self, milliseconds: int) -> datetime:
        """The upper end of a slice: when its last message came; now where that cannot be, and no day has it."""
        now = datetime.now(UTC)
        first = datetime(self.first_day.year, self.first_day.month, self.first_day.day, tzinfo=UTC)
        if first.timestamp() <= milliseconds / 1000 <= now.timestamp():
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
        return now


def _take(held: Held, message: Message, *, is_bounded: bool) -> bool:
    """Take in a message, or what is said of the end; returns whether the partition no longer has what is due."""
    offset = message.offset() or 0
    if message.error() is not None:
        if is_end(message):
            # There may be holes before it.
            held.position = max(held.position, offset)
        return not is_end(message)
    if is_bounded and offset >= held.end:
        held.position = held.end
    elif offset >= held.position:
        held.take(*parts_of(message))
    return False
