"""Whatever a topic holds ends in Silver or in quarantine with its text; ids are the shop's where they are its ids."""

from __future__ import annotations

import json
from pathlib import Path

from project_etl.core.engine.base import Engine
from project_etl.core.model.names import RESCUED
from project_etl_tests.integration.kafka_broker import Kafka
from project_etl_tests.integration.streamed import event, streamed

NAMESPACES = {"shop": "s-", "clickstream": "cs-"}
LARGE = b'{"event_id": "' + b"x" * 5_000_000 + b'"}'
POISON = {
    b"no JSON": "a string or number; expected an object",
    b"[1, 2]": "a string or number; expected an object",
    b"": "a string or number; expected an object",
    b'{"event_id": "E7"': "a string or number; expected an object",
    b'{"event_id": "E7"}{"event_id": "E8"}': "more than one document",
    b'{"event_id": "caf\xe9"}': "a string or number; expected an object",
    b'{"event_id": "\\u0000"}': "a NUL character",
    b'{"event_id": "E9", "_offset": 1}': "the key '_offset' more than once",
    b'{"a":' * 1_000 + b"1" + b"}" * 1_000: "nested more than 200 deep",
    LARGE: "more than 4,194,304 characters",
}


def test_poison_tombstones_and_repeats_end_where_they_belong(tmp_path: Path, kafka: Kafka, engine: Engine) -> None:
    topic = streamed(tmp_path, kafka, kafka.topic(config={"max.message.bytes": 8 << 20}), engine, namespaces=NAMESPACES)
    good, newer = event(1), event(1, event_ts="2025-01-01T11:00:00Z", quantity=3)
    values = [good, *POISON, None, good, newer, event(2, price="12.50"), b"{}"]
    topic.kafka.produce(topic.topic, [("v1", value) for value in values], {"message.max.bytes": 8 << 20})
    done = topic.pull()
    assert done.records == len(values)
    # All landed, and nothing is read again.
    assert topic.pull().files == ()
    days = topic.days()
    reports = topic.shop.load(*days)
    bronze = topic.shop.rows("bronze/clickstream/events", "_offset", RESCUED)
    assert sorted(int(offset) for offset, rescued in bronze if rescued is None) == [0, *range(len(POISON) + 1, 16)]
    problems = [json.loads(rescued)["_malformed"] for _, rescued in bronze if rescued]
    assert len(problems) == len(POISON)
    for problem in POISON.values():
        assert any(problem in found for found in problems), problem
    # Ids of events are the tracker's, and the others the shop's.
    columns = ("event_id", "visitor_id", "customer_id", "product_id", "order_id", "quantity", "price")
    rows = [(*ids, str(price)) for *ids, price in topic.shop.rows("silver/events", *columns)]
    assert rows == [
        ("cs-E1", "V1", "s-C1", "s-P1", "s-O1", 3, "10.5000"),
        ("cs-E2", "V1", "s-C1", "s-P1", "s-O1", 2, "12.5000"),
    ]
    counts: dict[str, int] = {}
    for day in days:
        for name, number in reports["silver/events"].days[day].items():
            counts[name] = counts.get(name, 0) + number
    expected = {"read": len(values), "accepted": 2, "deduplicated": 1, "superseded": 1, "quarantined": len(POISON) + 2}
    assert {name: counts[name] for name in expected} == expected
    assert counts["read"] == sum(number for name, number in expected.items() if name != "read")
    kept_out = topic.shop.rows("quarantine/events", "rules", "raw")
    assert sum("well_formed" in rules for rules, _ in kept_out) == len(POISON)
    assert sum("event_id_not_null" in rules for rules, _ in kept_out) == 2
    for _, raw in kept_out:
        assert "_partition" in raw


def test_a_later_offset_wins_among_versions_of_one_time(tmp_path: Path, kafka: Kafka, engine: Engine) -> None:
    topic = streamed(tmp_path, kafka, kafka.topic(), engine)
    for quantity in range(1, 13):
        topic.produce([1], quantity=quantity)
        topic.pull()
    topic.shop.load(*topic.days())
    assert topic.shop.rows("silver/events", "event_id", "quantity") == [("E1", 12)]
