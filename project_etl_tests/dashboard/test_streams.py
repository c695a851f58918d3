"""How a stream lands, by the names and times of its slices."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from project_etl.catalog import source_named
from project_etl.core.model.names import LOST_KEY
from project_etl.core.views import Views
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages import today
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


def draw(folder: str) -> None:
    """What Streamlit runs: it takes the text of this function, and nothing around it."""
    from project_etl_tests.dashboard.test_streams import draw_page

    draw_page(folder)


def draw_page(folder: str) -> None:
    """Draw the page on today of a shop that has a stream."""
    shop = clicks(Path(folder))
    today.show(Asked(Views(shop.lake), shop.settings, NOW.date(), NOW.date()))


def clicks(folder: Path) -> SmallShop:
    """A shop whose clicks are streamed."""
    pull = {"clickstream": {"brokers": "nowhere:9092", "topic": "clicks"}}
    return SmallShop(
        folder,
        None,
        ("clickstream",),
        pull=pull,
        landing_root=str(folder / "landing"),
        lake_root=str(folder / "lake"),
    )


def test_the_page_on_today_shows_it(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    folder = tmp_path / "landing/clickstream/events" / now.date().isoformat()
    folder.mkdir(parents=True)
    (folder / f"{OF}_0_0_1499.jsonl").write_text(json.dumps(EVENT))
    lost = {LOST_KEY: "1,000 messages of partition 1 of clicks are lost"}
    (folder / f"{OF}_1_0_999.lost.jsonl").write_text(json.dumps(lost))
    clicks(tmp_path).bronze("events", now.date().isoformat())
    (folder / f"{OF}_0_1500_1999.jsonl").write_text(json.dumps(EVENT))
    app = AppTest.from_function(draw, kwargs={"folder": str(tmp_path)}, default_timeout=30).run()
    assert not app.exception
    assert "Stream clickstream/events" in [each.value for each in app.subheader]
    found = {each.label: each.value for each in app.metric}
    assert (found["Messages in the last hour"], found["Wait for Bronze"]) == ("2,000", "500")
    assert found["Newest message sent"].startswith("0:0")
    (warning,) = app.warning
    assert "1,000 messages of partition 1 of clicks are lost" in warning.value
