"""`at_most`: a rule that keeps records out, until a day breaks it too often and nothing of the batch is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from project_etl.core.contracts import QUARANTINE, Action, ContractError, on_fail, sql_rule
from project_etl.core.contracts.report import Report, RuleResult
from project_etl.core.engine.base import Engine
from project_etl.core.model.table import Table
from project_etl_tests.small_shop import CUSTOMER, ORDER, SmallShop

D1, D2 = "2025-01-01", "2025-01-02"


def result(at_most: float | None, by_day: dict[str, int], action: Action = QUARANTINE) -> RuleResult:
    return RuleResult("r", action, "a rule", "1", at_most, by_day)


@pytest.mark.parametrize(
    ("at_most", "broken", "failed"),
    [(None, 10, False), (0.1, 1, False), (0.1, 2, True), (0.05, 1, True), (0.99, 9, False), (0.99, 10, True)],
)
def test_a_day_fails_when_more_than_the_share_of_its_records_is_broken(
    at_most: float | None, broken: int, failed: bool
) -> None:
    report = Report(days={D1: {"read": 10}, D2: {"read": 1000}}, rules=(result(at_most, {D1: broken}),))
    assert bool(report.failed) is failed


def test_each_day_is_judged_by_its_own_records() -> None:
    rule = result(0.1, {D1: 5, D2: 5})
    assert rule.failed_days({D1: 10, D2: 1000}) == (D1,)


@pytest.mark.parametrize(
    ("max_share", "broken", "judged", "is_alarm"),
    [
        (0.01, 0, 0, False),
        (0.01, 10, 1000, False),
        (0.01, 11, 1000, True),
        # Few records say little of a share, unless they are most.
        (0.01, 1, 3, False),
        (0.01, 4, 8, False),
        (0.01, 2, 3, True),
        (0.01, 1, 1, True),
        (0.01, 5, 100, True),
        (0.2, 5, 100, False),
        (0, 1, 1000, True),
        (0, 0, 1000, False),
    ],
)
def test_a_rule_warns_when_it_is_broken_by_more_than_its_share(
    max_share: float, broken: int, judged: int, is_alarm: bool
) -> None:
    assert replace(result(None, {D1: broken}), max_share=max_share).is_alarm(judged) is is_alarm


def test_the_share_of_a_warning_is_given_beside_the_action_and_makes_nothing_stale() -> None:
    rules = [sql_rule("r", "true", description="a rule", max_share=share) for share in (0.01, 0.2)]
    assert [rule.max_share for rule in rules] == [0.01, 0.2]
    assert rules[0].version == rules[1].version
    for share in (-0.1, 1, True):
        with pytest.raises(ContractError, match="max_share"):
            on_fail(max_share=share)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """Orders of two days: one of four is not paid, then one of two."""
    shop = SmallShop(tmp_path_factory.mktemp("tolerance"), engine)
    shop.land_rows("customers", D1, CUSTOMER)
    paid = [{**ORDER, "order_id": f"O{n}"} for n in range(4)]
    shop.land_rows("orders", D1, *paid[:3], {**paid[3], "status": "PLACED"})
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O8"}, {**ORDER, "order_id": "O9", "status": "PLACED"})
    shop.bronze("orders", D1, D2)
    shop.bronze("customers", D1, D2)
    shop.silver("customers", D1, D2)
    return shop


def tolerant(shop: SmallShop, at_most: float) -> Table:
    """Silver orders that takes so many orders that are not paid."""
    rule = sql_rule("is_paid", "status = 'PAID'", description="the order is paid", at_most=at_most)
    return replace(shop.tables["silver/orders"], rules=(rule,))


def test_a_correction_publishes_none_that_went_beyond_the_share(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.bronze("customers", D1)
    shop.silver("customers", D1)
    shop.land_rows("orders", D1, ORDER)
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O8"})
    shop.bronze("orders", D1, D2)
    shop.silver("orders", D1, D2, table=tolerant(shop, 0.5))
    # Its own run fails; then another file is corrected.
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O9", "status": "PLACED"})
    shop.land_rows("orders", D1, {**ORDER, "country": "FR"})
    shop.bronze("orders", D1, D2)
    staged = shop.stage_silver("orders", D1, table=tolerant(shop, 0.5))
    staged.discard()
    assert [(rule.name, rule.by_day) for rule in staged.report.failed] == [("is_paid", {D2: 1})]


def test_beyond_the_share_nothing_is_published_and_within_it_the_rest_is(shop: SmallShop) -> None:
    staged = shop.stage_silver("orders", D1, D2, table=tolerant(shop, 0.3))
    staged.discard()
    (failed,) = staged.report.failed
    assert (failed.name, failed.by_day) == ("is_paid", {D1: 1, D2: 1})
    assert shop.rows("silver/orders", "order_id") == []
    shop.silver("orders", D1, D2, table=tolerant(shop, 0.5))
    assert [key for (key,) in shop.rows("silver/orders", "order_id")] == ["O0", "O1", "O2", "O8"]
    assert [rules for *_, rules in shop.quarantined("orders")] == [["is_paid"], ["is_paid"]]
