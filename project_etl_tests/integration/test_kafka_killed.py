"""Who pulls a topic is killed at any moment, and each message lands once."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from project_etl_tests.integration.kafka_broker import Kafka
from project_etl_tests.integration.streamed import Streamed, streamed

PARTITIONS, BATCH = 3, 50
OPTIONS = {"megabytes": 0.01, "seconds": 1}
# Each child is a process of its own that has imported nothing of the client.
SPAWNER = multiprocessing.get_context("forkserver")
SPAWNER.set_forkserver_preload([__name__])


def pull_for_ever(folder: Path, bootstrap: str, topic: str, seed: int) -> None:
    """Pull what is there, or for a while, again and again: what is killed."""
    known = Kafka(bootstrap, "", folder, ())
    here, chance = streamed(folder, known, topic, options=OPTIONS), random.Random(seed)
    while True:
        here.pull(streams=chance.random() < 0.5)


class Sender:
    """Sends events until it is stopped."""

    def __init__(self, topic: Streamed) -> None:
        self.topic, self.sent, self._stop = topic, 0, Event()
        self._thread = Thread(target=self._send)

    def _send(self) -> None:
        while not self._stop.is_set():
            self.topic.produce(range(self.sent, self.sent + BATCH), partition=self.sent // BATCH % PARTITIONS)
            self.sent += BATCH
            time.sleep(0.02)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_each_message_lands_once_however_often_somebody_kills_the_pull(
    tmp_path: Path, kafka: Kafka, kills: int
) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    topic = streamed(tmp_path, kafka, kafka.topic(partitions=PARTITIONS), options=OPTIONS)
    with Sender(topic) as sender:
        for number in range(kills):
            arguments = (tmp_path, kafka.bootstrap, topic.topic, chance.randrange(10_000))
            process = SPAWNER.Process(target=pull_for_ever, args=arguments, daemon=True)
            process.start()
            time.sleep(chance.uniform(0.2, 2))
            process.kill()
            process.join()
            if number % 5 == 4:
                topic.load()
    done = topic.pull()
    topic.load()
    places = topic.shop.rows("bronze/clickstream/events", "_partition", "_offset", "event_id")
    assert sorted(event for *_, event in places) == sorted(f"E{number}" for number in range(sender.sent))
    for partition in range(PARTITIONS):
        offsets = sorted(int(offset) for number, offset, _ in places if number == str(partition))
        assert offsets == list(range(len(offsets)))
    assert not [each for each in done.landed if each.slice.gap or each.slice.lost]
    assert topic.lost() == []
    files = len(topic.files())
    print(f"{sender.sent:,} messages in {files:,} files, killed {kills} times")
    assert files > kills
