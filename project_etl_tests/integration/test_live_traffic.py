"""`project-etl generate --to kafka://…`: what arrives in a real topic, and what is said."""

from __future__ import annotations

import json
import signal
import time
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from project_etl.commands.generate import traffic as command
from project_etl.commands.shared.errors import UserError
from project_etl_tests.commands.given import paper, text_of
from project_etl_tests.integration.generating import generating
from project_etl_tests.integration.kafka_broker import Kafka

SECONDS = 60


def read(kafka: Kafka, topic: str) -> list[tuple[int, str, dict[str, Any], float]]:
    """Partition, key, event, and when the broker got it, of all that is in a topic."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "none", "log_level": 0})
    partitions = [TopicPartition(topic, number, 0) for number in consumer.list_topics(topic).topics[topic].partitions]
    ends = [consumer.get_watermark_offsets(each) for each in partitions]
    consumer.assign(partitions)
    found: list[Any] = []
    while len(found) < sum(high - low for low, high in ends):
        for message in consumer.consume(1_000, timeout=1):
            assert not message.error()
            key, value = message.key() or b"", message.value() or b""
            found.append((message.partition(), key.decode(), json.loads(value), message.timestamp()[1] / 1_000))
    consumer.close()
    return found


def url_of(kafka: Kafka, topic: str) -> str:
    return f"kafka://{kafka.bootstrap}/{topic}"


def test_events_arrive_evenly_and_a_visitors_in_order(kafka: Kafka) -> None:
    console = paper()
    begun = datetime.now(UTC)
    command.run(console, url_of(kafka, "clicks-live"), seed=7, rate=200, seconds=4, every=1)
    said = text_of(console).splitlines()
    assert said[0] == f"a new topic: {kafka.bootstrap}/clicks-live"
    assert said[-1].endswith(f"UTC: 800 events: {kafka.bootstrap}/clicks-live")
    assert len(said) >= 5
    found = read(kafka, "clicks-live")
    assert len({event["event_id"] for _, _, event, _ in found}) == len(found) == 800
    assert {partition for partition, *_ in found} == {0, 1, 2}
    assert all(key == event["visitor_id"] for _, key, event, _ in found)
    numbers = defaultdict[str, list[int]](list)
    for _, key, event, _ in found:
        numbers[key].append(int(event["event_id"].partition("-")[2]))
    assert all(each == sorted(each) for each in numbers.values())
    at = sorted(datetime.fromisoformat(event["event_ts"]) for _, _, event, _ in found)
    assert (begun - at[0]).total_seconds() < 0.01
    assert all((later - earlier).total_seconds() < 1 for earlier, later in pairwise(at))
    # As it happens: the broker has an event at once.
    assert max(got - datetime.fromisoformat(event["event_ts"]).timestamp() for _, _, event, got in found) < 2
    # A topic that is there is written on.
    again = paper()
    command.run(again, url_of(kafka, "clicks-live"), seed=7, rate=1_000, seconds=0.2)
    assert "a new topic" not in text_of(again)
    assert len({event["event_id"] for _, _, event, _ in read(kafka, "clicks-live")}) == 1_000


def test_a_broker_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from project_etl.demo.live import topic

    monkeypatch.setattr(topic, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match=r"Nothing was sent: 127.0.0.1:1 does not answer within 1 s \(.*refused"):
        command.run(paper(), "kafka://127.0.0.1:1/clicks", seed=7)


def test_a_topic_that_is_refused_is_told(kafka: Kafka) -> None:
    with pytest.raises(UserError, match=r"refuses the topic \.\.: .*is not allowed"):
        command.run(paper(), url_of(kafka, ".."), seed=7)


def test_what_is_not_acknowledged_is_said(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    from project_etl.demo.live import topic

    monkeypatch.setattr(topic, "DELIVERY_SECONDS", 1)
    # The broker refuses each message: its topic takes none that is larger than a hundred bytes.
    name = kafka.topic(config={"max.message.bytes": 100})
    console = paper()
    with pytest.raises(UserError, match=r"20 of 20 events were not acknowledged: .*Message size too large"):
        command.run(console, url_of(kafka, name), seed=7, rate=20, seconds=1)
    assert "20 events, 20 not taken" in text_of(console)


def test_it_goes_on_until_it_is_stopped_also_over_a_restart_of_the_broker(kafka: Kafka) -> None:
    name = kafka.topic(partitions=2)
    with generating(url_of(kafka, name), "--rate", "50", "--every", "0.5") as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        next(lines)
        kafka.stop()
        try:
            assert any("not acknowledged yet" in line for line in lines)
        finally:
            kafka.start()
        until = time.monotonic() + SECONDS
        while "not acknowledged" in next(lines):
            assert time.monotonic() < until
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    stopped, last = said.splitlines()[-2:]
    assert stopped == "Stopped."
    sent = int(last.split("UTC: ")[1].split(" ")[0])
    found = read(kafka, name)
    assert len({event["event_id"] for _, _, event, _ in found}) == len(found) == sent
