"""One answer: whatever happens in whatever order, the lake says what one says that was built from scratch."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.internal.conjecture import engine as search
from hypothesis.stateful import run_state_machine_as_test

from project_etl.core.engine.base import Engine
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.promises.machine import DATASETS, DAYS, LANDING_DAYS, RETAIL, machine
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

EVERYTHING, EVER = set(DATASETS), DAYS[:LANDING_DAYS]
# A table of a day, one that looks back, one behind a snapshot, and snapshots. The written week and the soak have all.
SOME = made_of(
    "gold/daily_aov",
    "gold/daily_refunds",
    "gold/funnel",
    "gold/category_growth_wow",
    "gold/new_vs_returning",
    "gold/customer_ltv",
)
EXAMPLES = settings(
    deadline=None, database=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large)
)


# Names the examples of an earlier run, which said its number.
SEED = "STATE_MACHINE_SEED"


@contextmanager
def told_on_failure(what: str) -> Generator[None]:
    """Add a line to whatever error the block raises."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise


@pytest.mark.timeout(1500)
def test_a_week_in_which_everything_happens(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One life of the state machine, written down: what Hypothesis would take hours to think of."""
    day1, day2, day3, day4 = EVER
    second = {**ORDER, "order_id": "O2", "customer_id": "C2", "currency": "GBP", "order_ts": f"{day2}T12:00:00Z"}
    item = {**ITEM, "order_item_id": "I2", "order_id": "O2"}
    life = machine(engine, tmp_path_factory)()
    try:
        life.a_shop_opens()
        life.load_and_die(EVERYTHING, EVER, lives=43)
        life.load(EVERYTHING, EVER)
        # The item's order and the order's customer come later, and what is wrong with them too.
        life.land([("order_items", day1, "a", [item, {**item, "order_item_id": "I3", "quantity": "0"}])])
        life.load({"order_items"}, (day1,))
        life.land([("orders", day2, "a", [second, {**second, "order_id": "O3", "status": "lost"}])])
        life.copy("orders", day1, "b")
        life.sensors_tick()
        # New bytes under an old name; a file that goes; a version that is older than the one that is known.
        life.land(
            [("orders", day2, "a", [{**second, "order_ts": f"{day4}T00:00:00Z", "updated_at": f"{day4}T00:00:00Z"}])]
        )
        life.remove("orders", day1)
        life.land([("customers", day3, "a", [{**CUSTOMER, "customer_id": "C2"}, {**CUSTOMER, "country": "nowhere"}])])
        life.load_and_die(EVERYTHING, (day2, day3), lives=5)
        life.backfill_and_die(EVER, lives=3)
        life.tidy()
        life.land([("products", day4, "a", [{**PRODUCT, "category": "garden", "updated_at": f"{day1}T12:00:00Z"}])])
        life.land(
            [
                (
                    "fx_rates",
                    day4,
                    "a",
                    [{"rate_date": day3, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.9"}],
                )
            ]
        )
        life.load({"fx_rates", "products"}, EVER)
        # What is gone, one of them for a while; ids as spreadsheets leave them; the other source has an O1 of its own.
        gone = {"updated_at": f"{day4}T00:00:00Z", "_deleted": "true"}
        life.land([("orders", day4, "b", [{"order_id": " O2\u00a0", **gone}])])
        life.land(
            [("products", day3, "b", [{"product_id": "P1", "updated_at": f"{day2}T00:00:00Z", "_deleted": True}])]
        )
        life.load({"orders", "products", "order_items"}, EVER)
        life.land([("products", day4, "b", [{**PRODUCT, "updated_at": f"{day3}T00:00:00Z"}])])
        line = {"InvoiceNo": '="O1"', "StockCode": "P1", "Description": "CUP", "Quantity": "2.0"}
        line |= {"InvoiceDate": f"{day2} 08:00:00+00", "UnitPrice": "1.5", "CustomerID": "NULL", "Country": "EIRE"}
        life.land([(RETAIL, day2, "a", [line, {**line, "InvoiceDate": "1899-12-31", "InvoiceNo": "R9"}])])
        assert len(life.deaths) >= 2, life.deaths
    finally:
        life.teardown()


def test_a_backfill_of_all_history_one_newest_first_and_one_around_a_gap_give_one_answer(
    engine: Engine, tmp_path: Path
) -> None:
    at_once, piecemeal = (SmallShop(tmp_path / name, engine, only=SOME) for name in ("at once", "piecemeal"))
    at_once.landing = piecemeal.landing
    day1, day2, day3, _ = EVER
    piecemeal.land_rows("customers", day1, CUSTOMER)
    piecemeal.land_rows("customers", day3, {**CUSTOMER, "country": "FR", "updated_at": f"{day3}T00:00:00Z"})
    piecemeal.land_rows("products", day1, PRODUCT)
    # Each day has an order of its own and one of the first day, which is late by then; the gap corrects an older one.
    for number, day in enumerate((day1, day2, day3)):
        own = {**ORDER, "order_id": f"O{number}", "order_ts": f"{day}T09:00:00Z", "updated_at": f"{day}T09:00:00Z"}
        late = {**ORDER, "order_id": f"L{number}"}
        corrected = {**ORDER, "order_id": "O0", "status": "CANCELLED", "updated_at": f"{day}T10:00:00Z"}
        piecemeal.land_rows("orders", day, own, late, *([corrected] if day == day2 else []))
        items = [
            {**ITEM, "order_item_id": f"I-{order['order_id']}", "order_id": order["order_id"]} for order in (own, late)
        ]
        piecemeal.land_rows("order_items", day, *items)

    at_once.everything(*EVER)
    for day in (day3, day1, day2):
        piecemeal.everything(day)
    # What came late reaches other days, too; `changed_days` asks for these.
    piecemeal.all_gold(*EVER)
    assert_same(contents(piecemeal.lake), contents(at_once.lake))


@pytest.mark.timeout(1500)
def test_any_order_gives_one_answer(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    number = int(os.environ.get(SEED, secrets.randbits(32)))
    # The first is always the simplest one.
    few = settings(EXAMPLES, max_examples=2, stateful_step_count=8)
    with told_on_failure(f"run again with {SEED}={number}"):
        run_state_machine_as_test(seed(number)(machine(engine, tmp_path_factory, SOME)), settings=few)


@pytest.mark.soak
def test_any_order_gives_one_answer_for_an_hour(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    soak_minutes: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Other examples each time, a minute or more each. One that fails is first made smaller, for half an hour.
    monkeypatch.setattr(search, "MAX_SHRINKING_SECONDS", 30 * soak_minutes)
    some = settings(EXAMPLES, max_examples=50, stateful_step_count=20)
    end = time.monotonic() + 60 * soak_minutes
    while time.monotonic() < end:
        run_state_machine_as_test(machine(engine, tmp_path_factory), settings=some)
