"""Silver reviews: what each rule of the contract rejects, and how ratings, votes and texts are read."""

from __future__ import annotations

from datetime import date

import pytest

from project_etl_tests.silver.given import MALFORMED, Cases, Verdict
from project_etl_tests.small_shop import REVIEW

# Only these two say that a customer wrote nothing.
NO_TEXT = ("", "\\N", " \u00a0")
WORDS = ("N/A", "-", "none", "null", "NaN")

# Case → the columns that differ from a good review, and the rules that this breaks.
BAD = {
    "no key": ({"review_id": ""}, ["review_id_not_null"]),
    "no product": ({"product_id": ""}, ["product_id_not_null"]),
    "a product nobody knows": ({"product_id": "P9"}, ["product_exists"]),
    "no rating": ({"rating": ""}, ["rating_not_null"]),
    "half a star": ({"rating": "4.5"}, ["rating_type"]),
    "a rating in stars": ({"rating": "★★★★"}, ["rating_type"]),
    "no star": ({"rating": "0"}, ["rating_in_range"]),
    "six stars": ({"rating": "6"}, ["rating_in_range"]),
    "less than no votes": ({"helpful_votes": "-1"}, ["helpful_votes_greater_than_or_equal_to"]),
    "votes in words": ({"helpful_votes": "many"}, ["helpful_votes_type"]),
    "half a vote": ({"helpful_votes": "1.5"}, ["helpful_votes_type"]),
    "no time": ({"review_ts": ""}, ["review_ts_not_null"]),
    "30 February": ({"review_ts": "2025-02-30T10:00:00Z"}, ["review_ts_type"]),
    "a time to come": ({"review_ts": "2025-01-12T00:00:00Z"}, ["review_ts_in_range"]),
    "a change for ever": ({"updated_at": "9999-12-31T23:59:59Z"}, ["updated_at_in_range"]),
    "a time of change that is none": ({"updated_at": "2025-13-01"}, ["updated_at_type"]),
    "a key that a spreadsheet rounded": ({"review_id": "1.2E+9"}, ["keys_not_rounded"]),
    "a record that cannot be parsed": (MALFORMED, ["well_formed"]),
}
WARNED = {
    "a customer nobody knows": ({"customer_id": "C9"}, ["customer_known"]),
    **{f"a text of {text!r}": ({"review_text": text}, ["review_text_not_null"]) for text in NO_TEXT},
}
GOOD = {
    "as it is": {},
    "of nobody": {"customer_id": ""},
    "four with a point": {"rating": "4.0"},
    "no votes given": {"helpful_votes": ""},
    "votes that are missing": {"helpful_votes": "N/A"},
    "votes with a point": {"helpful_votes": "7.0"},
    "no time of change": {"updated_at": ""},
    "an offset": {"review_ts": "2025-01-05T00:30:00+02:00"},
    **{f"the word {text}": {"review_text": text} for text in WORDS},
    "blanks and lines": {"review_text": " Good,\n\tvery  good 😍 "},
}
# No votes given are 0, so that this rule of the contract cannot be broken.
UNREACHABLE = {"helpful_votes_not_null"}

CASES = Cases("reviews", REVIEW, BAD, GOOD, WARNED, unreachable=UNREACHABLE)


@pytest.mark.parametrize(
    ("case", "rating", "votes"),
    [
        ("as it is", 5, 3),
        ("four with a point", 4, 3),
        ("no votes given", 5, 0),
        ("votes that are missing", 5, 0),
        ("votes with a point", 5, 7),
    ],
)
def test_numbers_are_whole_and_no_votes_are_none(
    verdicts: dict[str, Verdict], case: str, rating: int, votes: int
) -> None:
    row = verdicts[case].row
    assert (row["rating"], row["helpful_votes"]) == (rating, votes)


@pytest.mark.parametrize("word", WORDS)
def test_a_text_that_is_a_word_for_nothing_stays(verdicts: dict[str, Verdict], word: str) -> None:
    assert verdicts[f"the word {word}"].row["review_text"] == word


def test_a_text_stays_as_it_was_written(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["blanks and lines"].row["review_text"] == " Good,\n\tvery  good 😍 "


def test_the_day_is_that_of_the_review(verdicts: dict[str, Verdict]) -> None:
    days = [verdicts[case].row["review_date"] for case in ("as it is", "an offset", "no time")]
    assert days == [date(2025, 1, 5), date(2025, 1, 4), None]
