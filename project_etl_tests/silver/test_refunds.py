"""Silver refunds: what each rule of the contract rejects, and what a refund takes from its order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import REFUND

# Case → the columns that differ from a good refund, and the rules that this breaks.
BAD = {
    "no key": ({"refund_id": ""}, ["refund_id_not_null"]),
    "no order": ({"order_id": ""}, ["order_id_not_null"]),
    "an order nobody knows": ({"order_id": "O9"}, ["order_exists"]),
    "no time": ({"refunded_at": ""}, ["refunded_at_not_null"]),
    "a time that is none": ({"refunded_at": "2025-02-30T10:00:00Z"}, ["refunded_at_type"]),
    "a time to come": ({"refunded_at": "2025-01-12T00:00:00Z"}, ["refunded_at_in_range"]),
    "pieces in words": ({"quantity": "one"}, ["quantity_type"]),
    "no pieces": ({"quantity": "0"}, ["quantity_greater_than"]),
    "no amount": ({"amount": ""}, ["amount_not_null"]),
    "an amount in words": ({"amount": "all of it"}, ["amount_type"]),
    "an amount of 0": ({"amount": "0.00"}, ["amount_greater_than"]),
    "an amount below 0": ({"amount": "-5"}, ["amount_greater_than"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a time of change that is none": ({"updated_at": "2025-13-01"}, ["updated_at_type"]),
    "a key that a spreadsheet rounded": ({"refund_id": "1.2E+9"}, ["keys_not_rounded"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
GOOD = {
    "as it is": {},
    "of the whole order": {"order_item_id": "", "quantity": ""},
    "at the instant of the order": {"refunded_at": "2025-01-01T00:00:00Z"},
    "as a tool writes it": {"refund_id": " F1 ", "order_id": '="O1"', "quantity": "2.0", "amount": "5"},
}
WARNED = {
    "a line that its order does not have": ({"order_item_id": "I9"}, ["refund_item_known"]),
    "before the order": ({"refunded_at": "2024-12-31T23:59:59Z"}, ["refunded_after_order"]),
}

CASES = Cases("refunds", REFUND, BAD, GOOD, WARNED)


def test_a_refund_takes_day_instant_and_currency_from_its_order(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["as it is"].row
    assert (row["order_date"], row["currency"]) == (date(2025, 1, 1), "EUR")
    assert row["order_ts"] == datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=row["order_ts"].tzinfo)
    assert row["refund_date"] == date(2025, 1, 5)
    assert (row["quantity"], row["amount"]) == (1, Decimal("5.00"))


def test_a_refund_of_a_whole_order_names_no_line_and_no_pieces(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["of the whole order"].row
    assert (row["order_item_id"], row["quantity"]) == (None, None)
