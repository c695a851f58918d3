"""Silver order items: what each rule of the contract rejects, and how amounts and the order day are derived."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import ITEM

# Case → the columns that differ from a good item, and the rules that this breaks.
BAD = {
    "no key": ({"order_item_id": ""}, ["order_item_id_not_null"]),
    "no order": ({"order_id": ""}, ["order_id_not_null"]),
    "no product": ({"product_id": ""}, ["product_id_not_null"]),
    "an order nobody knows": ({"order_id": "O9"}, ["order_exists"]),
    "a product nobody knows": ({"product_id": "P9"}, ["product_exists"]),
    "no quantity": ({"quantity": ""}, ["quantity_not_null"]),
    "a quantity in words": ({"quantity": "two"}, ["quantity_type"]),
    "a quantity out of range": ({"quantity": "99999999999"}, ["quantity_type"]),
    "a quantity of 0": ({"quantity": "0"}, ["quantity_greater_than"]),
    "a quantity below 0": ({"quantity": "-1"}, ["quantity_greater_than"]),
    "too many": ({"quantity": "100001"}, ["quantity_less_than_or_equal_to"]),
    "no price": ({"unit_price": ""}, ["unit_price_not_null"]),
    "a price in words": ({"unit_price": "ten"}, ["unit_price_type"]),
    "a price of 0": ({"unit_price": "0"}, ["unit_price_greater_than"]),
    "too dear": ({"unit_price": "100000.01"}, ["unit_price_less_than_or_equal_to"]),
    "a discount in words": ({"discount": "some"}, ["discount_type"]),
    "a discount below 0": ({"discount": "-0.01"}, ["discount_greater_than_or_equal_to"]),
    "a discount above gross": ({"discount": "20.01"}, ["discount_within_gross"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a key that a spreadsheet rounded": ({"order_item_id": "1.2E+9"}, ["keys_not_rounded"]),
    "a quantity that is no whole number": ({"quantity": "2.5"}, ["quantity_type"]),
    "a time of change that is none": ({"updated_at": "2025-13-01"}, ["updated_at_type"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
GOOD = {
    "as it is": {},
    "no discount": {"discount": ""},
    "all of it off": {"discount": "20.00"},
    "the largest": {"quantity": "100000", "unit_price": "100000"},
    "as a tool writes them": {
        "order_item_id": "7.0",
        "quantity": "2.0",
        "discount": "None",
        "unit_price": "\u00a010.00",
    },
    "five places": {"unit_price": "0.33335", "quantity": "3"},
}
# An empty discount is none, so that this rule of the contract cannot be broken.
UNREACHABLE = {"discount_not_null"}

CASES = Cases("order_items", ITEM, BAD, GOOD, unreachable=UNREACHABLE)


@pytest.mark.parametrize(
    ("case", "gross", "discount", "net"),
    [
        ("no discount", "20", "0", "20"),
        ("as a tool writes them", "20", "0", "20"),
        ("all of it off", "20", "20", "0"),
        ("the largest", "10000000000", "0", "10000000000"),
        # A price is rounded to four places first, half up; what is stored is what is multiplied.
        ("five places", "1.0002", "0", "1.0002"),
    ],
)
def test_amounts_are_derived(verdicts: dict[str, Verdict], case: str, gross: str, discount: str, net: str) -> None:
    row = verdicts[case].row
    found = [row[name] for name in ("gross_amount", "discount", "net_amount")]
    assert found == [Decimal(gross), Decimal(discount), Decimal(net)]


def test_the_day_is_that_of_the_order(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["as it is"].row["order_date"] == date(2025, 1, 1)
    assert verdicts["an order nobody knows"].row["order_date"] is None
