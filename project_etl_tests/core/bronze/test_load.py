"""Bronze from real landing folders: every kind of bad file at once, and then the same folders put right.

Belongs here: what lands in the tables, what the file table says, and that the counts agree. Does not belong here: what
the readers make of single records and bytes (`test_csv_records.py`, `test_json_records.py`), copies, corrections and
crashes (`test_file_table.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from project_etl.core.bronze.file_table import FILES
from project_etl.core.contracts.report import Report
from project_etl_tests.core.bronze.bad_files import (
    BAD_CUSTOMERS,
    BAD_ORDERS,
    COPIED,
    NOT_READ,
    WHOLE_GZIP,
    order,
    orders,
)
from project_etl_tests.small_shop import SmallShop

D1, D2 = "2025-01-01", "2025-01-02"

# File → records in Bronze; all others have none.
RECORDS = {
    "added_column.csv": 2,
    "bom.csv": 1,
    "cr_only.csv": 2,
    "dropped_column.csv": 1,
    "nul.csv": 2,
    "quoted.csv": 1,
    "ragged.csv": 3,
    COPIED: 1,
}
NOT_LOADED = {
    "duplicated_column.csv": "file_header",
    "empty.csv": "file_not_empty",
    "header_only.csv": "file_has_records",
    "latin1.csv": "file_encoding",
    "not_gzip.csv.gz": "file_decompresses",
    "truncated.csv.gz": "file_decompresses",
    "wrong_header.csv": "file_header",
    "y_copy.csv": "file_unique",
}


@dataclass(frozen=True)
class Step:
    """What was stored and reported after a load of Bronze."""

    report: Report
    versions: dict[str, int | None]
    records: dict[str, int]
    not_loaded: dict[str, str]
    keys: set[str]

    @property
    def broken(self) -> dict[str, int]:
        """Broken rules with their counts."""
        return {rule.name: rule.broken for rule in self.report.rules if rule.broken}


@dataclass(frozen=True)
class Story:
    """Orders loaded bad, again, and put right, and customers loaded once."""

    shop: SmallShop
    bad: Step
    again: Step
    right: Step
    customers: Report


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    shop = SmallShop(tmp_path_factory.mktemp("bronze"))
    for name, content in {**BAD_ORDERS, **NOT_READ, "notes.txt": "hello"}.items():
        shop.land("orders", D1, content, name)
    shop.land("customers", D1, BAD_CUSTOMERS)

    def load() -> Step:
        report = shop.bronze("orders", D1, D2)
        tables = ("bronze/shop/orders", FILES)
        stored = shop.rows("bronze/shop/orders", "_source_file", "order_id")
        return Step(
            report,
            {name: shop.version(name) for name in tables},
            dict(Counter(_name(file) for file, _ in stored)),
            {_name(file): rule for file, rule in shop.rows(FILES, "path", "rule") if rule},
            {key for _, key in stored if key},
        )

    bad, again = load(), load()
    put_right(shop)
    return Story(shop, bad, again, load(), shop.bronze("customers", D1))


def put_right(shop: SmallShop) -> None:
    """New bytes under old names, an upload that has ended, and a copy whose original says something else now."""
    shop.land("orders", D1, orders(order("E1")), "empty.csv")
    shop.land("orders", D1, WHOLE_GZIP, "truncated.csv.gz")
    shop.land("orders", D1, orders(order("B2"), order("B3")), "bom.csv")
    shop.land("orders", D1, orders(order("R2")), COPIED)
    shop.land("orders", D1, "three,four\n3,4\n", "cr_only.csv")
    folder = shop.landing / "shop/orders" / D1
    (folder / "upload.csv.part").rename(folder / "upload.csv")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def test_readable_files_have_their_records_in_bronze_and_no_others(story: Story) -> None:
    assert story.bad.records == RECORDS


def test_files_without_rows_are_in_the_file_table_with_the_rule_they_broke(story: Story) -> None:
    assert story.bad.not_loaded == NOT_LOADED


def test_every_file_that_was_read_is_loaded_or_not_and_none_is_both(story: Story) -> None:
    assert story.bad.records.keys() | story.bad.not_loaded.keys() == BAD_ORDERS.keys()
    assert not story.bad.records.keys() & story.bad.not_loaded.keys()


def test_checks_count_what_is_stored(story: Story) -> None:
    assert story.bad.broken == {
        "files_readable": 6,
        "files_unique": 1,
        "files_recognized": 1,
        "records_well_formed": 3,
        "columns_known": 1,
        "columns_complete": 1,
    }
    days = story.bad.report.days
    assert days[D1]["read"] == days[D1]["published"] == sum(RECORDS.values())
    samples = {rule.name: " ".join(rule.samples) for rule in story.bad.report.rules}
    assert "notes.txt" in samples["files_recognized"]
    assert "has no " in samples["columns_complete"]
    assert "y_copy.csv" in samples["files_unique"]
    assert COPIED in samples["files_unique"]


def test_columns_are_matched_by_name_and_what_does_not_fit_is_kept(story: Story) -> None:
    columns = ("_source_file", "order_id", "status", "customer_id", "_rescued_data")
    rows = {(_name(row[0]), row[1]): row[2:] for row in story.shop.rows("bronze/shop/orders", *columns)}
    assert rows["added_column.csv", "A1"][:2] == ("PAID", "C1")
    assert json.loads(rows["added_column.csv", "A1"][2] or "")["channel"] == "web"
    assert rows["added_column.csv", "A2"][2] is None
    assert rows["dropped_column.csv", "D1"] == ("PAID", None, None)
    assert rows["quoted.csv", "Q1"][1] == "a, b\nc"
    malformed = [json.loads(row[2]) for (file, _), row in rows.items() if file == "ragged.csv" and row[2]]
    assert all("_malformed" in found for found in malformed)


def test_loading_again_changes_nothing_and_says_the_same(story: Story) -> None:
    assert story.again.versions == story.bad.versions
    assert story.again.report.days == story.bad.report.days
    assert story.again.broken == story.bad.broken


def test_a_day_is_counted_as_a_whole_whichever_of_its_files_came_first(story: Story, tmp_path: Path) -> None:
    shop, files = SmallShop(tmp_path), {**BAD_ORDERS, **NOT_READ, "notes.txt": "hello"}
    # The copy comes before what it is a copy of, which takes its place.
    for chosen in (sorted(files)[1::2], sorted(files)[::2]):
        for name in chosen:
            shop.land("orders", D1, files[name], name)
        report = shop.bronze("orders", D1, D2)
    assert report.days == story.bad.report.days
    assert {rule.name: rule.broken for rule in report.rules if rule.broken} == story.bad.broken
    # A day to which nothing came is reported as it was, and so is one to which something does.
    shop.land("orders", D2, orders(order("Z1")), "z.csv")
    both = shop.bronze("orders", D1, D2)
    assert both.days == {**story.bad.report.days, D2: {"files": 1, "read": 1, "published": 1}}
    assert {rule.name: rule.broken for rule in both.rules if rule.broken} == story.bad.broken


def test_new_bytes_replace_what_the_old_ones_said(story: Story) -> None:
    records = {**RECORDS, "bom.csv": 2, "empty.csv": 1, "truncated.csv.gz": 200, "upload.csv": 1, "y_copy.csv": 1}
    del records["cr_only.csv"]
    assert story.right.records == records
    # R1 is still said by the copy, which counts now that its original says something else.
    assert {"R1", "R2", "B2", "B3", "E1", "T1"} <= story.right.keys
    assert not {"B1", "L1", "L2"} & story.right.keys
    assert story.right.report.days[D1]["read"] == sum(records.values())


def test_files_that_are_in_order_are_loaded_and_new_bad_ones_are_not(story: Story) -> None:
    put_right = {"empty.csv", "truncated.csv.gz", "y_copy.csv"}
    others = {name: rule for name, rule in NOT_LOADED.items() if name not in put_right}
    assert story.right.not_loaded == {**others, "cr_only.csv": "file_header"}


def test_json_lines_keep_every_value_as_text_and_every_line_as_a_record(story: Story) -> None:
    columns = ("_row_number", "customer_id", "city", "country", "_rescued_data")
    rows = {row[0]: row[1:] for row in story.shop.rows("bronze/shop/customers", *columns)}
    assert sorted(rows) == [1, 2, 3, 4, 5, 6, 7]
    assert rows[3][:3] == ("3", "1.5", "true")
    assert json.loads(rows[4][1]) == {"name": "York", "zip": [1, 2]}
    assert json.loads(rows[6][3])["loyalty_tier"] == "gold"
    malformed = {number for number, row in rows.items() if row[3] and "_malformed" in json.loads(row[3])}
    assert malformed == {2, 5, 7}
    broken = {rule.name: rule.broken for rule in story.customers.rules if rule.broken}
    assert broken == {"records_well_formed": 3, "columns_known": 1, "columns_complete": 1}


def test_a_file_with_the_bytes_of_a_known_bad_one_is_bad_too(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path)
    for name in ("first.csv", "second.csv"):
        shop.land("orders", D1, "", name)
        shop.bronze("orders", D1)
    assert [_name(file) for (file,) in shop.rows(FILES, "path")] == ["first.csv", "second.csv"]


@contextmanager
def another_user() -> Iterator[None]:
    """Be a user whom file permissions concern; root is not."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which every user may write."""
    folder = Path(tempfile.mkdtemp())
    before = os.umask(0)
    folder.chmod(0o777)
    yield folder
    os.umask(before)
    shutil.rmtree(folder)


def test_a_file_that_may_not_be_read_waits_and_does_not_hold_up_the_others(open_folder: Path) -> None:
    shop = SmallShop(open_folder)
    shop.land("orders", D1, orders(order("O1")), name="a.csv")
    closed = shop.land("orders", D1, orders(order("O2")), name="b.csv")
    closed.chmod(0)
    with another_user():
        first = shop.bronze("orders", D1)
        version = shop.version(FILES)
        again = shop.bronze("orders", D1)
    (rule,) = [rule for rule in first.rules if rule.name == "files_readable"]
    assert (rule.broken, first.total("published")) == (1, 1)
    assert rule.samples[0].startswith(f"shop/orders/{D1}/b.csv: file_accessible: Permission denied: let the platform's")
    # Said each time, written down once.
    assert [rule.broken for rule in again.rules if rule.name == "files_readable"] == [1]
    assert shop.version(FILES) == version
    closed.chmod(0o644)
    with another_user():
        shop.bronze("orders", D1)
    assert [key for (key,) in shop.rows("bronze/shop/orders", "order_id")] == ["O1", "O2"]
    assert [status for (status,) in shop.rows(FILES, "status")] == ["loaded", "loaded"]


def test_a_declared_column_that_a_file_lacks_is_named(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path)
    shop.land("orders", D1, "order_id,status\nO1,PAID\n", "short.csv")
    shop.land("customers", D1, '{"customer_id":"C1","phone":null}\n{"customer_id":"C2","city":"York"}\n')
    told = {}
    for dataset in ("orders", "customers"):
        (rule,) = (rule for rule in shop.bronze(dataset, D1).rules if rule.name == "columns_complete")
        told[dataset] = (rule.broken, *rule.samples)
    missing = "has no country, currency, customer_id, order_total, order_ts, updated_at"
    assert told["orders"] == (1, f"shop/orders/{D1}/short.csv: {missing}")
    # What is null everywhere is there.
    missing = "has no country, email, first_name, last_name, signup_date, updated_at"
    assert told["customers"] == (1, f"shop/customers/{D1}/customers.jsonl: {missing}")
