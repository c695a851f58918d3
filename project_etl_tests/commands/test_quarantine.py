"""`project-etl quarantine list` and `show` over quarantine tables written by hand, without Spark."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from project_etl.commands.quarantine import show as quarantine
from project_etl.core.lake import LakeError
from project_etl.standing import held
from project_etl_tests.commands.given import (
    bad_file,
    bad_record,
    lake_in,
    paper,
    put_in_quarantine,
    settings_in,
    text_of,
)

ANY = held.Filter()


@pytest.fixture
def settings(tmp_path: Path):
    made = settings_in(tmp_path)
    put_in_quarantine(
        lake_in(made),
        {
            "orders": [
                bad_record(2, ["status_isin"]),
                bad_record(1, ["status_isin", "order_ts_type"]),
                bad_record(1, ["status_isin"], day=3),
            ],
            "order_items": [bad_record(5, ["order_exists"], is_waiting=True)],
        },
        [bad_file("broken.csv.gz", "file_decompresses", day=2)],
    )
    return made


def test_counts_are_by_table_rule_and_landing_day(settings):
    found = held.counts(lake_in(settings))
    assert [(c.table, c.rule, c.day.day, c.rows, c.waiting) for c in found] == [
        ("files", "file_decompresses", 2, 1, 0),
        ("order_items", "order_exists", 1, 1, 1),
        ("orders", "order_ts_type", 1, 1, 0),
        ("orders", "status_isin", 1, 2, 0),
        ("orders", "status_isin", 3, 1, 0),
    ]


def test_days_are_added_up(settings):
    found = held.over_days(held.counts(lake_in(settings), "orders"))
    assert [(c.rule, c.rows, c.days_text) for c in found] == [
        ("order_ts_type", 1, "2025-01-01"),
        ("status_isin", 3, "2 days, 2025-01-01 to 2025-01-03"),
    ]


@pytest.mark.parametrize("name", ["orders", "silver/orders", "quarantine/orders"])
def test_a_table_may_be_named_as_people_know_it(settings, name):
    assert {c.table for c in held.counts(lake_in(settings), name)} == {"orders"}


def test_a_rule_and_a_day_narrow_it_down(settings):
    lake = lake_in(settings)
    assert [c.rows for c in held.counts(lake, None, held.Filter(rule="order_ts_type"))] == [1]
    assert [c.rule for c in held.counts(lake, None, held.Filter(day=date(2025, 1, 2)))] == ["file_decompresses"]
    assert held.counts(lake, None, held.Filter(rule="order_ts_type", day=date(2025, 1, 3))) == []


def test_the_list_is_for_people(settings):
    console = paper()
    quarantine.show_counts(console, settings, None, ANY)
    lines = [line.split() for line in text_of(console).splitlines() if "status_isin" in line]
    assert lines == [["orders", "status_isin", "3", "2", "days,", "2025-01-01", "to", "2025-01-03"]]


def test_the_list_is_for_programs(settings):
    console = paper()
    quarantine.show_counts(console, settings, "orders", held.Filter(rule="status_isin"), by_day=True, as_json=True)
    found = [json.loads(line) for line in text_of(console).splitlines()]
    assert [(each["table"], each["day"], each["rows"]) for each in found] == [
        ("orders", "2025-01-01", 2),
        ("orders", "2025-01-03", 1),
    ]


def test_an_empty_quarantine_says_so(tmp_path):
    console = paper()
    assert quarantine.show_counts(console, settings_in(tmp_path), None, held.Filter(rule="x")) == []
    assert "Quarantine holds nothing with rule x" in text_of(console)


@pytest.mark.parametrize(
    ("asked", "words"),
    [("silver/order", r"did you mean orders\?"), ("customers", "there is files, order_items, orders")],
)
def test_an_unknown_table_names_the_nearest_or_those_there_are(settings, asked: str, words: str):
    with pytest.raises(LakeError, match=f"nothing of '{asked}' .*; {words}"):
        held.counts(lake_in(settings), asked)


def test_entries_have_place_rules_and_raw_text(settings):
    console = paper()
    found = quarantine.show_entries(console, settings, "orders", ANY, limit=20)
    assert [(e["_landing_date"].day, e["_row_number"]) for e in found] == [(1, 1), (1, 2), (3, 1)]
    first, raw, seen, *_ = text_of(console).splitlines()
    assert first == "shop/orders/2025-01-01/orders.csv:1  status_isin, order_ts_type"
    assert raw.strip() == '{"order_id": "o1"}'
    assert seen.strip() == "first seen 2025-01-09 12:30 UTC by run run-1"


def test_a_record_that_waits_says_so(settings):
    console = paper()
    quarantine.show_entries(console, settings, "order_items", ANY, limit=20)
    assert "order_exists  (waits for its parent)" in text_of(console)


def test_whole_files_have_their_reason(settings):
    console = paper()
    quarantine.show_entries(console, settings, "files", ANY, limit=20)
    assert text_of(console).splitlines()[:2] == [
        "shop/orders/2025-01-02/broken.csv.gz  file_decompresses",
        "  broken.csv.gz could not be read",
    ]


def test_entries_can_be_narrowed_and_cut(settings):
    console = paper()
    assert len(quarantine.show_entries(console, settings, "orders", ANY, limit=2)) == 2
    assert "The first 2; there may be more" in text_of(console)
    by_rule = quarantine.show_entries(paper(), settings, "orders", held.Filter(rule="order_ts_type"), limit=9)
    assert [e["_row_number"] for e in by_rule] == [1]
    by_day = quarantine.show_entries(paper(), settings, "orders", held.Filter(day=date(2025, 1, 3)), limit=9)
    assert [e["_landing_date"].day for e in by_day] == [3]


def test_entries_are_json_for_programs(settings):
    console = paper()
    quarantine.show_entries(console, settings, "orders", ANY, limit=1, as_json=True)
    (line,) = text_of(console).splitlines()
    assert json.loads(line)["rules"] == ["status_isin", "order_ts_type"]


def test_what_came_from_outside_cannot_command_the_terminal(tmp_path):
    settings = settings_in(tmp_path)
    nasty = bad_record(1, ["x"], _source_file="shop/a/\x1b[2J[red]b", raw='{"a": "\u202e\x07"}')
    put_in_quarantine(lake_in(settings), {"orders": [nasty]})
    console = paper()
    quarantine.show_entries(console, settings, "orders", ANY, limit=1)
    said = text_of(console)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert r"shop/a/\x1b[2J[red]b:1" in said


def test_sizes_and_days_are_read_without_rows(settings):
    lake = lake_in(settings)
    assert (held.size(lake, "orders"), held.size(lake, "nothing")) == (3, 0)
    assert [day.day for day in held.days_held(lake, "orders")] == [1, 3]
    assert held.days_held(lake, "nothing") == []
