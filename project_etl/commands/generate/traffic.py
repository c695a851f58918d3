"""`project-etl generate --to kafka://…`: live traffic at an even pace, for some seconds or until Ctrl+C."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.errors import UserError
from project_etl.demo.live.errors import LiveError

if TYPE_CHECKING:
    from project_etl.demo.live.topic import Topic
    from project_etl.demo.live.traffic import Traffic

MISSING = "A Kafka topic needs the extra `kafka`: pip install 'project_etl[kafka]'."
RATE, SAID_EVERY = 100.0, 10.0


def run(
    console: Console, to: str, *, seed: int, rate: float = RATE, seconds: float | None = None, every: float = SAID_EVERY
) -> None:
    """Send events to a topic, which is made unless it is there.

    Args:
        console: Where to say what was sent.
        to: URL of the topic.
        seed: The shop's seed.
        rate: Events a second.
        seconds: How long; None for until Ctrl+C.
        every: After how many seconds it is said what was sent.

    Raises:
        UserError: The topic cannot be written, or the broker has not acknowledged everything.
    """
    try:
        from project_etl.demo.live.topic import Topic
        from project_etl.demo.live.traffic import Traffic
    except ImportError as error:
        raise UserError(MISSING) from error
    try:
        topic = Topic(to)
        if topic.create():
            console.print(f"a new topic: {escape(topic.address)}", soft_wrap=True)
    except LiveError as error:
        raise UserError(f"Nothing was sent: {error}.") from None
    try:
        _send(console, topic, Traffic(seed, rate), rate=rate, seconds=seconds, every=every)
    except KeyboardInterrupt:
        console.print("Stopped.")
    topic.finish()
    console.print(_said(topic), soft_wrap=True)
    if missing := topic.waiting + topic.refused:
        raise UserError(f"{missing:,} of {topic.sent:,} events were not acknowledged: {topic.reason}.")


def _send(
    console: Console, topic: Topic, traffic: Traffic, *, rate: float, seconds: float | None, every: float
) -> None:
    from project_etl.demo.live.traffic import due

    said = time.monotonic()
    for number in due(rate, seconds):
        for _ in range(number):
            event = traffic.event(datetime.now(UTC))
            topic.send(event["visitor_id"], json.dumps(event, separators=(",", ":")).encode())
        topic.listen()
        if time.monotonic() - said >= every:
            said += every
            # Those of the last second may be on their way.
            console.print(_said(topic, max(1, rate)), soft_wrap=True)


def _said(topic: Topic, on_their_way: float = 0) -> str:
    more = [
        f"{topic.waiting:,} not acknowledged yet" if topic.waiting > on_their_way else "",
        f"{topic.refused:,} not taken ({escape(topic.reason)})" if topic.refused else "",
    ]
    parts = [f"{topic.sent:,} events", *filter(None, more)]
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {', '.join(parts)}: {escape(topic.address)}"
