"""Records that say that something is gone, and what stands in quarantine beside the rows that go on."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from project_etl.core.contracts.report import quality_score
from project_etl.core.engine.base import Engine
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")


def gone(at: str) -> dict[str, object]:
    return {"customer_id": "C1", "updated_at": at, "_deleted": True}


THEN = CUSTOMER | {"updated_at": "2024-12-01"}
# Records of one customer, of which the newest says that it is gone, or that it is there again.
STAYS_GONE = (THEN, gone("2024-12-02"))
COMES_BACK = (*STAYS_GONE, THEN | {"updated_at": "2024-12-03", "city": "Bath"})


def test_a_deletion_is_a_version_like_any_other_in_every_order_of_arrival(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    # A customer for each order in which its records may arrive, one a day.
    orders = [*permutations(STAYS_GONE), *permutations(COMES_BACK)]
    for number, day in enumerate(DAYS):
        landing = [order[number] | {"customer_id": f"C{n}"} for n, order in enumerate(orders) if number < len(order)]
        shop.land_rows("customers", day, *landing)
        shop.bronze("customers", day)
        report = shop.silver("customers", day)
        assert (report.total("read"), report.total("quarantined")) == (len(landing), 0)
    back = [(f"C{n}", "Bath") for n, order in enumerate(orders) if len(order) == len(COMES_BACK)]
    assert shop.rows("silver/customers", "customer_id", "city") == back
    assert shop.books("customers").are_right


def test_a_customer_whose_deletion_is_corrected_is_there_again(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", DAYS[0], CUSTOMER)
    shop.land_rows("customers", DAYS[1], gone("2025-01-02"))
    for day in DAYS[:2]:
        shop.bronze("customers", day)
        shop.silver("customers", day)
    assert shop.rows("silver/customers", "customer_id") == []
    shop.land_rows("customers", DAYS[1], CUSTOMER | {"customer_id": "C9"})
    shop.bronze("customers", DAYS[1])
    shop.silver("customers", DAYS[1])
    assert shop.rows("silver/customers", "customer_id") == [("C1",), ("C9",)]


def test_a_corrected_deletion_is_seen_when_another_day_is_asked_for(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    others = [CUSTOMER | {"customer_id": "C5"}, CUSTOMER | {"customer_id": "C5", "city": "York"}]
    for records in ([CUSTOMER, gone("2025-01-02"), others[0]], [CUSTOMER, CUSTOMER | {"customer_id": "C9"}, others[1]]):
        for day, record in zip(DAYS, records, strict=True):
            shop.land_rows("customers", day, record)
        shop.bronze("customers", *DAYS)
        shop.silver("customers", *(DAYS if records[2] is others[0] else DAYS[2:]))
    shop.silver("customers", *DAYS)
    assert shop.rows("silver/customers", "customer_id") == [("C1",), ("C5",), ("C9",)]
    assert shop.books("customers").are_right


def test_a_deletion_is_said_in_many_words(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    words = ["true", "TRUE", " yes ", "1", "1.0", True, 1.0]
    goes = [CUSTOMER | {"customer_id": f"G{n}", "_deleted": word} for n, word in enumerate(words)]
    stays = [
        CUSTOMER | {"customer_id": f"S{n}", "_deleted": no} for n, no in enumerate(["false", "0.0", "", "nan", None])
    ]
    shop.land_rows("customers", DAYS[0], *goes, *stays)
    shop.bronze("customers", DAYS[0])
    shop.silver("customers", DAYS[0])
    assert shop.rows("silver/customers", "customer_id") == [(f"S{n}",) for n in range(len(stays))]


def test_a_history_ends_where_the_thing_was_deleted(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/customers_history"))
    shop.land_rows("customers", DAYS[0], CUSTOMER)
    shop.land_rows("customers", DAYS[1], {"customer_id": "C1", "updated_at": "2025-01-02", "_deleted": True})
    shop.load(*DAYS[:2])
    columns = ("valid_from", "valid_to", "is_current")
    days = [
        (str(since)[:10], str(until)[:10], is_current)
        for since, until, is_current in shop.rows("silver/customers_history", *columns)
    ]
    assert days == [("2025-01-01", "2025-01-02", False)]
    # An older version that comes late ends there, too, and a newer one begins again.
    shop.land_rows(
        "customers",
        DAYS[2],
        CUSTOMER | {"updated_at": "2025-01-01T12:00:00Z", "city": "York"},
        CUSTOMER | {"updated_at": "2025-01-03", "city": "Bath"},
    )
    shop.load(DAYS[2])
    rows = sorted(shop.rows("silver/customers_history", "valid_from", "valid_to", "is_current", "city"), key=str)
    assert [(str(since)[:13], str(until)[:13], *rest) for since, until, *rest in rows] == [
        ("2025-01-01 00", "2025-01-01 12", False, None),
        ("2025-01-01 12", "2025-01-02 00", False, "York"),
        ("2025-01-03 00", "None", True, "Bath"),
    ]
    assert shop.rows("silver/customers", "city") == [("Bath",)]
    assert shop.books("customers_history").are_right


def test_children_of_a_deleted_parent_wait(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("gold/daily_aov"))
    for dataset, record in (("customers", CUSTOMER), ("products", PRODUCT), ("orders", ORDER), ("order_items", ITEM)):
        shop.land_rows(dataset, DAYS[0], record)
    shop.land("fx_rates", DAYS[0], "rate_date,base_currency,quote_currency,rate\n2025-01-01,GBP,EUR,1.2\n")
    shop.everything(DAYS[0])
    assert shop.rows("gold/daily_aov", "orders") == [(1,)]
    shop.land_rows("products", DAYS[1], {"product_id": "P1", "updated_at": "2025-01-02", "_deleted": True})
    shop.everything(*DAYS[:2])
    assert shop.rows("silver/order_items", "order_item_id") == []
    assert shop.quarantined("order_items") == [(f"shop/order_items/{DAYS[0]}/order_items.csv", 1, ["product_exists"])]
    assert shop.rows("gold/daily_aov", "orders") == []
    shop.land_rows("products", DAYS[2], PRODUCT | {"updated_at": "2025-01-03"})
    shop.everything(*DAYS)
    assert (shop.rows("silver/order_items", "order_item_id"), shop.quarantined("order_items")) == ([("I1",)], [])
    assert shop.rows("gold/daily_aov", "orders") == [(1,)]


def test_a_record_that_waits_and_says_nothing_readable_of_its_deletion_stays_out(
    tmp_path: Path, engine: Engine
) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/order_items"))
    shop.land_rows("products", DAYS[0], PRODUCT)
    shop.land_rows("order_items", DAYS[0], ITEM | {"_deleted": "perhaps"})
    shop.land_rows("orders", DAYS[1], ORDER)
    place = (f"shop/order_items/{DAYS[0]}/order_items.csv", 1)
    shop.load(DAYS[0])
    assert shop.quarantined("order_items") == [(*place, ["deletion_readable", "order_exists"])]
    shop.load(DAYS[1])
    assert shop.quarantined("order_items") == [(*place, ["deletion_readable"])]
    assert shop.rows("silver/order_items", "order_item_id") == []


def test_a_record_that_waits_says_nothing_of_its_deletion_in_the_words_of_the_settings(
    tmp_path: Path, engine: Engine
) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/order_items"))
    shop.settings = shop.settings.model_copy(update={"words_for_nothing": ("leer",)})
    shop.land_rows("order_items", DAYS[0], ITEM | {"_deleted": "leer"})
    shop.load(DAYS[0])
    assert [rules for _, _, rules in shop.quarantined("order_items")] == [["order_exists", "product_exists"]]
    shop.land_rows("products", DAYS[1], PRODUCT)
    shop.land_rows("orders", DAYS[1], ORDER)
    shop.load(DAYS[1])
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",)]


@pytest.mark.parametrize("together", [True, False])
def test_a_newer_version_that_is_kept_out_is_told(tmp_path: Path, engine: Engine, together: bool) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/orders"))
    shop.land_rows("orders", DAYS[0], ORDER, ORDER | {"order_id": "O2"})
    newer = {"status": "LOST", "updated_at": "2025-01-02T00:00:00Z"}
    older = {"order_id": "O2", "status": "LOST", "updated_at": "2024-12-31T00:00:00Z"}
    shop.land_rows("orders", DAYS[1], ORDER | newer, ORDER | older)
    days = [DAYS[:2]] if together else [DAYS[:1], DAYS[1:2]]
    report = [shop.load(*batch)["silver/orders"] for batch in days][-1]
    (told,) = (rule for rule in report.rules if rule.name == "newer_version_quarantined")
    assert (told.by_day, told.failed_days({})) == ({DAYS[1]: 1}, ())
    assert "O1" in told.samples[0]
    # When it is corrected, nothing is told any more.
    shop.land_rows("orders", DAYS[1], ORDER | newer | {"status": "SHIPPED"})
    report = shop.load(DAYS[1])["silver/orders"]
    assert "newer_version_quarantined" not in {rule.name for rule in report.rules if rule.broken}


def test_a_day_with_too_many_bad_records_is_not_published(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    strict = replace(shop.tables["silver/customers"], min_score=0.6)
    shop.land_rows("customers", DAYS[0], CUSTOMER, CUSTOMER | {"customer_id": "C2", "country": "QQ"})
    shop.bronze("customers", DAYS[0])
    report = shop.silver("customers", DAYS[0], table=strict)
    (told,) = report.failed
    assert (told.name, told.by_day) == ("quality_score", {DAYS[0]: 1})
    assert quality_score(report.days[DAYS[0]]) == 0.5
    assert shop.lake.is_empty("silver/customers")
    shop.land_rows("customers", DAYS[0], CUSTOMER, CUSTOMER | {"customer_id": "C2"})
    shop.bronze("customers", DAYS[0])
    assert shop.silver("customers", DAYS[0], table=strict).failed == ()
    assert shop.rows("silver/customers", "customer_id") == [("C1",), ("C2",)]


def test_no_log_holds_what_a_record_says_of_a_person(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/customers_history"))
    shop.land_rows("customers", DAYS[0], CUSTOMER, CUSTOMER | {"customer_id": "C2", "country": "QQ"})
    shop.load(DAYS[0])
    told = [path.read_text() for path in Path(shop.lake.root).rglob("_delta_log/*.json")]
    assert told
    for word in ("ada@example.org", "king", "King"):
        assert not [text for text in told if word in text]
