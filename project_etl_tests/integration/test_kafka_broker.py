"""The Kafka broker itself: what tests may rely on."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from project_etl_tests.integration.kafka_broker import Kafka, another_kafka


def ends(kafka: Kafka, name: str, partition: int = 0) -> tuple[int, int]:
    """The low and the high watermark."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "none"})
    try:
        return consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=10)
    finally:
        consumer.close()


def test_topics_are_made_and_changed(kafka: Kafka) -> None:
    first, second = kafka.topic(), kafka.topic(partitions=2)
    assert first != second
    kafka.produce(second, [("a", "{}", 1), ("b", None, 1), (None, b"\xff", 0)])
    assert (ends(kafka, second, 0), ends(kafka, second, 1)) == ((0, 1), (0, 2))
    kafka.delete_records(second, {1: 1})
    assert ends(kafka, second, 1) == (1, 2)
    kafka.add_partitions(second, 3)
    assert ends(kafka, second, 2) == (0, 0)
    kafka.delete_topic(second)
    kafka.topic(second)
    assert ends(kafka, second) == (0, 0)


def test_retention_is_quick(kafka: Kafka) -> None:
    name = kafka.topic(config={"retention.ms": 1, "segment.bytes": 1 << 14, "segment.ms": 100})
    kafka.produce(name, [(None, "x" * 3_000)] * 20)
    until = time.monotonic() + 20
    while ends(kafka, name)[0] == 0:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_stopped_broker_keeps_its_address_and_what_was_sent(kafka: Kafka) -> None:
    kept, lost = kafka.topic(), kafka.topic()
    for name in (kept, lost):
        kafka.produce(name, [("a", "1"), ("a", "2")])
    kafka.stop()
    try:
        with pytest.raises(KafkaException):
            kafka.admin.list_topics(timeout=0.5)
        kafka.lose(lost, 0)
    finally:
        kafka.start()
    assert (ends(kafka, kept), ends(kafka, lost)) == ((0, 2), (0, 0))


def test_another_broker_is_another_cluster_and_is_gone_afterwards(kafka: Kafka) -> None:
    with another_kafka() as other:
        ids = [each.admin.list_topics(timeout=10).cluster_id for each in (kafka, other)]
        assert ids == [kafka.cluster_id, other.cluster_id]
        assert ids[0] != ids[1]
    assert not other.folder.exists()
    with pytest.raises(KafkaException):
        other.admin.list_topics(timeout=0.5)
