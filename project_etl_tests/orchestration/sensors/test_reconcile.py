"""What a sensor asks for, given what is wanted and how earlier runs ended: a shop lived through without Dagster."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

import dagster as dg
import pytest

from project_etl.core.model.days import Stretch, each_day
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.orchestration.run_tags import CONTENT_TAG, STATE_TAG, WHY_TAG
from project_etl.orchestration.sensors.reconcile import (
    LONG_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MOST_TRIES,
    Asker,
    Goal,
    Past,
    Wanted,
    answer,
)
from project_etl.orchestration.sensors.runs import Run

ORDERS = frozenset({"bronze/shop/orders"})
ASKER = Asker("new_files", "/lake", "code")
HOUR = 3600.0


def day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number - 1)


@dataclass
class Shop:
    """Days that are to be loaded, and a sensor that ticks every half minute.

    Attributes:
        wanted: days that are not loaded.
        fails: whether a run of some days fails, at a time.
        changed: day → when it last changed.
        runs: all runs, the newest first.
        now: seconds.
        changes: whether a run that succeeds changes a table.
    """

    wanted: set[date]
    fails: Callable[[Stretch, float], bool]
    changed: dict[date, float] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    now: float = 1_000_000.0
    changes: bool = True

    def goal(self) -> Goal:
        # What succeeds changes a table.
        state = str(sum(run.is_success for run in self.runs) if self.changes else 0)
        return Goal({each: Wanted(ORDERS, (f"news of {each}",)) for each in self.wanted}, state, self.changed_at)

    def changed_at(self, asked: Collection[date]) -> dict[date, float]:
        return {each: self.changed[each] for each in asked if each in self.changed}

    def ask(self) -> dg.RunRequest | str:
        failed = [run for run in self.runs if not run.is_success]
        return answer(ASKER, self.goal(), Past((), self.runs[:50], failed), self.now)

    def tick(self) -> dg.RunRequest | str:
        """Ask, and let what is asked for end within the tick."""
        asked = self.ask() if self.wanted else "nothing new"
        if isinstance(asked, dg.RunRequest):
            days = days_of(asked)
            is_success = not self.fails(days, self.now)
            tables = frozenset("/".join(key.path) for key in asked.asset_selection or ())
            state, content = asked.tags[STATE_TAG], asked.tags[CONTENT_TAG]
            end = self.now + 10
            run = Run(f"run{len(self.runs)}", days, tables, ASKER.name, state, content, self.now, end, is_success)
            self.runs.insert(0, run)
            if is_success:
                self.wanted -= set(each_day(*days))
        self.now += 30
        return asked

    def live(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.tick()


def days_of(asked: dg.RunRequest | str) -> Stretch:
    assert isinstance(asked, dg.RunRequest), asked
    return date.fromisoformat(asked.tags[RANGE_START]), date.fromisoformat(asked.tags[RANGE_END])


def year() -> set[date]:
    return {day(number) for number in range(1, 366)}


def bad(*numbers: int) -> Callable[[Stretch, float], bool]:
    return lambda days, _: any(days[0] <= day(number) <= days[1] for number in numbers)


def test_days_that_adjoin_are_one_run_one_after_the_other() -> None:
    shop = Shop({day(1), day(2), day(9)}, bad())
    assert days_of(shop.tick()) == (day(1), day(2))
    asked = shop.tick()
    assert days_of(asked) == (day(9), day(9))
    assert isinstance(asked, dg.RunRequest)
    assert asked.tags[WHY_TAG] == "news of 2025-01-09"
    assert shop.tick() == "nothing new"


def test_a_run_of_the_sensors_own_is_waited_for_and_so_is_one_of_others_for_the_same() -> None:
    goal = Goal({day(5): Wanted(ORDERS, ("news",))}, "state")
    own = Run("12345678abc", (day(8), day(9)), ORDERS, ASKER.name, "", "", 0, None, False)

    def said(run: Run) -> dg.RunRequest | str:
        return answer(ASKER, goal, Past([run]), 0)

    assert said(own) == "waits for run 12345678 for 2025-01-08 to 2025-01-09"
    others = replace(own, asker=None)
    assert days_of(said(others)) == (day(5), day(5)), "other days"
    same = replace(others, days=(day(1), day(5)))
    assert said(same) == (
        "waits for run 12345678 for 2025-01-01 to 2025-01-05, which makes some of 2025-01-05 of 1 tables"
    )
    assert said(replace(same, tables=None)) == said(same), "a run of all tables"
    assert days_of(said(replace(same, tables=frozenset({"gold/daily_aov"})))) == (day(5), day(5)), "other tables"


def test_a_range_that_failed_twice_is_asked_for_in_halves() -> None:
    shop = Shop({day(number) for number in range(1, 5)}, bad(1, 2, 3, 4))
    assert days_of(shop.tick()) == (day(1), day(4))
    assert (
        shop.tick()
        == "waits until 1970-01-12 13:47:50 UTC to try again 2025-01-01 to 2025-01-04 of 1 tables (failed 1 times)"
    )
    shop.now += 60
    assert days_of(shop.tick()) == (day(1), day(4))
    assert days_of(shop.tick()) == (day(1), day(2))
    assert days_of(shop.tick()) == (day(3), day(4))


def test_a_bad_day_is_alone_within_half_an_hour_and_holds_up_no_other() -> None:
    shop = Shop(year(), bad(68))
    shop.live(HOUR / 2)
    assert shop.wanted == {day(68)}
    shop.live(24 * HOUR)
    tries = [run.begun for run in shop.runs if run.days == (day(68), day(68))]
    # After 1, 2, 4 and 8 minutes, and then four times a day.
    pauses = [(later - earlier) // 60 for earlier, later in pairwise(reversed(tries))]
    assert pauses[: MOST_TRIES - 1] == [1, 2, 4, 8]
    assert set(pauses[MOST_TRIES - 1 :]) == {LONG_PAUSE_SECONDS // 60}
    # What lands meanwhile goes its way.
    shop.wanted.add(day(69))
    assert days_of(shop.tick()) == (day(69), day(69))
    shop.fails = bad()
    shop.live(LONG_PAUSE_SECONDS)
    assert shop.wanted == set()


def test_a_bad_day_that_changes_is_as_new() -> None:
    shop = Shop({day(1)}, bad(1))
    shop.live(2 * HOUR)
    assert "(failed 5 times)" in str(shop.ask())
    shop.changed[day(1)] = shop.now
    assert days_of(shop.tick()) == (day(1), day(1))
    assert "(failed 1 times)" in str(shop.ask()), "it has its pauses again"


def test_an_outage_makes_few_runs_and_loses_no_day() -> None:
    begun = Shop(set(), bad()).now
    shop = Shop(year(), lambda _, now: now < begun + 4 * HOUR)
    shop.live(4 * HOUR)
    assert len(shop.runs) < 4 * HOUR / LONGEST_PAUSE_SECONDS + 10
    assert "different runs failed" in str(shop.ask())
    shop.live(HOUR)
    assert shop.wanted == set()


def test_what_succeeds_and_changes_nothing_is_not_asked_for_all_the_time_and_holds_up_no_other() -> None:
    shop = Shop({day(1)}, bad(), changes=False)
    shop.tick()
    shop.wanted.add(day(1))
    assert "run0 succeeded, and all is as it was before it" in str(shop.ask())
    shop.wanted.add(day(5))
    assert days_of(shop.tick()) == (day(5), day(5))
    assert "run0 succeeded, and all is as it was before it" in str(shop.ask())
    shop.wanted.add(day(2))
    assert days_of(shop.ask()) == (day(1), day(2)), "something else is wanted"
    shop.wanted.remove(day(2))
    shop.now += LONGEST_PAUSE_SECONDS
    assert days_of(shop.ask()) == (day(1), day(1))


def test_days_that_follow_come_along_but_not_while_what_they_follow_fails() -> None:
    def goal(*, also: bool) -> Goal:
        days = {day(number): Wanted(ORDERS, ("news",), follows=number > 5) for number in (5, 6, 7)}
        return Goal(days | ({day(20): Wanted(ORDERS, ("more",))} if also else {}), "state")

    first = answer(ASKER, goal(also=False), Past(), 0)
    assert days_of(first) == (day(5), day(7))
    failed = Run("run", (day(5), day(7)), ORDERS, ASKER.name, "state", "content", 0, 10, False)
    past = Past((), [failed], [failed])
    assert days_of(answer(ASKER, goal(also=True), past, 20)) == (day(20), day(20))
    assert "to try again 2025-01-05 of 1 tables" in str(answer(ASKER, goal(also=False), past, 20))
    assert days_of(answer(ASKER, goal(also=False), past, 100)) == (day(5), day(5))


@pytest.mark.parametrize("asker", [replace(ASKER, code="other"), replace(ASKER, lake="/other")])
def test_the_same_on_another_lake_or_for_other_code_is_another_request(asker: Asker) -> None:
    # Dagster makes no second run for a key, whatever became of the first.
    goal = Goal({day(1): Wanted(ORDERS, ("news",))}, "state")
    keys = [answer(each, goal, Past(), 0) for each in (ASKER, asker)]
    assert len({asked.run_key for asked in keys if isinstance(asked, dg.RunRequest)}) == 2


def test_a_tick_that_died_asks_with_the_same_key_and_a_later_one_with_another() -> None:
    shop = Shop({day(1)}, bad())
    keys = []
    for _ in range(2):
        asked = shop.ask()
        assert isinstance(asked, dg.RunRequest)
        keys.append(asked.run_key)
        shop.now += 30
    assert keys[0] == keys[1]
    shop.fails = bad(1)
    shop.tick()
    shop.now += 60
    again = shop.ask()
    assert isinstance(again, dg.RunRequest)
    assert again.run_key != keys[0]


def test_scattered_days_are_few_runs_but_never_over_a_day_that_fails() -> None:
    shop = Shop({day(number) for number in (1, 3, 5, 20, 40)}, bad())
    assert days_of(shop.tick()) == (day(1), day(5))
    shop = Shop({day(1)}, bad(1))
    shop.tick()
    shop.wanted = {day(number) for number in (1, 3, 5, 20, 40)}
    assert days_of(shop.tick()) == (day(3), day(3))


def test_what_people_read_fits_a_tag() -> None:
    goal = Goal({day(1): Wanted(ORDERS, ("x" * 500,))}, "state")
    asked = answer(ASKER, goal, Past(), 0)
    assert isinstance(asked, dg.RunRequest)
    assert len(asked.tags[WHY_TAG]) == 250


@pytest.mark.parametrize("is_behind", [False, True])
def test_tables_of_all_days_of_a_run_are_asked_for(is_behind: bool) -> None:
    items = frozenset({"silver/order_items"}) if is_behind else ORDERS
    goal = Goal({day(1): Wanted(ORDERS, ("a",)), day(2): Wanted(items, ("b",))}, "state")
    asked = answer(ASKER, goal, Past(), 0)
    assert isinstance(asked, dg.RunRequest)
    assert {"/".join(key.path) for key in asked.asset_selection or ()} == ORDERS | items
    assert asked.tags[WHY_TAG] == "a; b"
