"""Files that tell of a loss: known, told, and never loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project_etl.core.bronze import file_table, stage
from project_etl.core.bronze.file_table import Status
from project_etl.core.contracts.report import Report
from project_etl.core.model.names import LOST_KEY
from project_etl_tests.small_shop import EVENT, SmallShop

DAY = "2025-01-01"
BRONZE = "bronze/shop/events"
WORDS = "offsets 5 to 7 of partition 0 (3): the topic has deleted them"


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    found = SmallShop(tmp_path)
    found.land("events", DAY, json.dumps({LOST_KEY: WORDS, "partition": 0}) + "\n", "a_0_5_7.lost.jsonl")
    found.land_rows("events", DAY, EVENT)
    return found


def broken(report: Report) -> dict[str, list[str]]:
    return {rule.name: list(rule.samples) for rule in report.rules if rule.broken and rule.name != "columns_complete"}


@pytest.mark.parametrize("is_large", [False, True])
def test_what_is_lost_is_told_and_holds_no_records(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    if is_large:
        # As in a store whose files have ETags: its bytes have not been read yet.
        monkeypatch.setattr(stage, "READ_ONCE_BYTES", 1)
    path = f"shop/events/{DAY}/a_0_5_7.lost.jsonl"
    expected = {"nothing_lost": [f"{path}: nothing_lost: {WORDS}"]}
    assert broken(shop.bronze("events", DAY)) == expected
    row = file_table.files(shop.lake, [BRONZE], [DAY])[path]
    assert (row.status, row.rule, row.detail, row.records) == (Status.LOST, "nothing_lost", WORDS, 0)
    assert shop.rows(BRONZE, "event_id") == [("E1",)]
    version = shop.version(BRONZE)
    assert broken(shop.bronze("events", DAY)) == expected
    assert shop.version(BRONZE) == version


@pytest.mark.parametrize("text", [json.dumps(EVENT | {"event_id": "E2"}), "[]", "not JSON"])
def test_a_file_that_is_only_called_so_is_like_any_other(tmp_path: Path, text: str) -> None:
    shop = SmallShop(tmp_path)
    shop.land("events", DAY, f"{text}\n", "my.lost.jsonl")
    assert "nothing_lost" not in broken(shop.bronze("events", DAY))
    (row,) = file_table.files(shop.lake, [BRONZE], [DAY]).values()
    assert row.status is not Status.LOST
