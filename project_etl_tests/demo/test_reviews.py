"""The reviews of a generated shop: what is planted in their texts and numbers, counted over the files."""

from __future__ import annotations

from collections import Counter

from project_etl_tests.demo import plain_reading as plain
from project_etl_tests.demo import plain_rules as rules

WORDS = {"N/A", "-", "none", "null", "NaN"}


def test_what_silver_fills_in_or_warns_of_agrees(landing, counted, planted):
    rule = rules.review_rule(counted["products"])
    found: Counter[str] = Counter()
    for path in (landing / "shop" / "reviews").rglob("reviews.csv"):
        for record in plain.records(path):
            if isinstance(record, str) or rule(plain.cleaned(record), rules.date.fromisoformat(path.parent.name)):
                continue
            text = record["review_text"]
            found["text_missing"] += text in ("", "\\N")
            found["text_of_many_lines"] += "\n" in text
            found["text_that_is_a_word"] += text in WORDS
            found["helpful_votes_missing"] += record["helpful_votes"] == ""
            found["rating_with_point"] += record["rating"].endswith(".0")
            found["customer_unknown"] += (record["customer_id"],) not in counted["customers"].newest
    # The same record again, spelled so.
    found["rating_with_point"] -= planted["reviews"]["rating_as_float"]

    assert found == {name: planted["reviews"][name] for name in found}
    assert all(found.values())


def test_reviews_wait_for_their_product_only_where_planted_and_never_for_their_customer(counted, planted):
    reviews, products, customers = (counted[name] for name in ("reviews", "products", "customers"))
    waiting = 0
    for key, review in reviews.newest.items():
        waiting += reviews.landed[key] < products.landed[review["product_id"],]
        assert customers.landed.get((review["customer_id"],), "") <= reviews.landed[key]

    assert waiting == planted["reviews"]["product_lands_later"]


def test_most_are_content_and_texts_are_of_all_kinds(counted):
    reviews = list(counted["reviews"].newest.values())
    ratings = Counter(int(review["rating"]) for review in reviews)
    texts = "".join(review["review_text"] for review in reviews)

    assert ratings[5] + ratings[4] > ratings.total() / 2
    assert set(ratings) == {1, 2, 3, 4, 5}
    assert all(sign in texts for sign in ('"', ",", "\n", "😍", "ö"))
