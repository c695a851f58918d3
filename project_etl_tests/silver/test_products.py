"""Silver products: what each rule of the contract rejects, and how bands, categories and tags are read."""

from __future__ import annotations

import pytest

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict

# As Bronze has it: all text.
PRODUCT = {
    "product_id": "P1",
    "name": "Lamp",
    "category": "home",
    "price": "10",
    "currency": "EUR",
    "active": "true",
    "tags": '["a", "b"]',
    "updated_at": "2025-01-01T00:00:00Z",
}

# Case → the columns that differ from a good product, and the rules that this breaks.
BAD = {
    "no key": ({"product_id": ""}, ["product_id_not_null"]),
    "no name": ({"name": " "}, ["name_not_null"]),
    "a price of 0": ({"price": "0"}, ["price_greater_than"]),
    "a price below 0": ({"price": "-1"}, ["price_greater_than"]),
    "a price in words": ({"price": "ten"}, ["price_type"]),
    "a price that is too large": ({"price": "1e15"}, ["price_type"]),
    "a currency that is none": ({"currency": "EURO"}, ["currency_isin"]),
    "neither true nor false": ({"active": "maybe"}, ["is_active_type"]),
    "tags that are no array": ({"tags": "a, b"}, ["tags_type"]),
    "a name of blanks": ({"name": "\u00a0\u200b"}, ["name_not_null"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a key that a spreadsheet rounded": ({"product_id": "8.8E+4"}, ["keys_not_rounded"]),
    "no time of change": ({"updated_at": ""}, ["updated_at_not_null"]),
    "a time of change that is none": ({"updated_at": "12:30"}, ["updated_at_type"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
GOOD = {
    "as it is": {},
    "next to nothing": {"category": "", "price": "", "currency": "", "active": "", "tags": ""},
    "untidy text": {"name": " Lamp ", "category": " HOME garden", "currency": " eur "},
    "labels from web pages": {"name": "None", "category": "\u00a0Home \u2003 garden\t", "subcategory": "n/a"},
    "just low": {"price": "49.9999"},
    "just medium": {"price": "50"},
    "still medium": {"price": "199.9999"},
    "just high": {"price": "200"},
}
# They judge columns that are derived here and never without a value or another than the three.
UNREACHABLE = {"category_not_null", "price_band_isin"}

CASES = Cases("products", PRODUCT, BAD, GOOD, unreachable=UNREACHABLE, also=("products_history",))


@pytest.mark.parametrize(
    ("case", "band"),
    [("just low", "Low"), ("just medium", "Medium"), ("still medium", "Medium"), ("just high", "High")],
)
def test_bands_begin_at_their_limits(verdicts: dict[str, Verdict], case: str, band: str) -> None:
    assert verdicts[case].row["price_band"] == band


def test_blanks_of_any_kind_are_no_part_of_a_label(verdicts: dict[str, Verdict]) -> None:
    row = verdicts["labels from web pages"].row
    assert [row[name] for name in ("name", "category", "subcategory")] == ["None", "Home Garden", None]


def test_text_is_cleaned_and_an_absent_category_has_a_name(verdicts: dict[str, Verdict]) -> None:
    untidy, bare = verdicts["untidy text"].row, verdicts["next to nothing"].row
    assert [untidy[name] for name in ("name", "category", "currency")] == ["Lamp", "Home Garden", "EUR"]
    assert [bare[name] for name in ("category", "price_band", "is_active", "tags")] == ["Unknown", None, None, None]
    assert verdicts["as it is"].row["tags"] == ["a", "b"]
