"""Silver orders: what each rule of the contract rejects, and how a good record is cleaned."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import ORDER

# Case → the columns that differ from a good order, and the rules that this breaks.
BAD = {
    "no key": ({"order_id": " "}, ["order_id_not_null"]),
    "no time": ({"order_ts": ""}, ["order_ts_not_null"]),
    "30 February": ({"order_ts": "2025-02-30T10:00:00Z"}, ["order_ts_type"]),
    "a time that is relative to the clock": ({"order_ts": "now"}, ["order_ts_type"]),
    "two days after landing": ({"order_ts": "2025-01-12T00:00:00Z"}, ["order_ts_not_in_future"]),
    "a year with five digits": ({"order_ts": "12025-01-01T00:00:00Z"}, ["order_ts_type"]),
    "no status": ({"status": None}, ["status_not_null"]),
    "a misspelled status": ({"status": "SHIPED"}, ["status_isin"]),
    "no currency": ({"currency": ""}, ["currency_not_null"]),
    "a currency that is none": ({"currency": "XXQ"}, ["currency_isin"]),
    "a total in words": ({"order_total": "twenty"}, ["order_total_type"]),
    "a total that is too large": ({"order_total": "1e20"}, ["order_total_type"]),
    "a total that is not a number": ({"order_total": "NaN"}, ["order_total_type"]),
    "a total below 0": ({"order_total": "-0.01"}, ["order_total_greater_than_or_equal_to"]),
    "a country by name": ({"country": "Germany"}, ["country_isin"]),
    "a time of change that is none": ({"updated_at": "yesterday"}, ["updated_at_type"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
    "several at once": (
        {"status": "?", "order_total": "-1", "currency": None},
        ["currency_not_null", "order_total_greater_than_or_equal_to", "status_isin"],
    ),
}
WARNED = {
    "a guest": ({"customer_id": ""}, ["customer_id_not_null"]),
    "a customer nobody knows": ({"customer_id": "C9"}, ["customer_known"]),
}
GOOD = {
    "as it is": {},
    "a total of 0": {"order_total": "0"},
    "no total": {"order_total": ""},
    "no country": {"country": None},
    "no time of change": {"updated_at": ""},
    "on the day after landing": {"order_ts": "2025-01-11T23:59:59.999Z"},
    "untidy text": {"status": " paid ", "currency": "eur", "country": " gb"},
    "an offset": {"order_ts": "2025-01-02T00:30:00+02:00"},
}

CASES = Cases("orders", ORDER, BAD, GOOD, warned=WARNED)


def test_values_are_cleaned_and_the_day_is_utc(verdicts: dict[str, Verdict]) -> None:
    untidy, offset = verdicts["untidy text"].row, verdicts["an offset"].row
    assert [untidy[name] for name in ("status", "currency", "country")] == ["PAID", "EUR", "GB"]
    assert offset["order_date"] == date(2025, 1, 1)
    assert untidy["order_total"] == Decimal("20.0000")
