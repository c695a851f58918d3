"""Erasing customers from Bronze: rows that are there, and files that are read from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from project_etl.catalog import datasets_of
from project_etl.core.bronze import erasure, file_table, tombstones
from project_etl.core.bronze.redaction import words_of
from project_etl.core.bronze.tombstones import ERASED, Tombstones, customer_hash, email_hash
from project_etl.core.contracts.report import Report
from project_etl.core.lake import ReplaceWhere, TableStore
from project_etl.core.rows_kept import bronze_rows_kept
from project_etl_tests.small_shop import CUSTOMER, ORDER, REFUND, SmallShop

D1, D2 = "2025-01-01", "2025-01-02"
GRACE = CUSTOMER | {"customer_id": "C2", "first_name": "grace", "email": "grace@example.org"}
ADA = Tombstones(frozenset({customer_hash("", "C1")}), frozenset({email_hash("ada@example.org")}))


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    return SmallShop(tmp_path)


def erase(shop: SmallShop, dataset: str, who: Tombstones = ADA) -> erasure.Found:
    """As the command does it for one table."""
    tombstones.write(shop.lake, who)
    job = shop.bronze_job(dataset)
    return erasure.erase(job, job.redaction(tombstones.read(shop.lake)))


def ids(shop: SmallShop, table: str, *columns: str) -> list[Any]:
    return [row if len(columns) > 1 else row[0] for row in shop.rows(f"bronze/shop/{table}", *columns)]


def test_a_record_about_the_customer_leaves_and_others_lose_the_id(shop: SmallShop) -> None:
    shop.land_rows("customers", D1, CUSTOMER, GRACE)
    shop.land_rows("orders", D1, ORDER, ORDER | {"order_id": "O2", "customer_id": "C2"})
    shop.bronze("customers", D1)
    shop.bronze("orders", D1)
    assert erase(shop, "customers") == erasure.Found(1, 0, (f"shop/customers/{D1}/customers.jsonl",))
    assert erase(shop, "orders") == erasure.Found(0, 1, (f"shop/orders/{D1}/orders.csv",))
    assert ids(shop, "customers", "customer_id") == ["C2"]
    assert ids(shop, "orders", "order_id", "customer_id", "_row_number") == [("O1", None, 1), ("O2", "C2", 2)]
    for name in ("customers", "orders"):
        assert not bronze_rows_kept(shop.lake, f"bronze/shop/{name}").wrong


@pytest.mark.parametrize("spelled", [" 12", "12\t", "\u00a012\u200b", '="12"', "12.0", "12.000", "'12", ' ="12" ', 12])
def test_an_id_is_found_however_it_is_spelled(shop: SmallShop, spelled: str | int) -> None:
    shop.land_rows("customers", D1, CUSTOMER | {"customer_id": spelled}, GRACE)
    shop.bronze("customers", D1)
    assert erase(shop, "customers", Tombstones(frozenset({customer_hash("", "12")}))).removed == 1
    assert ids(shop, "customers", "customer_id") == ["C2"]


def test_another_id_that_looks_alike_stays(shop: SmallShop) -> None:
    alike = ["C10", "c1", "XC1", "C 1", "1", "C1.0"]
    shop.land_rows("events", D1, *({"event_id": f"E{at}", "customer_id": key} for at, key in enumerate(alike)))
    shop.bronze("events", D1)
    assert erase(shop, "events") == erasure.Found(0, 0, ())
    assert len(ids(shop, "events", "event_id")) == len(alike)


def test_what_is_read_after_the_erasure_is_redacted(shop: SmallShop) -> None:
    tombstones.write(shop.lake, ADA)
    shop.land_rows("customers", D1, CUSTOMER, GRACE, CUSTOMER | {"customer_id": "C7", "email": " ADA@Example.org"})
    shop.land_rows("orders", D1, ORDER)
    report = shop.bronze("customers", D1)
    assert report.total("published") == 1
    shop.bronze("orders", D1)
    assert ids(shop, "customers", "customer_id") == ["C2"]
    assert ids(shop, "orders", "customer_id") == [None]
    rows = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
    assert [(row.records, row.erased) for row in rows] == [(1, 2)]
    assert not bronze_rows_kept(shop.lake, "bronze/shop/customers").wrong


def test_a_file_of_nobody_else_is_loaded_and_empty(shop: SmallShop) -> None:
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("customers", D2, CUSTOMER)
    shop.bronze("customers", D1)
    erase(shop, "customers")
    shop.bronze("customers", D1, D2)
    assert ids(shop, "customers", "customer_id") == []
    assert shop.not_loaded() == []
    version = shop.version("bronze/shop/customers")
    shop.bronze("customers", D1, D2)
    assert shop.version("bronze/shop/customers") == version


def test_the_same_bytes_under_another_name_bring_nobody_back(shop: SmallShop) -> None:
    shop.land_rows("customers", D1, CUSTOMER, GRACE, name="b.jsonl")
    shop.land_rows("customers", D1, CUSTOMER, GRACE, name="c.jsonl")
    shop.bronze("customers", D1)
    erase(shop, "customers")
    # The first name holds the rows.
    shop.land_rows("customers", D1, CUSTOMER, GRACE, name="a.jsonl")
    shop.bronze("customers", D1)
    assert ids(shop, "customers", "customer_id", "_source_file") == [("C2", f"shop/customers/{D1}/a.jsonl")]
    rows = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
    assert [(row.records, row.erased) for row in rows] == [(1, 1)] * 3


class TestWhatDidNotFit:
    def test_it_goes_with_the_id_and_where_it_names_the_customer(self, shop: SmallShop) -> None:
        header = "order_id,customer_id,note"
        lines = ["O1,C1,call me", "O2,C2,of C1", "O3,C2,ADA@EXAMPLE.org.", "O4,C2,of C10", "O5,C2,to <ada@example.org>"]
        shop.land("orders", D1, "\n".join([header, *lines]) + "\n")
        shop.bronze("orders", D1)
        found = erase(shop, "orders")
        left = dict(ids(shop, "orders", "order_id", "_rescued_data"))
        assert left["O4"] == '{"note":"of C10"}'
        assert [left[key] for key in ("O1", "O2", "O3", "O5")] == [None] * 4
        assert found.emptied == 4

    def test_a_record_that_could_not_be_parsed_leaves_when_it_names_the_customer(self, shop: SmallShop) -> None:
        good = [json.dumps(GRACE | {"customer_id": f"C{at}"}) for at in range(20, 30)]
        bad = ['{"customer_id":"C1","first', '{"customer_id":"C10","first', '{"email":"ADA@example.org', '{"a": C1']
        shop.land("customers", D1, "\n".join([*good, *bad]) + "\n")
        shop.bronze("customers", D1)
        rows = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
        assert [(row.records, row.malformed) for row in rows] == [(14, 4)]
        assert erase(shop, "customers").removed == 3
        rows = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
        assert [(row.records, row.malformed, row.erased) for row in rows] == [(11, 1, 3)]

    def test_a_dataset_that_declares_nobody_is_looked_at_too(self, shop: SmallShop) -> None:
        columns = [*REFUND, "mail"]
        values = [*REFUND.values(), "ada@example.org"]
        shop.land("refunds", D1, ",".join(columns) + "\n" + ",".join(values) + "\n")
        shop.bronze("refunds", D1)
        assert erase(shop, "refunds").emptied == 1
        assert ids(shop, "refunds", "_rescued_data") == [None]

    def test_the_sample_of_a_file_is_of_what_is_left(self, shop: SmallShop) -> None:
        shop.land("orders", D1, "order_id,customer_id,note\nO1,C1,mine\nO2,C2,yours\n")
        shop.bronze("orders", D1)
        erase(shop, "orders")
        (row,) = file_table.files(shop.lake, ["bronze/shop/orders"], [D1]).values()
        assert (row.rescued, row.rescued_sample) == (1, '{"note":"yours"}')
        assert row.absent


def test_words_of_a_text_are_its_words_its_values_and_what_is_quoted() -> None:
    found = {*words_of("a b;C 1, \"x: y\" (me@example.org). ['12.0']")}
    assert {"a", "b", "C 1", "x: y", "me@example.org", "12.0"} <= found


def test_addresses_that_others_have_too_are_told_apart(shop: SmallShop) -> None:
    both = {"email": "Shop@example.org"}
    shop.land_rows("customers", D1, CUSTOMER, CUSTOMER | both, GRACE | {"email": " shop@EXAMPLE.org "})
    shop.bronze("customers", D1)
    job = shop.bronze_job("customers")
    redaction = job.redaction(Tombstones(ADA.customers))
    own = erasure.addresses(job, redaction)
    assert own == {"ada@example.org", "shop@example.org"}
    assert erasure.shared(job, redaction, own) == {"shop@example.org"}


def test_two_erasures_count_together_and_a_third_finds_nothing(shop: SmallShop) -> None:
    shop.land_rows("customers", D1, CUSTOMER, GRACE, CUSTOMER | {"customer_id": "C3", "email": None})
    shop.bronze("customers", D1)
    erase(shop, "customers")
    erase(shop, "customers", Tombstones(frozenset({customer_hash("", "C2")})))
    version = shop.version("bronze/shop/customers")
    assert erase(shop, "customers") == erasure.Found(0, 0, ())
    assert shop.version("bronze/shop/customers") == version
    (row,) = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
    assert (row.records, row.erased) == (1, 2)
    assert len(shop.rows(ERASED, "sha256")) == 3


def test_tombstones_name_nobody(shop: SmallShop) -> None:
    tombstones.write(shop.lake, ADA)
    assert tombstones.read(shop.lake) == ADA
    assert not any("C1" in str(value) or "ada" in str(value) for row in shop.rows(ERASED, "kind") for value in row)


def test_an_erasure_that_dies_after_bronze_is_in_the_file_table_all_the_same(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.land_rows("customers", D1, CUSTOMER, GRACE)
    shop.bronze("customers", D1)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(file_table, "write", die)
        with pytest.raises(KeyboardInterrupt):
            erase(shop, "customers")
    lake = TableStore(shop.lake.root)
    assert file_table.is_behind(lake, "bronze/shop/customers")
    assert not bronze_rows_kept(lake, "bronze/shop/customers").wrong
    erase(shop, "customers")
    assert not file_table.is_behind(lake, "bronze/shop/customers")


def test_a_lake_from_before_there_were_erasures_is_erased_from(shop: SmallShop) -> None:
    shop.land_rows("customers", D1, CUSTOMER, GRACE)
    shop.bronze("customers", D1)
    # The file table as it was then.
    state = shop.lake.state(file_table.FILES)
    old = state.rows([name for name in state.arrow_schema.names if name != "erased"])
    note = {"table": file_table.FILES, **state.made_by.note}
    Path(shop.lake.path(file_table.FILES)).rename(shop.lake.path("bronze/_before"))
    without = type(file_table.SCHEMA)([field for field in file_table.SCHEMA if field.name != "erased"])
    shop.lake.create(file_table.FILES, without, partition_by="month")
    shop.lake.commit(file_table.FILES, ReplaceWhere("month = '2025-01'"), old, note)
    assert shop.bronze("customers", D1).total("published") == 2
    assert "erased" not in shop.lake.state(file_table.FILES).arrow_schema.names
    assert erase(shop, "customers").removed == 1
    (row,) = file_table.files(shop.lake, ["bronze/shop/customers"], [D1]).values()
    assert (row.records, row.erased) == (1, 1)


def test_namespaces_tell_customers_of_sources_apart(tmp_path: Path) -> None:
    sources = ("online_retail", "shop")
    shop = SmallShop(tmp_path, sources=sources, namespaces={"shop": "S-", "online_retail": "R-"})
    line = "536365,85123A,LAMP,6,2010-12-01 08:26:00,2.55,12.0,United Kingdom"
    columns = ",".join(next(d for d in datasets_of(sources) if d.source == "online_retail").columns)
    shop.land("online_retail", D1, f"{columns}\n{line}\n", "a.csv", source="online_retail")
    shop.land_rows("orders", D1, ORDER | {"customer_id": "12"})
    reports: list[Report] = [shop.bronze("online_retail", D1), shop.bronze("orders", D1)]
    assert all(report.total("published") == 1 for report in reports)
    erase(shop, "online_retail", Tombstones(frozenset({customer_hash("R-", "12")})))
    erase(shop, "orders", Tombstones())
    assert shop.rows("bronze/online_retail/online_retail", "CustomerID") == [(None,)]
    assert ids(shop, "orders", "customer_id") == ["12"]
