"""Silver events: what each rule of the contract rejects, and how types, quantities and prices are read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from project_etl.silver import events
from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import EVENT
from project_etl_tests.small_tables import frame

RECORD = {name: str(value) for name, value in EVENT.items()}
VIEW = {"event_type": "view", "order_id": None}
TYPES = {
    "view": "view",
    " Page_View ": "view",
    "VIEW_ITEM": "view",
    "Add_To_Cart": "add_to_cart",
    "\u00a0PURCHASE": "purchase",
}

# Case → the columns that differ from a good purchase, and the rules that this breaks.
BAD = {
    "no key": ({"event_id": " "}, ["event_id_not_null"]),
    "no visitor": ({"visitor_id": "NULL"}, ["visitor_id_not_null"]),
    "no time": ({"event_ts": ""}, ["event_ts_not_null"]),
    "30 February": ({"event_ts": "2025-02-30T10:00:00Z"}, ["event_ts_type"]),
    "two days after landing": ({"event_ts": "2025-01-12T00:00:00Z"}, ["event_ts_in_range"]),
    "a key that a spreadsheet rounded": ({"event_id": "1.7E+12"}, ["keys_not_rounded"]),
    "no type": ({"event_type": ""}, ["event_type_not_null"]),
    "a type that is none": ({"event_type": "view_cart"}, ["event_type_isin"]),
    "a quantity of 0": ({"quantity": "0"}, ["quantity_greater_than"]),
    "a quantity below 0": ({"quantity": "-1"}, ["quantity_greater_than"]),
    "a quantity in words": ({"quantity": "two"}, ["quantity_type"]),
    "a price below 0": ({"price": "-0.01"}, ["price_greater_than_or_equal_to"]),
    "a price in words": ({"price": "12,50 EUR"}, ["price_type"]),
    "a value that is too large": ({"quantity": "2000000", "price": "99999999999"}, ["event_value_not_null"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
    "several at once": (
        {"event_type": "?", "quantity": "two", "price": "-1"},
        ["event_type_isin", "price_greater_than_or_equal_to", "quantity_type"],
    ),
}
WARNED = {
    "a product nobody knows": ({"product_id": "P9"}, ["product_known"]),
    "an order nobody knows": ({"order_id": "O9"}, ["purchases_match_orders"]),
    "a purchase without a price": ({"price": "n/a"}, ["purchase_has_price"]),
}
GOOD = {
    "as it is": {},
    "a guest": {"customer_id": None},
    "a customer nobody knows": {"customer_id": "C9"},
    "a purchase without an order": {"order_id": ""},
    "a gift": {"price": "0"},
    "a view without anything": {
        **VIEW, "customer_id": "", "session_id": "", "product_id": "", "quantity": "", "price": "",
    },
    "a view that is worth a lot elsewhere": {**VIEW, "quantity": "2000000", "price": "99999999999"},
    "a quantity as a float": {"quantity": "2.0"},
    "a session of the tracker's that a spreadsheet rounded": {"session_id": "1.7E+12"},
    "on the day after landing": {"event_ts": "2025-01-11T23:59:59.999Z"},
    **{f"a type as {text!r}": {"event_type": text} for text in TYPES},
}  # fmt: skip
# Where the tracker says nothing, there is a value all the same.
UNREACHABLE = {"quantity_not_null", "price_not_null"}

CASES = Cases("events", RECORD, BAD, GOOD, warned=WARNED, unreachable=UNREACHABLE)


@pytest.mark.parametrize("text", TYPES)
def test_a_type_is_read_in_whatever_letters_and_by_the_words_of_the_setting(
    verdicts: dict[str, Verdict], text: str
) -> None:
    assert verdicts[f"a type as {text!r}"].row["event_type"] == TYPES[text]


def test_a_purchase_is_worth_its_quantity_times_its_price(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["as it is"].row
    assert (row["quantity"], row["price"], row["event_value"]) == (2, Decimal("10.5000"), Decimal("21.0000"))
    assert (row["event_date"], row["event_hour"]) == (date(2025, 1, 1), 10)
    assert verdicts["a purchase without a price"].row["event_value"] == 0
    assert verdicts["a view that is worth a lot elsewhere"].row["event_value"] == 0


def test_what_the_tracker_does_not_say_is_one_piece_for_nothing(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["a view without anything"].row
    assert (row["quantity"], row["price"], row["event_value"]) == (1, 0, 0)
    assert [row[name] for name in ("customer_id", "session_id", "product_id", "order_id")] == [None] * 4


def test_words_of_a_setting_take_the_place_of_those_without_it(spark: SparkSession) -> None:
    schema = f"{', '.join(f'{name} STRING' for name in RECORD)}, _record STRING"
    rows = frame(spark, "event_type\nScreen_View\npage_view\nview\nbuy", schema, {**RECORD, "_record": "r"})
    read = events.transform(
        rows, reporting_timezone="America/New_York", event_types=(("buy", "purchase"), ("screen_view", "view"))
    )
    assert [row[0] for row in read.select("event_type").collect()] == ["view", "page_view", "view", "purchase"]
    assert {row[0] for row in read.select("event_hour").collect()} == {5}
