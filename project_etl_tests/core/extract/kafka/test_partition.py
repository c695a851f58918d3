"""What is due of a topic and what is lost, from names of slices and the offsets that partitions hold."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from project_etl.core.extract.kafka.partition import ANEW, COMPACTED, RETENTION, Holds, Loss, beginnings, due, ended
from project_etl.core.extract.kafka.pieces import Of, Piece, as_in_names, pieces

OF, OTHER = Of("c0", "a1", 0), Of("c0", "b2", 0)


def read(*spans: tuple[int, int], of: Of = OF, generation: int = 1) -> list[Piece]:
    return [Piece(of, first, last, generation) for first, last in spans]


def found(landed: list[Piece], low: int, high: int) -> tuple[int, list[tuple[int, int | None]], list[tuple[int, int]]]:
    """Start, gaps, and what is lost because of retention."""
    got = due(OF, landed, Holds(low, high))
    assert {loss.why for loss in got.lost} <= {RETENTION}
    lost = [(loss.piece.first, loss.piece.last or 0) for loss in got.lost]
    return got.start, [(gap.first, gap.last) for gap in got.gaps], lost


@pytest.mark.parametrize(
    "piece",
    [
        Piece(OF, 0, 99),
        Piece(OF, 5, 5, lost=True),
        Piece(Of("c0", "a1", 12), 1_000, 2_000, 3),
        Piece(OF, 7, None, 2, lost=True),
        Piece(OF, 50, 49),
        Piece(OF, 0, -1),
    ],
)
def test_a_name_says_what_its_slice_is(piece: Piece) -> None:
    assert pieces([f"{piece.name}{'.lost' if piece.lost else ''}"]) == [piece]


def test_names_are_in_the_order_of_offsets_and_others_say_nothing() -> None:
    first, second = Piece(OF, 9, 9).name, Piece(OF, 10, 100).name
    assert sorted([second, first]) == [first, second]
    assert pieces(["orders", "abc_2025-01-01_2025-01-02", "c0_a1_x_0_9"]) == []


def test_ids_are_safe_in_names() -> None:
    assert as_in_names("_-DpXklTQRSqU6Nb5jnPBg") == "ffe0e95e49534114aa53a35be639cf06"
    assert set(as_in_names("redpanda.1-x")) <= set("0123456789abcdef")


def test_a_partition_goes_on_behind_what_has_landed() -> None:
    assert found([], 0, 10) == (0, [], [])
    assert found(read((0, 4)), 0, 10) == (5, [], [])
    assert found(read((5, 9), (0, 4)), 0, 10) == (10, [], [])
    assert found(read((0, 4)) + read((5, 9), of=OTHER), 0, 10) == (5, [], [])


def test_what_was_removed_before_it_was_loaded_is_read_again_as_far_as_it_is_there() -> None:
    landed = read((0, 4), (10, 14), (20, 24))
    assert found(landed, 0, 30) == (25, [(5, 9), (15, 19)], [])
    assert found(landed, 7, 30) == (25, [(7, 9), (15, 19)], [(5, 6)])
    assert found(landed, 22, 30) == (25, [], [(5, 9), (15, 19)])
    # The first one, too, unless it is known where reading began.
    assert found(read((10, 14)), 0, 30) == (15, [(0, 9)], [])
    assert found(read((10, 14)), 5, 30) == (15, [(5, 9)], [(0, 4)])
    assert found(read((10, 14), (10, 9)), 12, 30) == (15, [], [])
    assert found(read((10, 14), (5, 4)), 7, 30) == (15, [(7, 9)], [(5, 6)])


def test_what_retention_took_before_it_was_read_is_lost() -> None:
    assert found(read((0, 4)), 8, 10) == (8, [], [(5, 7)])
    # That of a partition that was added, too.
    assert found([], 3, 10) == (3, [], [(0, 2)])
    (loss,) = due(OF, read((0, 4)), Holds(2_000, 2_000)).lost
    assert loss.in_words().startswith("offsets 5 to 1999 of partition 0 (1,995): the topic has deleted them.")


def test_a_partition_that_was_restored_begins_anew() -> None:
    got = due(OF, read((0, 99)), Holds(10, 60))
    assert (got.start, got.generation) == (10, 2)
    (loss,) = got.lost
    assert (loss.why, loss.offsets) == (ANEW, None)
    assert loss.in_words().startswith("what came after offset 99 of partition 0 and was not read: ")
    landed = [*read((0, 99)), loss.piece]
    assert due(OF, landed, Holds(10, 60)).start == 10
    again = due(OF, [*landed, *read((10, 59), generation=2)], Holds(10, 70))
    assert (again.start, again.generation, again.lost) == (60, 2, ())


def test_what_is_gone_of_a_gap_says_so() -> None:
    assert "none of them any more" in Loss(Piece(OF, 1, 2, lost=True), COMPACTED).in_words()


def test_another_topic_ends_the_ones_before_it_once() -> None:
    before = [*read((0, 9), (10, 19), of=OTHER), *read((0, 4), of=Of("c0", "b2", 1))]
    first, second = ended(OF, before, "why")
    assert [(each.piece.of, each.piece.first, each.piece.last) for each in (first, second)] == [
        (OTHER, 20, None),
        (Of("c0", "b2", 1), 5, None),
    ]
    assert ended(OF, [*before, first.piece], "why") == (second,)
    assert ended(OF, [*before, first.piece, second.piece], "why") == ()
    assert ended(OF, [*before, *read((0, 1))], "why") == ()


def test_beginnings_are_remembered_where_something_is_gone_already() -> None:
    topic = {number: Of("c0", "a1", number) for number in range(3)}
    lows = {0: 0, 1: 7, 2: 0}

    def names(landed: list[Piece]) -> list[tuple[int, int]]:
        return [
            (piece.of.partition, piece.first)
            for piece in beginnings(topic, landed, lambda partition: Holds(lows[partition], 9))
        ]

    assert names([]) == [(1, 7), (0, 0)]
    assert names([Piece(topic[1], 7, 6)]) == [(0, 0)]
    assert names([Piece(topic[1], 7, 6), Piece(topic[0], 0, -1)]) == []
    assert names([Piece(topic[2], 0, 3)]) == []
    assert names(read((0, 3), of=OTHER)) == []
    lows[1] = 0
    assert names([]) == []


class Simulated:
    """A topic that grows, loses messages and gets partitions, while it is read by somebody who is killed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.holds = {number: Holds(low := self.chance.choice([0, 0, 5]), low) for number in range(2)}
        self.landed: list[Piece] = []

    def change(self) -> None:
        if self.chance.random() < 0.1:
            self.holds[len(self.holds)] = Holds(0, 0)
        for number, each in self.holds.items():
            high = each.high + self.chance.randrange(6)
            low = self.chance.randint(each.low, high) if self.chance.random() < 0.2 else each.low
            self.holds[number] = Holds(low, high)

    def pull(self) -> None:
        """Pull until the end, or until somebody kills it."""
        steps = self.steps()
        for _ in range(self.chance.choice([0, 1, 2, 3, 99])):
            if (piece := next(steps, None)) is None:
                return
            self.landed.append(piece)

    def steps(self) -> Iterator[Piece]:
        topic = {number: Of("c0", "a1", number) for number in self.holds}
        yield from beginnings(topic, tuple(self.landed), self.holds.__getitem__)
        for number, of in topic.items():
            got = due(of, tuple(self.landed), self.holds[number])
            yield from (loss.piece for loss in got.lost)
            yield from got.gaps
            position, high = got.start, self.holds[number].high
            while position < high:
                until = self.chance.randint(position, high - 1)
                yield Piece(of, position, until, got.generation)
                position = until + 1


@pytest.mark.parametrize("seed", range(60))
def test_each_offset_is_read_once_or_told_to_be_lost_whatever_happens(seed: int) -> None:
    topic = Simulated(seed)
    for _ in range(12):
        topic.change()
        topic.pull()
        if topic.landed and topic.chance.random() < 0.2:
            # Somebody removes a file that is not loaded.
            readable = [each for each in topic.landed if not each.lost and not each.is_beginning]
            if readable:
                topic.landed.remove(topic.chance.choice(readable))
    for piece in topic.steps():
        topic.landed.append(piece)
    for number, holds in topic.holds.items():
        mine = [each for each in topic.landed if each.of.partition == number and not each.is_beginning]
        offsets = sorted(offset for each in mine for offset in range(each.first, (each.last or 0) + 1))
        begins = [each.first for each in topic.landed if each.of.partition == number and each.is_beginning]
        assert offsets == list(range(min(begins, default=0), holds.high))
