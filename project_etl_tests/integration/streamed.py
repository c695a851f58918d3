"""A topic that is pulled into a small shop: what the tests of a real broker share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.bronze.file_table import FILES
from project_etl.core.engine.base import Engine
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl.demo.live.traffic import Traffic
from project_etl_tests.integration.kafka_broker import Kafka
from project_etl_tests.small_shop import EVENT, SmallShop, made_of

SOURCE = "clickstream"
# So many events are in memory while a topic is filled.
AT_ONCE = 100_000
FOLDER = f"{SOURCE}/events"


def event(number: int, **others: Any) -> bytes:
    """The value of an event's message."""
    return json.dumps(EVENT | {"event_id": f"E{number}"} | others).encode()


def fill(kafka: Kafka, topic: str, events: int) -> int:
    """Send live traffic of now at once, and return the bytes of its values."""
    traffic, at, size = Traffic(7, 100), datetime.now(UTC), 0
    for begin in range(0, events, AT_ONCE):
        sent = [traffic.event(at) for _ in range(min(AT_ONCE, events - begin))]
        messages = [(each["visitor_id"], json.dumps(each, separators=(",", ":"))) for each in sent]
        size += sum(len(value) for _, value in messages)
        kafka.produce(topic, messages, {"batch.size": 1_000_000})
    return size


@dataclass(frozen=True)
class Streamed:
    """A topic, and the shop that it is pulled into."""

    kafka: Kafka
    topic: str
    shop: SmallShop

    def produce(self, numbers: Iterable[int], partition: int = 0, **others: Any) -> None:
        """Send events."""
        self.kafka.produce(self.topic, [(f"v{number}", event(number, **others), partition) for number in numbers])

    @property
    def job(self) -> PullJob:
        """A pull of the events."""
        (dataset,) = pulled_datasets(self.shop.settings, SOURCE)
        return PullJob(self.shop.lake, str(self.shop.landing), dataset)

    def pull(self, *, streams: bool = False) -> Pulled:
        """Pull what is there, or for as long as a slice takes."""
        with puller_of(self.shop.settings, SOURCE, streams=streams) as puller:
            return pull(self.job, puller)

    def files(self) -> list[Path]:
        """The files in landing."""
        return sorted((self.shop.landing / FOLDER).glob("*/*"))

    def records(self) -> list[dict[str, Any]]:
        """What has landed, in the order of partitions and offsets."""
        lines = [json.loads(line) for file in self.files() for line in file.read_text().splitlines() if line]
        return sorted(
            (line for line in lines if "_offset" in line), key=lambda line: (line["_partition"], line["_offset"])
        )

    def ids(self) -> list[str]:
        """The events that have landed."""
        return [record["event_id"] for record in self.records()]

    def load(self) -> None:
        """Load what has landed into Bronze."""
        self.shop.bronze(FOLDER, *self.days())

    def days(self) -> list[str]:
        """The landing days that have files."""
        return sorted({path.parent.name for path in self.files()})

    def lost(self) -> list[str]:
        """What is told to be lost, of what is in the file table."""
        return sorted(detail for status, detail in self.shop.rows(FILES, "status", "detail") if status == "lost")


def streamed(
    folder: Path,
    kafka: Kafka,
    topic: str,
    engine: Engine | None = None,
    options: Mapping[str, Any] | None = None,
    namespaces: Mapping[str, str] | None = None,
) -> Streamed:
    """A shop that pulls a topic, beside the files of the source `shop` where there are namespaces."""
    given = {"brokers": kafka.bootstrap, "topic": topic, "seconds": 1, **(options or {})}
    sources = tuple(namespaces) if namespaces else (SOURCE,)
    shop = SmallShop(folder, engine, sources, namespaces, only=made_of("silver/events"), pull={SOURCE: given})
    return Streamed(kafka, topic, shop)
