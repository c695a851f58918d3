"""A topic of a real broker becomes files: all of it, once, whatever happens to the topic."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from project_etl.catalog import puller_of
from project_etl.core.extract.kafka import client
from project_etl.core.extract.kafka.pieces import pieces
from project_etl.core.model.pull import PullError
from project_etl.orchestration.pulls import IS_FRESH, NO_GAPS, verdicts
from project_etl.sources import clickstream
from project_etl_tests.integration.kafka_broker import Kafka, another_kafka
from project_etl_tests.integration.streamed import SOURCE, Streamed, event, streamed

SMALL_SEGMENTS = {"segment.bytes": 1 << 14, "retention.ms": -1}


@pytest.fixture
def two(tmp_path: Path, kafka: Kafka) -> Streamed:
    """A topic of two partitions."""
    return streamed(tmp_path, kafka, kafka.topic(partitions=2, config=SMALL_SEGMENTS))


def ids(*numbers: int) -> list[str]:
    return [f"E{number}" for number in numbers]


def passes(done: object, check: str) -> bool:
    assert clickstream.SOURCE.pull
    return verdicts(done, clickstream.SOURCE.pull)[check][0]  # type: ignore[arg-type]


def test_each_partition_lands_in_a_file_of_its_own(two: Streamed) -> None:
    two.produce([1, 2, 3])
    two.produce([4, 5], partition=1)
    done = two.pull()
    assert two.ids() == ids(1, 2, 3, 4, 5)
    first, second = (piece for path in two.files() for piece in pieces([path.name.removesuffix(".jsonl")]))
    assert [(each.of.partition, each.first, each.last) for each in (first, second)] == [(0, 0, 2), (1, 0, 1)]
    assert len(first.of.cluster) == len(first.of.topic) == 32
    assert two.files()[0].parent.name == datetime.now(UTC).date().isoformat()
    assert done.records == 5
    assert done.until is not None
    assert passes(done, IS_FRESH)
    assert passes(done, NO_GAPS)
    record = two.records()[0]
    assert {name: record[name] for name in ("_partition", "_offset", "_key")} == {
        "_partition": 0,
        "_offset": 0,
        "_key": "v1",
    }


def test_a_pull_goes_on_where_the_last_one_ended_before_and_after_loading(two: Streamed) -> None:
    two.produce([1, 2])
    two.pull()
    assert two.pull().files == ()
    two.produce([3])
    two.pull()
    two.load()
    two.produce([4, 5])
    two.pull()
    assert two.ids() == ids(1, 2, 3, 4, 5)
    two.load()
    assert len(two.shop.rows("bronze/clickstream/events")) == 5


def test_a_stream_collects_for_a_while(two: Streamed) -> None:
    two.produce([1])
    done = two.pull(streams=True)
    assert two.ids() == ids(1)
    assert done.until is not None


def test_a_large_slice_lands_at_once(tmp_path: Path, kafka: Kafka) -> None:
    many = streamed(tmp_path, kafka, kafka.topic(), options={"megabytes": 0.01})
    many.produce(range(200))
    many.pull()
    assert len(many.files()) > 3
    assert many.ids() == ids(*range(200))


def test_the_text_of_an_event_stays(two: Streamed) -> None:
    value = b'{ "event_id" : "E1",\n "price": 12.50, "big": 12345678901234567890, "name": "\xc3\xa9"\r\n}'
    two.kafka.produce(two.topic, [(None, value, 0)])
    two.pull()
    (file,) = two.files()
    assert file.read_text().endswith(
        ',"event_id" : "E1",  "price": 12.50, "big": 12345678901234567890, "name": "é"  }\n'
    )


def test_retention_takes_what_was_not_read(two: Streamed) -> None:
    two.produce([1, 2])
    two.pull()
    two.produce(range(3, 10))
    two.kafka.delete_records(two.topic, {0: 6})
    done = two.pull()
    assert two.ids() == ids(1, 2, 7, 8, 9)
    assert not passes(done, NO_GAPS)
    (note,) = done.notes
    assert "offsets 2 to 5 of partition 0 (4)" in note
    two.load()
    assert [each.partition(":")[0] for each in two.lost()] == ["offsets 2 to 5 of partition 0 (4)"]
    again = two.pull()
    assert passes(again, NO_GAPS)
    assert again.files == ()


def test_a_topic_is_made_again(two: Streamed) -> None:
    two.produce([1, 2])
    two.pull()
    two.kafka.delete_topic(two.topic)
    two.kafka.topic(two.topic, partitions=2)
    two.produce([3])
    done = two.pull()
    assert two.ids() == ids(1, 3) or sorted(two.ids()) == ids(1, 2, 3)
    assert not passes(done, NO_GAPS)
    two.load()
    assert len(two.lost()) == 1
    assert two.lost()[0].startswith("what came after offset 1 of partition 0 and was not read: another topic")
    assert passes(two.pull(), NO_GAPS)
    assert sorted(two.ids()) == ids(1, 2, 3)


def test_another_cluster_at_the_address(tmp_path: Path, kafka: Kafka) -> None:
    here = streamed(tmp_path, kafka, kafka.topic("same"))
    here.produce([1, 2])
    here.pull()
    with another_kafka() as other:
        other.topic("same")
        there = streamed(tmp_path, other, "same")
        there.produce([3])
        done = there.pull()
        assert not passes(done, NO_GAPS)
        assert sorted(there.ids()) == ids(1, 2, 3)
        assert there.pull().files == ()
    here.produce([4])
    here.pull()
    assert sorted(here.ids()) == ids(1, 2, 3, 4)


def test_a_partition_is_added(two: Streamed) -> None:
    two.produce([1])
    two.pull()
    two.kafka.add_partitions(two.topic, 3)
    two.produce([2], partition=2)
    done = two.pull()
    assert two.ids() == ids(1, 2)
    assert passes(done, NO_GAPS)


def test_landing_is_ahead_of_the_topic(tmp_path: Path) -> None:
    with another_kafka() as kafka:
        topic = streamed(tmp_path, kafka, kafka.topic())
        topic.produce(range(5))
        topic.pull()
        kafka.stop()
        kafka.lose(topic.topic, 0)
        kafka.start()
        done = topic.pull()
        assert not passes(done, NO_GAPS)
        # Nothing has come since; it is not told again.
        assert passes(topic.pull(), NO_GAPS)
        topic.produce(range(5, 13))
        topic.pull()
        assert sorted(topic.ids(), key=lambda text: int(text[1:])) == ids(*range(13))
        topic.load()
        assert len(topic.lost()) == 1
        assert topic.lost()[0].startswith("what came after offset 4 of partition 0 and was not read")


def test_a_slice_that_somebody_removed_is_read_again(two: Streamed) -> None:
    for numbers in ([1, 2], [3, 4], [5, 6]):
        two.produce(numbers)
        two.pull()
    two.files()[1].unlink()
    done = two.pull()
    assert not passes(done, NO_GAPS)
    assert two.ids() == ids(1, 2, 3, 4, 5, 6)
    two.load()
    two.files()[1].unlink()
    assert two.pull().files == ()


def test_transactions_and_compaction_leave_holes(tmp_path: Path, kafka: Kafka) -> None:
    config = {
        "cleanup.policy": "compact",
        "segment.ms": 100,
        "min.cleanable.dirty.ratio": 0.01,
        "segment.bytes": 1 << 14,
    }
    compact = streamed(tmp_path, kafka, kafka.topic(config=config))
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "shop"})
    producer.init_transactions()
    for number, commits in ((1, True), (2, False), (3, True)):
        producer.begin_transaction()
        producer.produce(compact.topic, event(number), b"same")
        producer.flush()
        producer.commit_transaction() if commits else producer.abort_transaction()
        compact.pull()
    assert set(compact.ids()) <= {"E1", "E3"}
    assert compact.ids()[-1] == "E3"
    done = compact.pull()
    assert done.files == ()
    assert passes(done, NO_GAPS)


def test_a_transaction_that_is_open_is_waited_for_by_nobody(two: Streamed) -> None:
    from confluent_kafka import Producer

    two.produce([1])
    producer = Producer({"bootstrap.servers": two.kafka.bootstrap, "transactional.id": "open"})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(two.topic, event(2), partition=0)
    producer.flush()
    two.produce([3])
    begun = time.monotonic()
    done = two.pull()
    assert time.monotonic() - begun < 10
    assert two.ids() == ids(1)
    assert two.pull().files == ()
    producer.commit_transaction()
    done = two.pull()
    assert two.ids() == ids(1, 2, 3)
    assert passes(done, NO_GAPS)
    assert two.pull().files == ()


def test_a_quiet_partition_has_lost_nothing_and_one_that_was_added_has(two: Streamed) -> None:
    two.produce(range(5))
    two.produce(range(5, 10), partition=1)
    two.kafka.delete_records(two.topic, {0: 5})
    done = two.pull()
    assert passes(done, NO_GAPS)
    two.load()
    two.produce([10])
    done = two.pull()
    assert passes(done, NO_GAPS)
    assert two.ids() == ids(10, 5, 6, 7, 8, 9)
    two.kafka.add_partitions(two.topic, 3)
    two.produce([11, 12, 13], partition=2)
    two.kafka.delete_records(two.topic, {2: 2})
    done = two.pull()
    assert not passes(done, NO_GAPS)
    assert "offsets 0 to 1 of partition 2 (2)" in done.notes[0]
    assert two.ids()[-1] == "E13"
    two.load()
    assert len(two.lost()) == 1


def test_a_login_that_is_refused_is_said_without_the_password(
    tmp_path: Path, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SECONDS", 3)
    monkeypatch.setenv("KAFKA_PASSWORD", "s3cr3t")
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "shop"}
    secrets = {"sasl.password": "env:KAFKA_PASSWORD"}
    there = streamed(tmp_path, kafka, kafka.topic(), options={"config": login, "secrets": secrets})
    with pytest.raises(
        PullError, match=r"does not answer as it should .*pull\.clickstream\.config and secrets"
    ) as caught:
        there.pull()
    assert "s3cr3t" not in str(caught.value)


def test_what_cannot_be_pulled_is_said(tmp_path: Path, kafka: Kafka) -> None:
    missing = streamed(tmp_path, kafka, "not-there")
    with pytest.raises(PullError, match=r"has no topic not-there.*correct pull\.clickstream\.topic"):
        missing.pull()
    with puller_of(missing.shop.settings, SOURCE) as puller, pytest.raises(PullError, match="has no topic"):
        puller.looked_at("events")


def test_doctor_sees_the_topic(two: Streamed) -> None:
    two.produce([1, 2, 3])
    with puller_of(two.shop.settings, SOURCE) as puller:
        assert puller.looked_at("events") == "events: 3 messages in 2 partitions"
        assert puller.address == f"{two.kafka.bootstrap}/{two.topic}"


def test_lines_of_a_loss_are_json(two: Streamed) -> None:
    two.produce([1])
    two.pull()
    two.produce([2, 3])
    two.kafka.delete_records(two.topic, {0: 3})
    two.pull()
    (file,) = (path for path in two.files() if path.name.endswith(".lost.jsonl"))
    said = json.loads(file.read_text())
    assert (said["partition"], said["first"], said["last"], said["offsets"]) == (0, 1, 2, 2)
