"""A Kafka topic that live traffic is sent to. Needs the extra `kafka`."""

from __future__ import annotations

import re

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from project_etl.demo.live.errors import LiveError

SCHEME = "kafka://"
EXAMPLE = "kafka://localhost:9092/clickstream"
PARTITIONS = 3
CONNECT_SECONDS = 10
# A message that the broker has not taken by then is given up.
DELIVERY_SECONDS = 30


class Topic:
    """A topic of a broker.

    Attributes:
        address: Broker and topic.
        sent: How many messages were sent.
        acknowledged: How many the broker has.
        refused: How many it certainly or probably has not.
        reason: What the client said last of why.
    """

    def __init__(self, url: str) -> None:
        """Take in a URL, without connecting.

        Raises:
            LiveError: It is no URL of a topic.
        """
        found = re.fullmatch(rf"{SCHEME}([^\s/@]+:\d+(?:,[^\s/@]+:\d+)*)/([A-Za-z0-9._-]{{1,249}})", url)
        if not found:
            # Its text may hold a password.
            raise LiveError(f"the URL is not one of a topic; expected such as {EXAMPLE}, without a user")
        self._brokers, self._name = found.groups()
        self.address = f"{self._brokers}/{self._name}"
        self.sent = self.acknowledged = self.refused = 0
        self.reason = ""
        common = {"bootstrap.servers": self._brokers, "error_cb": self._heard, "log_level": 0}
        self._admin = AdminClient(common)
        # A visitor's events keep their order, and none is there twice, also when the client sends again.
        self._producer = Producer(
            {
                **common,
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": DELIVERY_SECONDS * 1_000,
            }
        )

    @property
    def waiting(self) -> int:
        """How many messages the broker has not answered for."""
        return self.sent - self.acknowledged - self.refused

    def create(self) -> bool:
        """Make the topic unless it is there; whether it was made.

        Raises:
            LiveError: The broker does not answer, or refuses the topic.
        """
        try:
            if self._name in self._admin.list_topics(timeout=CONNECT_SECONDS).topics:
                return False
            (made,) = self._admin.create_topics([NewTopic(self._name, PARTITIONS, -1)]).values()
            made.result(CONNECT_SECONDS)
        except KafkaException as error:
            found: KafkaError = error.args[0]
            if found.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            if found.code() in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN):
                # What its own connection has said, which is more.
                self._admin.poll(0)
                said = self.reason or found.str()
                raise LiveError(f"{self._brokers} does not answer within {CONNECT_SECONDS} s ({said})") from None
            raise LiveError(f"{self._brokers} refuses the topic {self._name}: {found.str()}") from None
        return True

    def send(self, key: str, value: bytes) -> None:
        """Send a message, without waiting for the broker."""
        self.sent += 1
        try:
            self._producer.produce(self._name, value, key, on_delivery=self._delivered)
        except BufferError:
            self._refuse("the broker is too slow, or away")
        except KafkaException as error:
            self._refuse(error.args[0].str())

    def listen(self) -> None:
        """Take in what the broker has said."""
        self._producer.poll(0)

    def finish(self, seconds: float = DELIVERY_SECONDS) -> None:
        """Wait for the broker, for so many seconds at most."""
        self._producer.flush(seconds)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self._refuse(error.str())

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        self.reason = reason

    def _heard(self, error: KafkaError) -> None:
        self.reason = error.str()
