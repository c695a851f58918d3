"""Events of a stream: whose ids they hold, and what is left of them when a customer is erased."""

from __future__ import annotations

import json
from pathlib import Path

from project_etl.catalog import feeds_of
from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.tombstones import Tombstones, customer_hash
from project_etl.core.extract.kafka.messages import line_of
from project_etl.silver import events
from project_etl.sources.clickstream import DATASET
from project_etl_tests.small_shop import EVENT, SmallShop, made_of, settings_of

NAMESPACES = {"shop": "s-", "clickstream": "cs-"}
PULL = {"clickstream": {"brokers": "localhost:9092"}}
DAY = "2025-01-01"


def test_ids_are_those_of_the_shop_but_for_the_events_own() -> None:
    settings = settings_of(tuple(NAMESPACES), NAMESPACES, pull=PULL)
    mine, shops = feeds_of(events.TABLE, settings)
    assert (mine.prefix, dict(mine.prefixes)) == ("cs-", dict.fromkeys(("customer_id", "product_id", "order_id"), "s-"))
    assert (shops.prefix, dict(shops.prefixes)) == ("s-", {})
    # What a prefix means is part of what records say.
    other = feeds_of(events.TABLE, settings_of(tuple(NAMESPACES), NAMESPACES | {"shop": "t-"}, pull=PULL))[0]
    assert other.version != mine.version


def test_who_is_erased_in_the_shop_is_erased_here(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path, None, tuple(NAMESPACES), NAMESPACES, only=made_of("silver/events"), pull=PULL)
    values = [json.dumps(EVENT | {"customer_id": name}).encode() for name in ("C1", "C2")]
    lines = [line_of(0, number, 0, f"C{number + 1}".encode(), value) for number, value in enumerate(values)]
    shop.land("events", DAY, "".join(f"{line}\n" for line in lines), "a.jsonl", source="clickstream")
    shop.bronze("clickstream/events", DAY)
    tombstones.write(shop.lake, Tombstones(frozenset({customer_hash("s-", "C1")})))
    job = shop.bronze_job("clickstream/events")
    found = erasure.erase(job, job.redaction(tombstones.read(shop.lake)))
    assert (found.removed, found.emptied) == (0, 1)
    assert shop.rows(DATASET.bronze, "_offset", "customer_id", "_key") == [("0", None, None), ("1", "C2", "C2")]
