"""Silver CRM deals: what each rule of the contract rejects, and what is derived of a good record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict

DEAL = {
    "deal_id": "D1",
    "name": "Lamps for all",
    "pipeline": "default",
    "stage": "contractsent",
    "is_closed": "false",
    "amount": "1200.50",
    "currency": "USD",
    "contact_id": "K1",
    "created_at": "2025-01-01T23:30:00Z",
    "closed_at": "2025-03-31T00:00:00Z",
    "updated_at": "2025-01-02T10:00:00Z",
}
# Case → the columns that differ from a good deal, and the rules that this breaks.
BAD = {
    "no key": ({"deal_id": ""}, ["deal_id_not_null"]),
    "a key that a spreadsheet rounded": ({"deal_id": "4.5E+12"}, ["keys_not_rounded"]),
    "no stage": ({"stage": ""}, ["stage_not_null"]),
    "closed perhaps": ({"is_closed": "perhaps"}, ["is_open_not_null"]),
    "an amount in words": ({"amount": "a lot"}, ["amount_type"]),
    "an amount below 0": ({"amount": "-1"}, ["amount_greater_than_or_equal_to"]),
    "a currency that is none": ({"currency": "XXY"}, ["currency_isin"]),
    "made at no known time": ({"created_at": ""}, ["created_at_not_null"]),
    "made at no time": ({"created_at": "soon"}, ["created_at_type"]),
    "made in the future": ({"created_at": "2025-02-01T00:00:00Z"}, ["created_at_in_range"]),
    "closed at no time": ({"closed_at": "soon"}, ["closed_at_type"]),
    "no time of change": ({"updated_at": ""}, ["updated_at_not_null"]),
    "a time of change that is none": ({"updated_at": "1736500000000"}, ["updated_at_type"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
WARNED = {
    "no currency": ({"currency": ""}, ["currency_given"]),
    "a contact nobody knows": ({"contact_id": "K9"}, ["contact_known"]),
}
GOOD = {
    "as it is": {},
    "next to nothing": dict.fromkeys(
        ("name", "pipeline", "is_closed", "amount", "currency", "contact_id", "closed_at")
    ),
    "won": {"is_closed": "true", "stage": " Closed  won "},
    "worth nothing": {"amount": "0"},
}

# A deal without a currency has the reporting one.
CASES = Cases("crm_deals", DEAL, BAD, GOOD, WARNED, unreachable=("source_values_mapped", "currency_not_null"))


def test_a_deal_is_open_until_it_is_closed(verdicts: dict[str, Verdict]) -> None:
    assert [verdicts[case].row["is_open"] for case in ("as it is", "next to nothing", "won")] == [True, True, False]
    assert verdicts["won"].row["stage"] == "Closed won"


def test_a_deal_without_a_currency_is_in_the_reporting_currency(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["no currency"].row
    assert (row["amount"], row["currency"]) == (Decimal("1200.50"), "EUR")


def test_an_open_deal_may_be_expected_to_close_in_the_future(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["as it is"].row
    assert row["closed_at"].astimezone(UTC) == datetime(2025, 3, 31, tzinfo=UTC)
    assert row["created_date"] == date(2025, 1, 1)
