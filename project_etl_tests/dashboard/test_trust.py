"""The verdict on numbers, of standings that say one thing each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from project_etl.core.bronze.landing import Unrecognized
from project_etl.core.silver.plan import Behind
from project_etl.dashboard.queries.trust import trust_of
from project_etl.standing.standing import Landing, Standing, State
from project_etl.standing.validated import Validated

PROGRAM = "project-etl --env shop"
FINE = Standing(
    refusal="",
    tables=[State("silver/orders", "2025-01-07", datetime(2025, 1, 8, tzinfo=UTC), 1.0)],
    quarantine={"orders": (9, 0)},
    recent_to=date(2025, 1, 7),
    landing=Landing(files=3),
    silver_behind={},
    gold_behind={},
    held={},
    outside={},
    due=None,
    overdue=[],
    validation=Validated(20, [], []),
)
UNREAD = Unrecognized("shop/ordres", "no such dataset", "rename it")


def test_numbers_of_all_that_landed_can_be_trusted() -> None:
    found = trust_of(FINE, [], PROGRAM)
    assert found.verdict == "Yes: every number is computed from all that landed up to 2025-01-07."
    assert not found.reasons
    assert not found.notes


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (replace(FINE, refusal="It is another landing."), "another landing"),
        (replace(FINE, landing=Landing(waiting={"b": ["x.csv"]})), "files that wait to be loaded (1): x.csv"),
        (
            replace(FINE, landing=Landing(changed={"b": ["x.csv", "y.csv"]})),
            "files that have changed (2): x.csv, y.csv",
        ),
        (replace(FINE, landing=Landing(unread=[UNREAD])), "shop/ordres: no such dataset; rename it"),
        (replace(FINE, silver_behind={"silver/orders": Behind(frozenset({"2025-01-07"}), False)}), "silver/orders"),
        (replace(FINE, gold_behind={"gold/daily_aov": ["2025-01-06", "2025-01-07"]}), "2 days, 2025-01-06 to"),
        (replace(FINE, gold_behind={"gold/customer_ltv": []}), "gold/customer_ltv"),
        (replace(FINE, held={"gold/daily_aov": {"2025-01-07": "fx_rate_known (1)"}}), "2025-01-07 (fx_rate_known (1))"),
        (replace(FINE, validation=Validated(20, ["a fails for 2"], [])), "a fails for 2"),
        (replace(FINE, due=date(2025, 1, 8), overdue=["gold/daily_aov"]), "2025-01-08 is late: gold/daily_aov"),
    ],
)
def test_one_reason_makes_a_no(standing: Standing, reason: str) -> None:
    found = trust_of(standing, [], PROGRAM)
    assert found.verdict == "No: 1 reason."
    assert reason in found.reasons[0]


def test_a_command_is_that_of_the_environment() -> None:
    found = trust_of(replace(FINE, gold_behind={"gold/customer_ltv": []}), [], PROGRAM)
    assert "`project-etl --env shop status`" in found.reasons[0]


def test_lost_rows_make_a_no() -> None:
    assert trust_of(FINE, ["Gold: rows are gone"], PROGRAM).reasons == ["Gold: rows are gone"]


@pytest.mark.parametrize(
    ("standing", "note"),
    [
        (replace(FINE, landing=Landing(files=3, kept_out=1)), "1 file left out whole"),
        (replace(FINE, quarantine={"orders": (9, 2), "reviews": (1, 0)}), "2 of orders."),
        (replace(FINE, validation=Validated(20, [], ["b fails for 3"])), "b fails for 3"),
        (replace(FINE, outside={"silver/orders": {"2024-12-31": 4}}), "4 in all: 2024-12-31"),
        (replace(FINE, landing=Landing(files=3, settling=["z.csv"])), "1 file still being written"),
    ],
)
def test_a_note_leaves_the_yes(standing: Standing, note: str) -> None:
    found = trust_of(standing, [], PROGRAM)
    assert found.verdict.startswith("Yes, with 1 note: ")
    assert note in found.notes[0]


def test_an_empty_lake_has_no_numbers_to_trust() -> None:
    empty = replace(FINE, tables=[State("silver/orders", None, None, None)], landing=Landing(waiting={"b": ["x.csv"]}))
    found = trust_of(empty, [], PROGRAM)
    assert found.verdict.startswith("There are no numbers yet")
    assert "x.csv" in found.reasons[0]
