"""How a stream lands, by the names and times of its slices."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from project_etl.catalog import source_named
from project_etl.dashboard.queries.streams import messages_in, stream
from project_etl_tests.small_shop import EVENT, SmallShop

NOW = datetime(2026, 11, 28, 0, 20, 30, tzinfo=UTC)
OF = "0123456789abcdef_fedcba9876543210"
DATASET = next(each for each in source_named("shop").datasets if each.name == "events")


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    return SmallShop(tmp_path)


def land(shop: SmallShop, name: str, seconds_ago: float) -> Path:
    """A slice whose last message was sent so long ago; of its messages it holds one."""
    at = NOW - timedelta(seconds=seconds_ago)
    path = shop.land("events", at.date().isoformat(), json.dumps(EVENT | {"event_id": name}) + "\n", f"{name}.jsonl")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        (f"{OF}_0_0_99.jsonl", 100),
        (f"{OF}_12_7_7.jsonl", 1),
        # A partition whose offsets began again.
        (f"{OF}_0.2_5_9.jsonl", 5),
        (f"{OF}_0_5_9.lost.jsonl", 0),
        ("orders_2025-01-01.csv", 0),
    ],
)
def test_the_name_of_a_slice_says_how_many_messages_it_covers(name: str, messages: int) -> None:
    assert messages_in(f"shop/events/2026-11-28/{name}") == messages


def test_messages_count_for_their_minutes_over_midnight(shop: SmallShop) -> None:
    gone = land(shop, f"{OF}_0_0_99", 1_800)
    land(shop, f"{OF}_1_0_9", 90)
    land(shop, f"{OF}_0_100_149", 20)
    land(shop, f"{OF}_1_10_10", 5)
    land(shop, f"{OF}_0_150_150", -10)
    land(shop, "by_hand", 10)
    # What was loaded counts on when its file is gone.
    shop.bronze("events", "2026-11-27")
    gone.unlink()
    found = stream(shop.lake, str(shop.landing), DATASET, NOW)
    assert len(found.by_minute) == 60
    assert next(iter(found.by_minute)) == datetime(2026, 11, 27, 23, 21, tzinfo=UTC)
    assert {f"{at:%H:%M}": number for at, number in found.by_minute.items() if number} == {
        "23:50": 100,
        "00:19": 10,
        "00:20": 51,
    }
    assert found.in_the_last_hour == 161
    assert found.waiting == 10 + 50 + 1 + 1
    assert found.newest == NOW + timedelta(seconds=10)
    assert found.lost == ()


def test_where_nothing_has_landed_there_is_nothing(shop: SmallShop) -> None:
    found = stream(shop.lake, str(shop.landing), DATASET, NOW)
    assert (found.in_the_last_hour, found.waiting, found.newest) == (0, 0, None)
