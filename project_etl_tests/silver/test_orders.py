"""Silver orders: what each rule of the contract rejects, and how a good record is cleaned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import ORDER

NO_CUSTOMER = (
    "NULL",
    "None",
    "nan",
    "N/A",
    "#N/A",
    "\\N",
    "<NA>",
    "na",
    "NaT",
    "(null)",
    "nil",
    "-",
    "\u00a0",
    "\u200b\t",
)
ONE_KEY = ("1001", " 1001\t", "\u00a01001\u3000", "1001.0", '="1001"', ' =" 1001 "', "'1001", "\ufeff1001.00")
TEN = (
    "2025-01-02 10:00:00+00",
    "2025-01-02 07:00:00-03",
    "2025-01-02 05:00:00 -0500",
    "2025-01-02T15:30:00+0530",
    "2025-01-02 10:00:00.0000000 +00:00",
    "2025-01-02 10:00:00 UTC",
    "2025-01-02t10:00:00z",
    "2025-01-02 10:00:00 +0000 UTC",
    "2025-01-02 10:00:00 GMT",
    "2025-01-02\u00a0 10:00",
)

# Case → the columns that differ from a good order, and the rules that this breaks.
BAD = {
    "no key": ({"order_id": " "}, ["order_id_not_null"]),
    "no time": ({"order_ts": ""}, ["order_ts_not_null"]),
    "30 February": ({"order_ts": "2025-02-30T10:00:00Z"}, ["order_ts_type"]),
    "a time that is relative to the clock": ({"order_ts": "now"}, ["order_ts_type"]),
    "two days after landing": ({"order_ts": "2025-01-12T00:00:00Z"}, ["order_ts_in_range"]),
    "a year before shops had clocks": ({"order_ts": "1899-12-31T23:59:59Z"}, ["order_ts_in_range"]),
    "a year that an offset makes": ({"order_ts": "9999-12-31T23:00:00-05:00"}, ["order_ts_type"]),
    "the year 0": ({"order_ts": "0000-06-01T00:00:00Z"}, ["order_ts_type"]),
    "a change yet to come": ({"updated_at": "2205-01-14T10:00:00Z"}, ["updated_at_in_range"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "the name of a zone": ({"order_ts": "2025-01-02 10:00:00 CET"}, ["order_ts_type"]),
    "a key that a spreadsheet rounded": ({"order_id": "4.50012E+12"}, ["keys_not_rounded"]),
    "a key that one with a decimal comma rounded": ({"order_id": "4,5E+12"}, ["keys_not_rounded"]),
    "a reference that one rounded": ({"customer_id": "4E+5"}, ["keys_not_rounded"]),
    "a year with five digits": ({"order_ts": "12025-01-01T00:00:00Z"}, ["order_ts_type"]),
    "no status": ({"status": None}, ["status_not_null"]),
    "a misspelled status": ({"status": "SHIPED"}, ["status_isin"]),
    "no currency": ({"currency": ""}, ["currency_not_null"]),
    "a currency that is none": ({"currency": "XXQ"}, ["currency_isin"]),
    "a total in words": ({"order_total": "twenty"}, ["order_total_type"]),
    "a total that is too large": ({"order_total": "1e20"}, ["order_total_type"]),
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
    **{f"a guest called {word!r}": ({"customer_id": word}, ["customer_id_not_null"]) for word in NO_CUSTOMER},
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
    "a total that is not a number": {"order_total": "NaN"},
    "a total without a value": {"order_total": " #N/A"},
    "the first day": {"order_ts": "1900-01-01T00:00:00Z"},
    "Namibia": {"country": "NA"},
    "Kosovo": {"country": "XK"},
    "an article number": {"order_id": "12E5"},
    "an instant in the guards of a spreadsheet": {"updated_at": '="2025-01-01T10:00:00Z"'},
    **{f"a key as {text!r}": {"order_id": text, "customer_id": "\u200bC1\u00a0"} for text in ONE_KEY},
    **{f"ten o'clock as {text}": {"order_ts": text, "updated_at": text} for text in TEN},
}

CASES = Cases("orders", ORDER, BAD, GOOD, warned=WARNED)


@pytest.mark.parametrize("text", ONE_KEY)
def test_a_key_is_the_same_however_it_was_written(verdicts: dict[str, Verdict], text: str) -> None:
    row = verdicts[f"a key as {text!r}"].row
    assert (row["order_id"], row["customer_id"]) == ("1001", "C1")


@pytest.mark.parametrize("text", TEN)
def test_an_instant_is_the_same_however_it_was_written(verdicts: dict[str, Verdict], text: str) -> None:
    row = verdicts[f"ten o'clock as {text}"].row
    assert {row[name].astimezone(UTC) for name in ("order_ts", "updated_at")} == {datetime(2025, 1, 2, 10, tzinfo=UTC)}


@pytest.mark.parametrize("word", NO_CUSTOMER)
def test_a_word_for_nothing_is_no_customer(verdicts: dict[str, Verdict], word: str) -> None:
    assert verdicts[f"a guest called {word!r}"].row["customer_id"] is None


def test_what_means_something_stays(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["Namibia"].row["country"] == "NA"
    assert verdicts["an article number"].row["order_id"] == "12E5"
    assert verdicts["a total without a value"].row["order_total"] is None


def test_values_are_cleaned_and_the_day_is_utc(verdicts: dict[str, Verdict]) -> None:
    untidy, offset = verdicts["untidy text"].row, verdicts["an offset"].row
    assert [untidy[name] for name in ("status", "currency", "country")] == ["PAID", "EUR", "GB"]
    assert offset["order_date"] == date(2025, 1, 1)
    assert untidy["order_total"] == Decimal("20.0000")
