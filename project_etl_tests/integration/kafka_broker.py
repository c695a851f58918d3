"""A real Kafka broker on loopback: one node (KRaft), its data in a temporary folder, gone afterwards.

Belongs here: starting and stopping it, and what an administrator does to topics. Does not belong here: any consumer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic
from setup_steps.common import only_one
from setup_steps.jars import ensure_kafka_jars

from project_etl_tests.integration.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
# Of a test machine: a small heap, and nothing on disk that nobody needs.
JAVA = ("-Xmx256m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
START_SECONDS = STOP_SECONDS = 60
WAIT_SECONDS = 30
LARGEST_MESSAGE = 16 << 20

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={largest}
replica.fetch.max.bytes={largest}
num.network.threads=1
num.io.threads=2
background.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.initial.task.delay.ms=200
log.retention.check.interval.ms=200
log.segment.delete.delay.ms=200
log.cleaner.backoff.ms=200
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.io.buffer.size=65536
"""
LOG4J = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
"""

# Key, value, and the partition where the key does not choose it.
Message = tuple[str | bytes | None, str | bytes | None] | tuple[str | bytes | None, str | bytes | None, int]


class _Process:
    """The broker's process while it runs. It ends with the tests, also when these are killed."""

    running: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class Kafka:
    """A broker.

    Attributes:
        bootstrap: its address, `HOST:PORT`; the same after a restart.
        cluster_id: the id of its cluster.
        folder: its files: `data/<topic>-<partition>` of each partition, and `log`.
    """

    bootstrap: str
    cluster_id: str
    folder: Path
    command: tuple[str, ...]
    _process: _Process = field(default_factory=_Process)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def admin(self) -> AdminClient:
        """A client for what is not here."""
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def topic(self, name: str | None = None, partitions: int = 1, config: Mapping[str, str | int] | None = None) -> str:
        """Make a topic, and return its name; a fresh name unless one is given.

        Args:
            name: its name.
            partitions: how many it has.
            config: settings of the topic, such as `{"segment.bytes": 16384}`.
        """
        name = name or f"clicks-{next(self._numbers)}"
        said = {key: str(value) for key, value in (config or {}).items()}
        self._done(lambda admin: admin.create_topics([NewTopic(name, partitions, 1, config=said)]))
        self._wait(lambda: len(self._partitions(name)) == partitions, f"{name} has no {partitions} partitions")
        return name

    def delete_topic(self, name: str) -> None:
        """Delete a topic, and wait until it is gone: one of the same name can be made."""
        self._done(lambda admin: admin.delete_topics([name]))
        self._wait(lambda: not self._partitions(name), f"{name} is still there")

    def add_partitions(self, name: str, partitions: int) -> None:
        """Have a topic so many partitions from now on."""
        self._done(lambda admin: admin.create_partitions([NewPartitions(name, partitions)]))
        self._wait(lambda: len(self._partitions(name)) == partitions, f"{name} has no {partitions} partitions")

    def delete_records(self, name: str, before: Mapping[int, int]) -> None:
        """Delete the messages before an offset, by partition, as retention does."""
        self._done(lambda admin: admin.delete_records([TopicPartition(name, *each) for each in before.items()]))

    def produce(self, name: str, messages: Iterable[Message], config: Mapping[str, Any] | None = None) -> None:
        """Send messages in order, and wait until the broker has all of them.

        Args:
            name: the topic.
            messages: `(key, value)` or `(key, value, partition)`; a value that is None is a tombstone.
            config: settings of the producer.
        """
        refused: list[str] = []

        def delivered(error: KafkaError | None, _: object) -> None:
            if error:
                refused.append(str(error))

        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "linger.ms": 5,
                # A batch must not be larger than a small segment.
                "batch.size": 8_000,
                "message.max.bytes": LARGEST_MESSAGE,
                "log_level": 0,
                **(config or {}),
            }
        )
        for key, value, *where in messages:
            while True:
                try:
                    # -1: the key chooses it.
                    producer.produce(name, value, key, where[0] if where else -1, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        assert producer.flush(WAIT_SECONDS) == 0, f"{name}: messages are not acknowledged"
        assert not refused, refused[:3]

    def start(self) -> None:
        """Start the broker unless it runs, and wait until it answers."""
        if self._process.running:
            return
        log = self.folder / "log"
        with log.open("ab") as out:
            process = self._process.running = subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                self.stop()
                pytest.fail(f"Kafka does not start:\n{log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """Stop the broker; what it has acknowledged stays."""
        process, self._process.running = self._process.running, None
        if process:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def lose(self, name: str, partition: int) -> None:
        """Lose the data of a partition, as with a disk. The broker is stopped; started again, offsets begin at 0."""
        assert self._process.running is None, "stop() the broker first"
        shutil.rmtree(self.folder / "data" / f"{name}-{partition}")

    def _answers(self) -> bool:
        with suppress(KafkaException):
            return bool(self.admin.list_topics(timeout=0.5).brokers)
        return False

    def _partitions(self, name: str) -> Mapping[int, Any]:
        """The partitions that have a leader."""
        topic = self.admin.list_topics(timeout=WAIT_SECONDS).topics.get(name)
        return {number: each for number, each in (topic.partitions if topic else {}).items() if each.leader >= 0}

    def _wait(self, is_so: Callable[[], bool], otherwise: str) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while not is_so():
            assert time.monotonic() < until, otherwise
            time.sleep(0.02)

    def _done(self, ask: Callable[[AdminClient], Mapping[Any, Future[Any]]]) -> None:
        """Ask for something, and wait until it is done; the client ends its requests when it goes."""
        admin = self.admin
        for future in ask(admin).values():
            future.result(WAIT_SECONDS)


@contextmanager
def kafka(port: int | None = None) -> Iterator[Kafka]:
    """A broker with a cluster id of its own, at a port that is free unless one is given."""
    home = Path(os.environ.get("JAVA_HOME") or (ROOT / ".java_home").read_text().strip())
    with only_one(ROOT / ".setup.lock"):
        jars = ensure_kafka_jars(ROOT, home)
    folder = Path(tempfile.mkdtemp(prefix="project-etl-kafka-"))
    try:
        port, controller = port or free_port(), free_port()
        (folder / "log4j.properties").write_text(LOG4J)
        settings = folder / "server.properties"
        settings.write_text(
            SETTINGS.format(port=port, controller=controller, data=folder / "data", largest=LARGEST_MESSAGE)
        )
        java = (
            *("setpriv", "--pdeathsig", "KILL", "--", str(home / "bin" / "java"), *JAVA, "-cp", f"{jars}/*"),
            f"-Dlog4j.configuration=file:{folder / 'log4j.properties'}",
        )
        # As Kafka's own: one that began with `-` would be taken for an option.
        first, *others = uuid.uuid4().bytes
        cluster = urlsafe_b64encode(bytes([first & 0x7F, *others])).decode().rstrip("=")
        _format(folder, (*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)))
        broker = Kafka(f"127.0.0.1:{port}", cluster, folder, (*java, "kafka.Kafka", str(settings)))
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()
    finally:
        shutil.rmtree(folder)


# A second broker, of another cluster.
another_kafka = kafka


def _format(folder: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
