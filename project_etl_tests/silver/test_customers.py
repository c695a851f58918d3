"""Silver customers: what each rule of the contract rejects, and how a good record is cleaned."""

from __future__ import annotations

from datetime import UTC, date, datetime

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import CUSTOMER

DELIVERABLE = (
    "info@m\u00fcller.example.de",
    "ivan@example.xn--p1ai",
    "j\u00fcrgen@example.org",
    "_sales@example.org",
    "a/b=c@example.org",
    "x1y2z3+abc@marketplace.amazon.example",
    "A.B@EXAMPLE.ORG",
)

# Case → the columns that differ from a good customer, and the rules that this breaks.
BAD = {
    "no key": ({"customer_id": ""}, ["customer_id_not_null"]),
    "an address without @": ({"email": "ada.example.org"}, ["email_str_matches"]),
    "an address without a domain": ({"email": "ada@example"}, ["email_str_matches"]),
    "an address with a line break": ({"email": "ada@example.org\nx"}, ["email_str_matches"]),
    "a country by name": ({"country": "Germany"}, ["country_isin"]),
    "a country that is none": ({"country": "XY"}, ["country_isin"]),
    "30 February": ({"signup_date": "2025-02-30"}, ["signup_date_type"]),
    "a signup that is no day": ({"signup_date": "today"}, ["signup_date_type"]),
    "no time of change": ({"updated_at": ""}, ["updated_at_not_null"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a key that a spreadsheet rounded": ({"customer_id": "4.5e-3"}, ["keys_not_rounded"]),
    "an address with a blank": ({"email": "ada king@example.org"}, ["email_str_matches"]),
    "an address that begins with a dot": ({"email": ".ada@example.org"}, ["email_str_matches"]),
    "a time of change that is none": ({"updated_at": "2025"}, ["updated_at_type"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
WARNED = {
    "no address": ({"email": None}, ["email_not_null"]),
    "a blank address": ({"email": "  "}, ["email_not_null"]),
    "a signup yet to come": ({"signup_date": "2205-01-01"}, ["signup_date_in_range"]),
    "a signup of long ago": ({"signup_date": "0001-01-01"}, ["signup_date_in_range"]),
}
GOOD = {
    "as it is": {"signup_date": "2024-02-29"},
    "next to nothing": {"first_name": None, "last_name": None, "country": "", "signup_date": ""},
    "untidy text": {
        "first_name": "  ADA maria",
        "last_name": "o'neill ",
        "email": " Ada@Example.ORG ",
        "country": "gb",
    },
    "people with strange names": {"first_name": "Null", "last_name": " None\u00a0de \u00a0la  Cruz", "city": "\\N"},
    **{f"mail to {address}": {"email": address} for address in DELIVERABLE},
    "an offset": {"updated_at": "2025-01-01T01:00:00+01:00"},
}

CASES = Cases("customers", CUSTOMER, BAD, GOOD, warned=WARNED, also=("customers_history",))


def test_names_addresses_and_countries_are_cleaned(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["untidy text"].row
    found = [row[name] for name in ("first_name", "last_name", "full_name", "email", "country")]
    assert found == ["Ada Maria", "O'neill", "Ada Maria O'neill", "ada@example.org", "GB"]
    assert verdicts["next to nothing"].row["full_name"] is None


def test_names_are_no_words_for_nothing_and_have_single_spaces(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["people with strange names"].row
    assert [row[name] for name in ("first_name", "last_name", "city")] == ["Null", "None De La Cruz", None]


def test_instants_are_utc_and_days_are_days(verdicts: dict[str, Verdict]) -> None:
    as_it_is, offset = verdicts["as it is"].row, verdicts["an offset"].row
    assert as_it_is["signup_date"] == date(2024, 2, 29)
    assert as_it_is["updated_at"] == offset["updated_at"]
    assert as_it_is["updated_at"].astimezone(UTC) == datetime(2025, 1, 1, tzinfo=UTC)


def test_a_signup_that_cannot_be_is_left_out(verdicts: dict[str, Verdict]) -> None:
    assert (
        verdicts["a signup of long ago"].row["signup_date"]
        is verdicts["a signup yet to come"].row["signup_date"]
        is None
    )
