"""Silver FX rates: what each rule of the contract rejects."""

from __future__ import annotations

from decimal import Decimal

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict

RATE = {"rate_date": "2025-01-01", "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.85"}

# Case → the columns that differ from a good rate, and the rules that this breaks.
BAD = {
    "no day": ({"rate_date": ""}, ["rate_date_not_null"]),
    "a day that does not exist": ({"rate_date": "2025-04-31"}, ["rate_date_type"]),
    "a time in place of a day": ({"rate_date": "2025-01-01T00:00:00Z"}, ["rate_date_type"]),
    "a day yet to come": ({"rate_date": "2025-01-12"}, ["rate_date_in_range"]),
    "the year 0": ({"rate_date": "0000-01-01"}, ["rate_date_type"]),
    "no base": ({"base_currency": ""}, ["base_currency_not_null"]),
    "a base that is none": ({"base_currency": "XXQ"}, ["base_currency_isin"]),
    "no quote": ({"quote_currency": ""}, ["quote_currency_not_null"]),
    "a quote that is none": ({"quote_currency": "pounds"}, ["quote_currency_isin"]),
    "no rate": ({"rate": ""}, ["rate_not_null"]),
    "a rate in words": ({"rate": "par"}, ["rate_type"]),
    "a rate of 0": ({"rate": "0"}, ["rate_greater_than"]),
    "a rate below 0": ({"rate": "-0.85"}, ["rate_greater_than"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
GOOD = {
    "as it is": {},
    "small letters": {"base_currency": " eur", "quote_currency": "gbp "},
    "the smallest": {"rate": "0.000000000000000001"},
    "a weak currency": {"base_currency": "LBP", "rate": "0.0000106837"},
    "nineteen places": {"rate": "0.1234567890123456785"},
}

CASES = Cases("fx_rates", RATE, BAD, GOOD)


def test_rates_have_eighteen_places_and_currencies_capitals(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["nineteen places"].row["rate"] == Decimal("0.123456789012345679")
    assert verdicts["a weak currency"].row["rate"] == Decimal("0.0000106837")
    row = verdicts["small letters"].row
    assert (row["base_currency"], row["quote_currency"]) == ("EUR", "GBP")
