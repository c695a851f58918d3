"""Silver as a whole: one answer whatever the order, nothing lost, re-running is free."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import deltalake
import pytest

from project_etl.core.contracts.report import SILVER_COUNTS, Report
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Conflict, LakeError, TableStore, locks, state
from project_etl.core.silver import books
from project_etl.core.silver import stage as silver
from project_etl.core.silver.plan import SilverJob, SilverPlan, make_plan
from project_etl_tests.core.silver.given import die_before_quarantine
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
# Items and all that they refer to.
ITEMS = made_of("silver/order_items")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> tuple[SmallShop, dict[str, Report]]:
    """The scene, loaded at once; nobody changes it."""
    shop = SmallShop(tmp_path_factory.mktemp("loaded"), engine)
    scene(shop)
    return shop, shop.load(D1, D2, D3)


@pytest.fixture
def shop(tmp_path: Path, engine: Engine, loaded: tuple[SmallShop, dict[str, Report]]) -> SmallShop:
    """A copy of the loaded scene, to go on from with items and all that they refer to."""
    shutil.copytree(loaded[0].landing.parent, tmp_path, dirs_exist_ok=True)
    return SmallShop(tmp_path, engine, only=ITEMS)


def balanced(report: Report) -> bool:
    """Whether read = published + deduplicated + superseded + quarantined, on every day."""
    return all(
        counts["read"] == counts["accepted"] + counts["deduplicated"] + counts["superseded"] + counts["quarantined"]
        for counts in report.days.values()
    )


def scene(shop: SmallShop) -> None:
    """Three days with everything that happens to records."""
    shop.land_rows("customers", D1, CUSTOMER, {**CUSTOMER, "customer_id": "C2", "email": "not an address"})
    shop.land_rows("customers", D2, {**CUSTOMER, "country": "FR", "updated_at": "2025-01-02T00:00:00Z"})
    shop.land_rows("customers", D3, {**CUSTOMER, "country": "DE", "updated_at": "2025-01-01T12:00:00Z"})
    shop.land_rows("products", D2, PRODUCT)
    shop.land_rows("orders", D1, ORDER, ORDER, {**ORDER, "order_id": "O2", "status": "SHIPED"})
    shop.land_rows(
        "orders", D3, {**ORDER, "status": "RETURNED", "updated_at": "2025-01-03T00:00:00Z"}, {**ORDER, "order_id": "O3"}
    )
    shop.land_rows(
        "order_items",
        D1,
        ITEM,
        {**ITEM, "order_item_id": "I2", "order_id": "O3"},
        {**ITEM, "order_item_id": "I3", "quantity": "0"},
    )
    shop.land_rows("fx_rates", D1, {"rate_date": D1, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.85"})


def test_newest_valid_record_wins_and_the_books_balance(loaded: tuple[SmallShop, dict[str, Report]]) -> None:
    shop, reports = loaded
    assert shop.rows("silver/customers", "customer_id", "country") == [("C1", "FR")]
    assert shop.rows("silver/orders", "order_id", "status") == [("O1", "RETURNED"), ("O3", "PAID")]
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",), ("I2",)]
    assert shop.quarantined("customers") == [("shop/customers/2025-01-01/customers.jsonl", 2, ["email_str_matches"])]
    assert [rules for *_, rules in shop.quarantined("orders")] == [["status_isin"]]
    assert [rules for *_, rules in shop.quarantined("order_items")] == [["quantity_greater_than"]]
    assert all(balanced(report) for name, report in reports.items() if name.startswith("silver/"))
    assert reports["silver/orders"].days[D1] == {
        "read": 3,
        "accepted": 0,
        "deduplicated": 1,
        "superseded": 1,
        "quarantined": 1,
    }


def test_history_holds_every_version(loaded: tuple[SmallShop, dict[str, Report]]) -> None:
    shop, _ = loaded
    versions = shop.rows("silver/customers_history", "valid_from", "country", "valid_to", "is_current")
    assert [(country, current) for _, country, _, current in versions] == [("GB", False), ("DE", False), ("FR", True)]
    assert [later[0] for later in versions[1:]] == [version[2] for version in versions[:-1]]
    assert versions[-1][2] is None


def test_order_of_arrival_does_not_matter(
    tmp_path: Path, engine: Engine, loaded: tuple[SmallShop, dict[str, Report]]
) -> None:
    by_day = SmallShop(tmp_path, engine)
    scene(by_day)
    for day in (D3, D2, D1):
        by_day.load(day)
    assert by_day.state() == loaded[0].state()


def test_running_again_changes_nothing(loaded: tuple[SmallShop, dict[str, Report]]) -> None:
    shop, first = loaded
    versions = {name: shop.version(name) for name in first}
    again = shop.load(D1, D2, D3)
    assert {name: shop.version(name) for name in again} == versions
    for name in again:
        if name.startswith("silver/"):
            assert again[name].days == first[name].days
            assert [(rule.name, rule.by_day) for rule in again[name].rules] == [
                (rule.name, rule.by_day) for rule in first[name].rules
            ]


def test_replaced_file_says_only_what_its_new_bytes_say(shop: SmallShop) -> None:
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O9"})
    shop.load(D3)
    assert shop.rows("silver/orders", "order_id", "status") == [("O1", "PAID"), ("O9", "PAID")]
    # The item of the order that is gone waits for it again.
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",)]
    assert [(row, rules) for _, row, rules in shop.quarantined("order_items")] == [
        (2, ["order_exists"]),
        (3, ["quantity_greater_than"]),
    ]
    waits = shop.books("order_items").report
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O3"}, name="again.csv")
    shop.load(D3)
    published = shop.books("order_items").report
    counts = [[report.days[D1][name] for name in SILVER_COUNTS] for report in (waits, published)]
    assert counts == [[3, 1, 0, 0, 2], [3, 2, 0, 0, 1]]
    broken = [{rule.name: rule.broken for rule in report.rules if rule.broken} for report in (waits, published)]
    assert broken == [{"order_exists": 1, "quantity_greater_than": 1}, {"quantity_greater_than": 1}]


def test_a_correction_does_not_bring_in_what_a_day_whose_turn_has_not_come_says(shop: SmallShop) -> None:
    newest = {**ORDER, "status": "SHIPPED", "updated_at": f"{D3}T10:00:00Z"}
    shop.land_rows("orders", D2, newest)
    shop.bronze("orders", D2)
    # Its run died before Silver; another day is corrected, and then what it said is taken back.
    shop.land_rows("orders", D1, {**ORDER, "country": "FR"})
    shop.load(D1)
    shop.land_rows("orders", D2, {**newest, "order_id": "O7"})
    shop.load(D1, D2, D3)
    assert shop.rows("silver/orders", "order_id", "status") == [("O1", "RETURNED"), ("O3", "PAID"), ("O7", "SHIPPED")]


def test_a_correction_that_is_taken_back_when_another_one_has_brought_it_in_leaves_nothing(shop: SmallShop) -> None:
    newest = {**ORDER, "status": "SHIPPED", "updated_at": f"{D3}T10:00:00Z"}
    file = shop.land_rows("orders", D2, newest)
    shop.load(D2)
    said = file.read_bytes()
    # Its run died before Silver; another day is corrected, and then it is as it was.
    shop.land_rows("orders", D2, {**newest, "status": "CANCELLED"}, {**ORDER, "order_id": "O7"})
    shop.bronze("orders", D2)
    shop.land_rows("orders", D1, {**ORDER, "country": "FR"})
    shop.load(D1)
    file.write_bytes(said)
    shop.load(D1, D2, D3)
    assert shop.rows("silver/orders", "order_id", "status") == [("O1", "SHIPPED"), ("O3", "PAID")]
    assert shop.silver("orders", D2).days[D2]["read"] == 1


def test_a_correction_that_arrives_while_a_day_is_judged_is_judged_after_it(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shop.land_rows("orders", D2, {**ORDER, "order_id": "O7"})
    said = file.read_bytes()
    shop.bronze("orders", D2)

    def plan_and_be_overtaken(job: SilverJob) -> SilverPlan:
        plan = make_plan(job)
        shop.land_rows("orders", D2, {**ORDER, "order_id": "O8"})
        shop.bronze("orders", D2)
        return plan

    with monkeypatch.context() as patch:
        patch.setattr(silver, "make_plan", plan_and_be_overtaken)
        shop.silver("orders", D2)
    (read,) = {commit.note["reads"]["bronze/shop/orders"] for commit in shop.lake.commits("silver/orders")[:1]}
    assert read == (shop.version("bronze/shop/orders") or 0) - 1
    # The correction's own run died, and it is taken back.
    file.write_bytes(said)
    shop.load(D2)
    assert shop.rows("silver/orders", "order_id") == [("O1",), ("O3",), ("O7",)]


def test_the_books_of_now_count_the_first_record_that_ever_enters_quarantine(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    for dataset, row in (("products", PRODUCT), ("orders", ORDER), ("order_items", ITEM)):
        shop.land_rows(dataset, D1, row)
    before = shop.load(D1)["silver/order_items"].days[D1]
    shop.land_rows("orders", D1, {**ORDER, "order_id": "O9"})
    shop.load(D1)
    assert before["accepted"] == 1
    assert shop.books("order_items").report.days[D1] == {**before, "accepted": 0, "quarantined": 1}


def test_a_bad_record_whose_parent_goes_breaks_that_rule_too(shop: SmallShop) -> None:
    shop.land_rows("orders", D1, {**ORDER, "order_id": "O8"})
    shop.load(D1)
    (rules,) = [rules for _, row, rules in shop.quarantined("order_items") if row == 3]
    # Its order was in the file that has other bytes now, and comes back with the next.
    assert sorted(rules) == ["quantity_greater_than"]
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O8"})
    shop.load(D3)
    (rules,) = [rules for _, row, rules in shop.quarantined("order_items") if row == 3]
    assert sorted(rules) == ["order_exists", "quantity_greater_than"]


def test_order_that_moves_to_another_day_takes_its_items_along(shop: SmallShop) -> None:
    shop.land_rows(
        "orders",
        D3,
        {**ORDER, "order_ts": "2025-01-02T10:00:00Z", "updated_at": "2025-01-04T00:00:00Z"},
        name="moved.csv",
    )
    shop.load(D3)
    days = {(item, str(day)) for item, day in shop.rows("silver/order_items", "order_item_id", "order_date")}
    assert days == {("I1", D2), ("I2", D1)}
    # Gold computes both days again.
    touched = {name: shop.lake.commits(name)[0].note["touched"] for name in ("silver/orders", "silver/order_items")}
    assert touched == {"silver/orders": [D1, D2], "silver/order_items": [D1, D2]}


def test_order_that_moved_so_long_ago_that_its_change_feed_is_gone_takes_its_items_along(shop: SmallShop) -> None:
    moved = {**ORDER, "order_ts": f"{D2}T10:00:00Z", "updated_at": f"{D3}T12:00:00Z"}
    shop.land_rows("orders", D3, moved, name="moved.csv")
    shop.bronze("orders", D3)
    shop.silver("orders", D3)
    # As VACUUM does when nobody has judged the items for a week.
    shutil.rmtree(Path(shop.lake.path("silver/orders")) / "_change_data")
    shop.silver("order_items", D3)
    days = shop.rows("silver/order_items", "order_item_id", "order_date")
    assert [(item, str(day)) for item, day in days] == [("I1", D2), ("I2", D1)]


def test_lines_are_numbered_within_their_order(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("gold/fact_order_items"))
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    orders = [{**ORDER, "order_id": order} for order in ("A", "B")]
    lines = [{**ITEM, "order_id": order, "order_item_id": line} for order in ("A", "B") for line in ("1", "2")]
    shop.land_rows("orders", D1, *orders)
    shop.land_rows("order_items", D1, *lines)
    later = {**ITEM, "order_id": "B", "order_item_id": "2", "quantity": "5", "updated_at": f"{D2}T00:00:00Z"}
    shop.land_rows("order_items", D2, later)
    shop.everything(D1, D2)
    found = shop.rows("silver/order_items", "order_id", "order_item_id", "quantity")
    assert found == [("A", "1", 2), ("A", "2", 2), ("B", "1", 2), ("B", "2", 5)]
    assert len(shop.rows("gold/fact_order_items", "order_item_id")) == 4


def test_a_padded_key_finds_its_versions_and_its_parents(shop: SmallShop) -> None:
    padded = {"K1": '"K1  "', "K2": '"\tK2"', "K3": '"K3\u00a0"', "K4": '"=""K4"""', "K5": '"\u200bK5"'}
    shop.land_rows("products", D1, {**PRODUCT, "product_id": f" {PRODUCT['product_id']}\u3000"})
    # A line waits, under the clean key, for an order that comes under the padded one.
    shop.land_rows("order_items", D1, *({**ITEM, "order_id": key} for key in padded))
    shop.load(D1)
    assert shop.rows("silver/order_items") == []
    shop.land_rows("orders", D2, *({**ORDER, "order_id": text} for text in padded.values()))
    shop.load(D2)
    assert shop.rows("silver/order_items", "order_id") == [(key,) for key in padded]
    later = {**ORDER, "status": "CANCELLED", "updated_at": f"{D3}T00:00:00Z"}
    shop.land_rows("orders", D3, *({**later, "order_id": key} for key in padded))
    shop.load(D3)
    of_keys = [row for row in shop.rows("silver/orders", "order_id", "status") if "K" in row[0]]
    assert of_keys == [(key, "CANCELLED") for key in padded]


def test_a_bad_record_says_the_same_whenever_its_customer_comes(shop: SmallShop) -> None:
    # An order only warns of an unknown customer, and waits for none.
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O5", "customer_id": "C9", "status": "lost"})
    shop.load(D2)
    shop.land_rows("customers", D3, {**CUSTOMER, "customer_id": "C9"}, name="late.jsonl")
    shop.load(D3)
    held = shop.rows("quarantine/orders", "_landing_date", "rules", "is_waiting")
    assert [(rules, waits) for day, rules, waits in held if str(day) == D2] == [(["status_isin"], False)]


def test_a_run_reports_what_it_did_and_the_books_say_what_is_true_now(shop: SmallShop) -> None:
    item = {**ITEM, "order_item_id": "I8", "order_id": "O8"}
    shop.land_rows("order_items", D2, item, {**item, "order_item_id": "I9", "quantity": "0"})
    before = shop.load(D2)["silver/order_items"]
    assert before.days[D2] == {**before.days[D2], "read": 2, "accepted": 0, "quarantined": 2}
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O8"}, name="late.csv")
    then = shop.load(D3)["silver/order_items"]
    assert then.totals["released"] == 1
    # Nothing is judged now: the day is reported as it was when it was judged.
    after = shop.load(D2)["silver/order_items"]
    assert after.days == before.days
    books = shop.books("order_items")
    assert books.report.days[D2] == {**before.days[D2], "accepted": 1, "quarantined": 1}
    broken = [
        {rule.name: rule.by_day[D2] for rule in each.rules if D2 in rule.by_day} for each in (after, books.report)
    ]
    assert broken == [{"order_exists": 2, "quantity_greater_than": 1}, {"quantity_greater_than": 1}]
    assert books.are_right


def test_the_books_name_what_is_wrong_and_what_waits(shop: SmallShop) -> None:
    lake = shop.lake
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O5"})
    shop.bronze("orders", D2)
    assert (shop.books("orders").behind, shop.books("orders").are_right) == ((D2,), True)
    assert D2 not in shop.books("orders").report.days
    # An operator changes a row, and loses one that was kept out.
    deltalake.DeltaTable(lake.path("silver/orders")).update(new_values={"status": "LOST"}, predicate="order_id = 'O3'")
    deltalake.DeltaTable(lake.path("quarantine/orders")).delete("_row_number = 3")
    wrong = shop.books("orders")
    assert (wrong.rows_wrong, wrong.quarantine_wrong, wrong.are_right) == (1, 1, False)
    # A file with other bytes: the next run changes rows, so that nothing can be compared before it.
    shop.land_rows("orders", D1, ORDER)
    shop.bronze("orders", D1)
    assert shop.books("orders").behind == (D1, D2)
    assert shop.books("orders").report.days == {}


def test_what_another_run_commits_between_judging_and_committing_loses_nothing(shop: SmallShop) -> None:
    items = [{**ITEM, "order_item_id": f"I{number}", "order_id": f"O{number}"} for number in (7, 8, 9)]
    shop.land_rows("order_items", D2, *items[1:])
    shop.load(D2)
    # One item waits no longer, one waits on, and one is new and waits.
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O8"})
    shop.land_rows("order_items", D3, items[0])
    for dataset in ("orders", "order_items"):
        shop.bronze(dataset, D2, D3)
    shop.silver("orders", D2)
    staged = shop.stage_silver("order_items", D3)
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O7"}, {**ORDER, "order_id": "O9"}, name="late.csv")
    shop.bronze("orders", D3)
    shop.silver("orders", D3)
    assert staged.publish() is not None
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",), ("I2",), ("I8",)]
    waiting = [f"shop/order_items/{D2}/order_items.csv", f"shop/order_items/{D3}/order_items.csv"]
    assert [file for file, _, rules in shop.quarantined("order_items") if rules == ["order_exists"]] == waiting
    shop.silver("order_items", D2, D3)
    assert shop.rows("silver/order_items", "order_item_id") == [(f"I{number}",) for number in (1, 2, 7, 8, 9)]


def clean_log(lake: TableStore, name: str) -> None:
    """Remove all but the last entry of a log, as Delta does with those that are a year old."""
    state = lake.state(name)
    state.delta.create_checkpoint()
    for version in range(state.version):
        (Path(lake.path(name)) / "_delta_log" / f"{version:020}.json").unlink()
    lake.known.clear()


def test_a_new_day_is_judged_alone_also_when_the_log_has_been_cleaned(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MOST_COMMITS", 1)
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O4"})
    shop.load(D2)
    clean_log(shop.lake, "silver/orders")
    shop.land_rows("orders", "2025-01-04", {**ORDER, "order_id": "O5"})
    shop.bronze("orders", "2025-01-04")
    staged = shop.stage_silver("orders", "2025-01-04")
    assert (list(staged.report.days), staged.remarks) == (["2025-01-04"], ())
    with staged.kept:
        staged.publish()
    (note,) = [commit.note for commit in shop.lake.state("silver/orders").commits_since(2)]
    assert list(note["days"]) == ["2025-01-04"]


def test_all_days_are_judged_again_once_when_journal_and_log_are_gone(shop: SmallShop) -> None:
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O4"})
    shop.load(D2)
    before = shop.state()
    clean_log(shop.lake, "silver/orders")
    staged = shop.stage_silver("orders", D1)
    assert staged.remarks == (
        "All 3 landing days of silver/orders are judged again, once: its log and its journal no longer say which of "
        "them were. No row is lost.",
    )
    with staged.kept:
        staged.publish()
    assert shop.state() == before
    shop.land_rows("orders", "2025-01-04", {**ORDER, "order_id": "O5"})
    shop.bronze("orders", "2025-01-04")
    staged = shop.stage_silver("orders", D1, "2025-01-04")
    assert (sorted(staged.report.days), staged.remarks) == ([D1, "2025-01-04"], ())
    assert shop.stage_silver("orders", D1).commit is None


def test_a_run_that_died_before_it_changed_quarantine_is_made_up_for_by_the_next(shop: SmallShop) -> None:
    # Its order goes, so that the item of another day goes to quarantine.
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O7"})
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I9", "quantity": "0"})
    for dataset, day in (("orders", D3), ("order_items", D2)):
        shop.bronze(dataset, day)
    shop.silver("orders", D3)
    die_before_quarantine(shop, "order_items", D2)
    assert len(shop.quarantined("order_items")) == 1
    # Whatever day is asked for.
    shop.silver("order_items", D1)
    held = [(row, rules) for _, row, rules in shop.quarantined("order_items")]
    assert held == [(2, ["order_exists"]), (3, ["quantity_greater_than"]), (1, ["quantity_greater_than"])]
    assert shop.books("order_items").are_right
    assert shop.stage_silver("order_items", D1, D2).commit is None


def test_records_that_a_dead_run_had_released_leave_quarantine(shop: SmallShop) -> None:
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I9", "order_id": "O9"})
    shop.load(D2)
    assert len(shop.quarantined("order_items")) == 2
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O9"})
    shop.bronze("orders", D2)
    shop.silver("orders", D2)
    die_before_quarantine(shop, "order_items", D3)
    assert ("I9",) in shop.rows("silver/order_items", "order_item_id")
    assert len(shop.quarantined("order_items")) == 2
    shop.silver("order_items", D3)
    assert len(shop.quarantined("order_items")) == 1
    assert shop.books("order_items").are_right


def test_same_bytes_under_another_name_are_not_loaded_again(shop: SmallShop) -> None:
    versions = {name: shop.version(name) for name in ("bronze/shop/orders", "silver/orders")}
    original = shop.landing / "shop/orders" / D1 / "orders.csv"
    (original.parent / "orders_copy.csv").write_bytes(original.read_bytes())
    shop.load(D1)
    assert {name: shop.version(name) for name in versions} == versions
    assert shop.not_loaded() == [(f"shop/orders/{D1}/orders_copy.csv", "file_unique")]


def replace_what_a_copy_outlives(shop: SmallShop) -> None:
    """A copy is known and leaves; then the file that it copied says something else."""
    original = shop.landing / "shop/orders" / D1 / "orders.csv"
    copy = original.parent / "orders_copy.csv"
    copy.write_bytes(original.read_bytes())
    shop.bronze("orders", D1)
    copy.unlink()
    shop.land_rows("orders", D1, {**ORDER, "order_id": "O7"})


def orders_of_the_day(shop: SmallShop) -> list[str]:
    held = shop.rows("bronze/shop/orders", "order_id", "_source_file")
    return [order for order, file in held if f"/{D1}/" in file]


def test_copy_counts_when_the_file_it_copies_is_replaced(shop: SmallShop) -> None:
    replace_what_a_copy_outlives(shop)
    shop.load(D1)
    assert orders_of_the_day(shop) == ["O1", "O1", "O2", "O7"]
    assert [key for (key,) in shop.rows("silver/orders", "order_id")] == ["O1", "O3", "O7"]


def test_removed_file_still_counts(shop: SmallShop) -> None:
    before = shop.state()
    (shop.landing / "shop/orders" / D1 / "orders.csv").unlink()
    shop.load(D1)
    assert shop.state() == before


def test_quarantine_is_left_alone_while_another_process_writes_it(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_SECONDS", 0.1)
    shop.land_rows("customers", D2, {**CUSTOMER, "customer_id": "C3", "email": "nowhere"}, name="later.jsonl")
    shop.bronze("customers", D2)
    versions = {name: shop.lake.version(name) for name in ("silver/customers", "quarantine/customers")}
    with shop.lake.lock("quarantine/customers"), pytest.raises(LakeError, match="quarantine/customers has been locked"):
        shop.silver("customers", D2)
    assert {name: shop.lake.version(name) for name in versions} == versions
    shop.silver("customers", D2)
    assert len(shop.quarantined("customers")) == 2


def test_a_parent_that_was_made_anew_is_another_one(shop: SmallShop) -> None:
    # Somebody moves an order, and its item follows; then the order is made anew, which brings the same version numbers.
    deltalake.DeltaTable(shop.lake.path("silver/orders")).update(
        new_values={"order_date": "2024-12-31"}, predicate="order_id = 'O1'"
    )
    shop.silver("order_items", D1)
    tampered = shop.lake.data_version("silver/orders")
    for name in ("silver/orders", "quarantine/orders"):
        shutil.rmtree(shop.lake.path(name))
    shop.silver("orders", D1)
    shop.silver("orders", D3)
    assert shop.lake.data_version("silver/orders") == tampered
    shop.silver("order_items", D1)
    assert {str(day) for _, day in shop.rows("silver/order_items", "order_item_id", "order_date")} == {D1}


def test_of_two_processes_that_no_lock_keeps_apart_one_changes_quarantine(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableStore, "lock", lambda *_: nullcontext())
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I9", "quantity": "0"})
    shop.bronze("order_items", D2)
    slow = shop.stage_silver("order_items", D2)
    shop.silver("order_items", D2)
    with slow.kept, pytest.raises(Conflict):
        slow.publish()
    assert len(shop.quarantined("order_items")) == 2
    assert shop.books("order_items").are_right


def test_the_books_are_those_of_one_moment(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I9", "order_id": "O9"})
    shop.load(D2)
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O9"})
    judge = books.judge_batch

    def overtaken(*args: Any) -> Any:
        # A run releases a record while the books are made.
        judged = judge(*args)
        monkeypatch.setattr(books, "judge_batch", judge)
        shop.bronze("orders", D2)
        shop.silver("orders", D2)
        shop.silver("order_items", D2)
        return judged

    monkeypatch.setattr(books, "judge_batch", overtaken)
    assert shop.books("order_items").are_right
    assert shop.books("order_items").are_right
