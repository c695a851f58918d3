"""Pulling a topic, with the real client and the small broker that it has inside for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from confluent_kafka import Producer

from project_etl.core.extract.kafka import client, source
from project_etl.core.extract.kafka.client import Client, open_topic
from project_etl.core.extract.kafka.options import KafkaOptions
from project_etl.core.extract.kafka.partition import Holds
from project_etl.core.extract.kafka.pieces import Of, pieces
from project_etl.core.extract.kafka.source import KafkaPuller
from project_etl.core.model.pull import PullError, Slice
from project_etl.sources.clickstream import SOURCE

FIRST_DAY = date(2025, 1, 1)
PARTITIONS = 4


class Topic(Client):
    """A topic whose id is known: this broker has none, and keeps all messages, unless a test says otherwise."""

    lows: ClassVar[dict[int, int]] = {}

    def partitions(self) -> list[Of]:
        return [Of("c0", "a1", number) for number in range(PARTITIONS)]

    def holds(self, partition: int) -> Holds:
        found = super().holds(partition)
        return Holds(max(found.low, self.lows.get(partition, 0)), found.high)


@dataclass
class Place:
    """A broker with a topic, and the names of what has landed of it."""

    brokers: str
    topic: str
    producer: Producer
    landed: list[str] = field(default_factory=list[str])
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def send(self, partition: int, *values: bytes | None, at: int = 1_764_374_400_000) -> None:
        for value in values:
            self.producer.produce(self.topic, value, b"k", partition, timestamp=at)
        assert self.producer.flush(10) == 0

    @contextmanager
    def puller(self, *, waits: bool = False, lows: dict[int, int] | None = None) -> Iterator[KafkaPuller]:
        options = KafkaOptions.model_validate({"brokers": self.brokers, "topic": self.topic, **self.options})
        with open_topic(options, "pull.clickstream") as real:
            topic = Topic(**{name: getattr(real, name) for name in real.__dataclass_fields__})
            object.__setattr__(topic, "lows", lows or {})
            yield KafkaPuller(topic, options, FIRST_DAY, waits)

    def pull(self, *, waits: bool = False, lows: dict[int, int] | None = None) -> list[Slice]:
        """Pull what is there; each slice lands."""
        found: list[Slice] = []
        with self.puller(waits=waits, lows=lows) as puller:
            for piece in puller.slices("events", self, recount=False):  # type: ignore[arg-type]
                found.append(replace(piece, records=partial(iter, list(piece.records()))))
                if piece.always:
                    self.landed.append(f"{piece.name}{'.lost' if piece.lost else ''}")
        return found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.landed)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    keeps = Producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": 1, "log_level": 0})
    (found,) = keeps.list_topics(timeout=10).brokers.values()
    yield f"{found.host}:{found.port}"
    del keeps


@pytest.fixture
def place(broker: str, request: pytest.FixtureRequest) -> Place:
    return Place(broker, f"t{abs(hash(request.node.name))}", Producer({"bootstrap.servers": broker, "log_level": 0}))


def spans(slices: list[Slice]) -> list[tuple[int, int, int]]:
    """Partition and offsets of the slices that hold messages."""
    held = [each.name for each in slices if each.always and not each.lost]
    return [(each.of.partition, each.first, each.last or 0) for each in pieces(held) if not each.is_beginning]


def test_each_pull_goes_on_behind_the_one_before(place: Place) -> None:
    place.send(0, b'{"event_id":"E1"}', b'{"event_id":"E2"}')
    place.send(1, b'{"event_id":"E3"}')
    found = place.pull()
    assert spans(found) == [(0, 0, 1), (1, 0, 0)]
    assert found[0].until.isoformat() == "2025-11-29T00:00:00+00:00"
    assert [json.loads(str(line))["event_id"] for line in found[0].records()] == ["E1", "E2"]
    assert list(found[-1].records()) == []
    place.send(0, None)
    assert spans(place.pull()) == [(0, 2, 2)]
    assert spans(place.pull()) == []


def test_what_is_large_lands_in_pieces_and_a_stream_waits_for_more(place: Place) -> None:
    place.options = {"megabytes": 0.001, "seconds": 1}
    place.send(0, *[b'{"event_id":"E%d"}' % number for number in range(30)])
    found = spans(place.pull(waits=True))
    assert len(found) > 2
    assert [first for _, first, _ in found] == [0, *(last + 1 for _, _, last in found[:-1])]
    assert found[-1][2] == 29


def test_all_partitions_together_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "HELD_SLICES", 0.5)
    monkeypatch.setattr(client, "BATCH", 5)
    place.options = {"megabytes": 0.001}
    place.send(0, *[b"{}"] * 8)
    place.send(1, *[b"{}"] * 8)
    assert len(spans(place.pull())) > 2


def test_a_slice_holds_no_more_malformed_messages_than_a_file_may(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_MALFORMED", 2)
    place.send(0, *[b"no"] * 5)
    assert spans(place.pull()) == [(0, 0, 1), (0, 2, 3), (0, 4, 4)]


def test_what_comes_while_a_pull_reads_is_left_to_the_next_one(place: Place) -> None:
    place.send(0, b"{}", b"{}")
    place.send(1, *[b"{}"] * 3)
    place.pull()
    place.send(0, b"{}")
    # The gap ends before the newest message.
    place.landed = [name for name in place.landed if "_a1_1_" not in name]
    assert spans(place.pull()) == [(0, 2, 2), (1, 0, 2)]


def test_a_gap_is_read_again_as_far_as_it_is_there(place: Place) -> None:
    for _ in range(4):
        place.send(0, b"{}", b"{}")
        place.pull()
    del place.landed[1:3]
    gap, end = place.pull(lows={0: 3})[1:]
    assert spans([gap]) == [(0, 3, 5)]
    assert gap.gap
    assert gap.note.startswith("offsets 3 to 5 of partition 0 were missing")
    assert not end.always
    lost = next(each for each in pieces(place.names) if each.lost)
    assert (lost.first, lost.last) == (2, 2)
    assert [each for each in place.pull(lows={0: 3}) if each.always] == []


def test_what_was_gone_before_the_first_pull_is_not_missed(place: Place) -> None:
    place.send(1, *[b"{}"] * 5)
    found = place.pull(lows={1: 5})
    assert [(each.name.rpartition("_")[2], list(each.records())) for each in found[:2]] == [
        ("begin", [""]),
        ("begin", [""]),
    ]
    place.send(1, b"{}", b"{}")
    lost, *_ = place.pull(lows={1: 6})
    assert lost.lost
    assert "offsets 5 to 5 of partition 1 (1)" in lost.note


def test_a_restored_topic_is_read_again(place: Place) -> None:
    place.send(0, *[b"{}"] * 3)
    place.landed = ["c0_a1_0_00000000000000000000_00000000000000000099"]
    lost, new, _ = place.pull()
    assert lost.lost
    assert "what came after offset 99 of partition 0" in lost.note
    assert new.name.startswith("c0_a1_0.2_")
    assert spans(place.pull()) == []


def test_another_topic_is_read_from_its_beginning_and_the_end_of_the_other_is_told(place: Place) -> None:
    place.send(0, b"{}")
    place.landed = ["c0_b2_0_00000000000000000000_00000000000000000099"]
    lost, *found = place.pull()
    assert lost.lost
    assert (lost.name, lost.note) == (
        "c0_b2_0_00000000000000000100_end",
        "lost: what came after offset 99 of partition 0 and was not read: another topic is read now: it was made "
        "again, or the cluster is another one",
    )
    assert spans(found) == [(0, 0, 0)]
    assert not any(each.lost for each in place.pull())


def test_who_asks_sees_what_a_topic_holds(place: Place) -> None:
    place.send(0, b"{}", b"{}")
    with place.puller() as puller:
        assert (puller.looked_at("events"), puller.address) == (
            "events: 2 messages in 4 partitions",
            f"{place.brokers}/{place.topic}",
        )


def test_messages_of_times_that_cannot_be_land_now(place: Place) -> None:
    place.send(0, b"{}", at=4_102_444_800_000)
    place.send(1, b"{}", at=1_000)
    assert {each.until.year > 2025 and each.until.year < 2100 for each in place.pull()} == {True}


def test_a_topic_that_is_gone_while_it_is_read_is_looked_at_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send(0, b"{}", b"{}")
    place.landed = ["c0_a1_0_00000000000000000000_00000000000000000000"]
    starts = iter([99, 1, 1, 1])
    real = Topic.read

    def read(self: Topic, offsets: dict[int, int]) -> Any:
        return real(self, {0: next(starts)} if 0 in offsets else offsets)

    monkeypatch.setattr(Topic, "read", read)
    assert spans(place.pull()) == [(0, 1, 1)]
    place.send(0, b"{}")
    starts = iter([99] * 10)
    with pytest.raises(PullError, match="deletes messages faster than they are read"):
        place.pull()


def test_brokers_that_fall_silent_are_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0.5)
    place.send(0, b"{}")
    monkeypatch.setattr(Topic, "holds", lambda _, number: Holds(0, 1 if number == 0 else 0))
    monkeypatch.setattr(Topic, "read", lambda *_: iter(lambda: [], None))
    with pytest.raises(PullError, match=r"says nothing for 0\.5 s, and there is more to be read"):
        place.pull()


def test_brokers_that_are_not_there_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SECONDS", 1)
    options = KafkaOptions(brokers="127.0.0.1:1", topic="t")
    with open_topic(options, "pull.clickstream") as topic:
        for ask in (topic.partitions, lambda: topic.holds(0)):
            with pytest.raises(PullError, match=r"127\.0\.0\.1:1 does not answer.*check pull\.clickstream\.brokers"):
                ask()


def test_settings_that_the_client_does_not_take_are_said_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "s3cr3t")
    options = KafkaOptions(
        brokers="localhost:9092",
        config={"security.protocol": "nonsense"},
        secrets={"sasl.password": "env:KAFKA_PASSWORD"},
    )
    with pytest.raises(PullError, match=r"does not take pull\.clickstream\.config .*security\.protocol") as caught:
        open_topic(options, "pull.clickstream").__enter__()
    assert "s3cr3t" not in str(caught.value)


def test_the_client_is_only_there_when_a_topic_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; import project_etl.sources.clickstream; sys.exit('confluent_kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[4]).returncode == 0
    assert SOURCE.pull
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    options = KafkaOptions(brokers="localhost:9092")
    with pytest.raises(PullError, match="needs the extra `kafka`"), SOURCE.pull.connect(options, FIRST_DAY):
        pass
