"""The brokers: which topic it is, what its partitions hold, and reading messages from offsets on."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from project_etl.core.digest import digest
from project_etl.core.extract.kafka.options import OWN, KafkaOptions
from project_etl.core.extract.kafka.partition import Holds
from project_etl.core.extract.kafka.pieces import Of, as_in_names
from project_etl.core.extract.secret import secret
from project_etl.core.model.pull import PullError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message

SECONDS = 15
# A broker that does not say anything for so long does not answer.
PATIENCE_SECONDS = 30
BATCH, BATCH_SECONDS = 10_000, 0.2
# The client asks for the name of a group, and never joins it.
GROUP = "project_etl"


@dataclass
class _Heard:
    """What the client has said last of its connections."""

    reason: str = ""

    def take(self, error: KafkaError) -> None:
        self.reason = error.str()


@dataclass(frozen=True)
class Client:
    """A topic that can be read.

    Attributes:
        options: the settings of the source.
        path: the settings' place, for messages.
        settings: what a client is told of the brokers; it holds secrets.
    """

    options: KafkaOptions
    path: str
    _consumer: Consumer
    settings: Mapping[str, Any] = field(repr=False)
    _heard: _Heard = field(default_factory=_Heard)

    @property
    def address(self) -> str:
        """The topic and its brokers."""
        return f"{self.options.brokers}/{self.options.topic}"

    def partitions(self) -> list[Of]:
        """The partitions that the topic has now.

        Raises:
            PullError: the brokers do not answer, or there is no such topic.
        """
        from confluent_kafka import KafkaException, TopicCollection
        from confluent_kafka.admin import AdminClient

        name = self.options.topic
        try:
            found = self._consumer.list_topics(name, timeout=SECONDS)
            topic = found.topics[name]
            if topic.error is not None:
                raise self._refused(topic.error)
            admin = AdminClient(dict(self.settings))
            described = admin.describe_topics(TopicCollection([name]), request_timeout=SECONDS)[name].result()
        except KafkaException as error:
            raise self._refused(error.args[0]) from None
        cluster, topic_id = as_in_names(found.cluster_id or ""), described.topic_id
        halves = (topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits())
        # Old brokers give no topic an id.
        identity = "".join(f"{half % 2**64:016x}" for half in halves) if any(halves) else digest(name)
        return [Of(cluster, identity, number) for number in sorted(topic.partitions)]

    def holds(self, partition: int) -> Holds:
        """The offsets that a partition holds now.

        Raises:
            PullError: the brokers do not answer.
        """
        from confluent_kafka import KafkaException, TopicPartition

        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(self.options.topic, partition), timeout=SECONDS, cached=False
            )
        except KafkaException as error:
            raise self._refused(error.args[0]) from None
        return Holds(low, high)

    def read(self, starts: Mapping[int, int]) -> Iterator[list[Message]]:
        """Read partitions from offsets on, without an end; a list is empty where nothing has come for a moment.

        A message whose error is `_PARTITION_EOF` says where a partition ends for now; one whose error is
        `_AUTO_OFFSET_RESET` that the offset is not there any more.

        Args:
            starts: partition → offset.

        Raises:
            PullError: the brokers refuse.
        """
        from confluent_kafka import KafkaError, TopicPartition

        told = (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
        # The client looks for its group, which nobody needs.
        ignored = KafkaError.GROUP_AUTHORIZATION_FAILED
        self._consumer.assign([TopicPartition(self.options.topic, *each) for each in starts.items()])
        while True:
            batch: list[Message] = []
            for message in self._consumer.consume(BATCH, BATCH_SECONDS):
                error = message.error()
                if error is None or error.code() in told:
                    # Others are of what was read before.
                    if message.partition() in starts:
                        batch.append(message)
                elif error.code() != ignored:
                    raise self._refused(error)
            yield batch

    def impatient(self, since: float) -> None:
        """Give up when nothing was heard since an instant of the monotonic clock.

        Raises:
            PullError: that is too long ago.
        """
        if time.monotonic() - since > PATIENCE_SECONDS:
            raise PullError(
                f"{self.address} says nothing for {PATIENCE_SECONDS} s, and there is more to be read "
                f"({self._heard.reason or 'no error'}): see whether each of its partitions has a leader"
            )

    def _refused(self, error: KafkaError) -> PullError:
        """What a refusal means, and what to do."""
        code, name = error.code(), self.options.topic
        # What it has heard meanwhile says more.
        self._consumer.poll(0)
        if code in (error.UNKNOWN_TOPIC_OR_PART, error._UNKNOWN_TOPIC):
            return PullError(
                f"{self.options.brokers} has no topic {name}, or does not show it: correct {self.path}.topic, make the "
                "topic, or let the user describe and read it"
            )
        if code in (error.TOPIC_AUTHORIZATION_FAILED, error.GROUP_AUTHORIZATION_FAILED):
            return PullError(
                f"{self.options.brokers} forbids {name} ({error.str()}): let the user describe and read it"
            )
        said = "; ".join(dict.fromkeys(filter(None, (error.str(), self._heard.reason))))
        return PullError(
            f"{self.options.brokers} does not answer as it should ({said}): check {self.path}.brokers, the network "
            f"and, in {self.path}.config and secrets what it takes to log in"
        )


@contextmanager
def open_topic(options: KafkaOptions, path: str) -> Generator[Client]:
    """A topic, for the length of a block.

    Args:
        options: the settings of the source.
        path: the settings' place, for messages.

    Raises:
        PullError: the client is not installed, or does not take the settings.
    """
    try:
        from confluent_kafka import Consumer, KafkaException
    except ImportError:
        raise PullError("a topic needs the extra `kafka`: pip install 'project_etl[kafka]'") from None
    heard = _Heard()
    secrets = {name: secret(place) for name, place in options.secrets.items()}
    common = {
        "bootstrap.servers": options.brokers,
        "error_cb": heard.take,
        "log_level": 0,
        **options.config,
        **secrets,
    }
    try:
        consumer = Consumer({"group.id": GROUP, **common, **OWN})
    except (KafkaException, TypeError, ValueError) as error:
        said = _hidden(str(error), secrets.values())
        raise PullError(f"the client does not take {path}.config ({said}): correct it") from None
    try:
        common.pop("group.id", None)
        yield Client(options, path, consumer, common, heard)
    finally:
        consumer.close()


def is_end(message: Message) -> bool:
    """Whether it is no message, but says that its partition ends here for now."""
    error = message.error()
    return error is not None and error.code() == error._PARTITION_EOF


def parts_of(message: Message) -> tuple[int, int, bytes | None, bytes | None]:
    """Offset, timestamp in milliseconds, key and value of a message."""
    key = message.key()
    return message.offset() or 0, message.timestamp()[1], key.encode() if isinstance(key, str) else key, message.value()


def _hidden(text: str, secrets: Iterable[str]) -> str:
    for each in filter(None, secrets):
        text = text.replace(each, "***")
    return text
