"""Every kind of dirt the generator plants: where, how much of it, and what must become of it.

This table is the plan and the vocabulary of the manifest. How a record is spoiled stands with its dataset.
"""

from __future__ import annotations

from collections.abc import Iterator

from project_etl.demo.kinds import (
    BAD_QUOTE,
    CORRECTED_RECORD,
    CUSTOMERS,
    DELETED,
    EVENTS,
    EXTRA_COLUMN,
    FX_RATES,
    LATE_RECORD,
    MALFORMED_JSON,
    ORDER_ITEMS,
    ORDERS,
    PRODUCTS,
    REFUNDS,
    REPEAT_LATER_FILE,
    REPEAT_SAME_FILE,
    REPEAT_SECOND_FILE,
    RESTORED,
    REVIEWS,
    TOO_FEW_FIELDS,
    TOO_MANY_FIELDS,
    UNTIDY,
    Kind,
    Outcome,
)


def _spoiled(
    dataset: str, amount: int, *kinds: tuple[str, str, str], grows: bool = True, is_beside: bool = False
) -> Iterator[Kind]:
    for name, column, meaning in kinds:
        yield Kind(
            dataset, name, column or None, Outcome.QUARANTINED, meaning, amount, grows=grows, is_beside=is_beside
        )


def _spelled(dataset: str, amount: int, *kinds: tuple[str, str, str]) -> Iterator[Kind]:
    """List the kinds that say again what a record says, in another spelling."""
    for name, column, how in kinds:
        meaning = f"the same record again, {how}"
        yield Kind(dataset, name, column, Outcome.DEDUPLICATED, meaning, amount, is_beside=True)


def _deletions(dataset: str, amount: int) -> Iterator[Kind]:
    for name, outcome, meaning in (
        (DELETED, Outcome.DELETES, "_deleted: true, with its instant, after a record of the key"),
        (RESTORED, Outcome.RESTORES, "a record of the key after its deletion"),
    ):
        yield Kind(dataset, name, "_deleted", outcome, meaning, amount, days_after=1, is_beside=True)


def _versions(dataset: str, repeats: int, late: int, corrected: int, *, after: int, first_day: int) -> Iterator[Kind]:
    """List the kinds that tell a key again.

    `after` is 1 where the second record waits for a later file; `first_day` is 1 where it tells about an earlier one.
    """
    yield Kind(dataset, REPEAT_SAME_FILE, None, Outcome.DEDUPLICATED, "the same record again in the same file", repeats)
    yield Kind(
        dataset,
        REPEAT_LATER_FILE,
        None,
        Outcome.DEDUPLICATED,
        "the same record again in a later file",
        repeats,
        first_day=first_day,
        days_after=after,
    )
    yield Kind(
        dataset,
        LATE_RECORD,
        "updated_at",
        Outcome.SUPERSEDED,
        "an older record after a newer one",
        late,
        first_day=first_day,
        days_after=after,
    )
    yield Kind(
        dataset,
        CORRECTED_RECORD,
        "updated_at",
        Outcome.SUPERSEDES,
        "a newer record of a known key",
        corrected,
        first_day=first_day,
        days_after=after,
    )


_CSV_FAULTS = (
    (TOO_FEW_FIELDS, "", "the last field is missing"),
    (TOO_MANY_FIELDS, "", "one field too many"),
    (BAD_QUOTE, "", "text after a closing quote"),
)

KINDS: tuple[Kind, ...] = (
    *_spoiled(
        CUSTOMERS, 6,
        ("customer_id_missing", "customer_id", "the key is null or absent"),
        ("updated_at_missing", "updated_at", "no time of change"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        ("signup_date_unparsable", "signup_date", "the signup date does not exist"),
        ("email_malformed", "email", "the e-mail address is none"),
        ("country_not_iso", "country", "a country name instead of its ISO-2 code"),
        (MALFORMED_JSON, "", "the line breaks off"),
    ),
    Kind(CUSTOMERS, "email_missing", "email", Outcome.WARNED, "no e-mail address"),
    Kind(CUSTOMERS, UNTIDY, "first_name", Outcome.TIDIED, "blanks around names, addresses in capitals"),
    Kind(CUSTOMERS, EXTRA_COLUMN, "loyalty_tier", Outcome.RESCUED, "an undeclared key, on one day"),
    *_versions(CUSTOMERS, 20, 20, 400, first_day=1, after=0),
    *_spelled(
        CUSTOMERS, 8,
        ("customer_id_padded", "customer_id", "blanks around its key"),
        ("customer_id_guarded", "customer_id", "its key guarded from a spreadsheet"),
        ("updated_at_offset", "updated_at", "its offset written otherwise"),
    ),
    Kind(
        CUSTOMERS, "customer_id_as_float", "customer_id", Outcome.TIDIED, "a key of digits as 9500001.0", 6,
        is_beside=True,
    ),
    *_spoiled(
        CUSTOMERS, 6,
        ("customer_id_rounded", "customer_id", "a key in scientific notation"),
        ("updated_at_far", "updated_at", "a time of change in the year 1, 1899 or 9999"),
        is_beside=True,
    ),
    *_deletions(CUSTOMERS, 6),
    *_spoiled(
        PRODUCTS, 4,
        ("product_id_missing", "product_id", "the key is null or absent"),
        ("name_missing", "name", "no name"),
        ("updated_at_missing", "updated_at", "no time of change"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        ("price_zero", "price", "a price of 0"),
        ("price_negative", "price", "a price below 0"),
        ("price_not_a_number", "price", "a price that is text"),
        ("currency_not_iso", "currency", "a currency that is not ISO-4217"),
        ("active_not_boolean", "active", "neither true nor false"),
        (MALFORMED_JSON, "", "the line breaks off"),
    ),
    Kind(PRODUCTS, UNTIDY, "name", Outcome.TIDIED, "blanks around the name, the category in other cases"),
    *_versions(PRODUCTS, 8, 8, 150, first_day=1, after=0),
    *_spelled(PRODUCTS, 6, ("product_id_padded", "product_id", "blanks around its key")),
    *_spoiled(
        ORDERS, 8,
        ("order_id_missing", "order_id", "the key is empty"),
        ("order_ts_missing", "order_ts", "no order time"),
        ("order_ts_nonexistent", "order_ts", "30 February"),
        ("order_ts_in_future", "order_ts", "three days after the landing day"),
        ("status_unknown", "status", "a misspelled status"),
        ("total_negative", "order_total", "a total below 0"),
        ("total_not_a_number", "order_total", "a total that is text"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        *_CSV_FAULTS,
    ),
    Kind(ORDERS, "guest", "customer_id", Outcome.WARNED, "an order without a customer"),
    Kind(ORDERS, "customer_unknown", "customer_id", Outcome.WARNED, "a customer nobody knows", 30),
    Kind(ORDERS, "total_mismatch", "order_total", Outcome.WARNED, "the total is not the sum of the items", 25),
    Kind(ORDERS, UNTIDY, "status", Outcome.TIDIED, "the status in small letters"),
    Kind(ORDERS, EXTRA_COLUMN, "channel", Outcome.RESCUED, "an undeclared column, on one day"),
    *_versions(ORDERS, 20, 25, 1700, first_day=0, after=1),
    Kind(ORDERS, "moved_to_another_day", "order_ts", Outcome.SUPERSEDES, "a newer record, a day earlier", 6, 1, 1),
    *_spelled(
        ORDERS, 8,
        ("order_id_padded", "order_id", "blanks around its key"),
        ("customer_id_guarded", "customer_id", "its customer guarded from a spreadsheet"),
        ("customer_id_as_word", "customer_id", "a word for no customer"),
        ("updated_at_offset", "updated_at", "its offset written otherwise"),
    ),
    *_spoiled(
        ORDERS, 6,
        ("order_id_rounded", "order_id", "a key in scientific notation"),
        ("order_ts_far", "order_ts", "an order time in the year 1, 1899 or 9999"),
        ("newer_version_lost", "status", "a newer version with an unknown status: the row goes on"),
        is_beside=True,
    ),
    *_deletions(ORDERS, 6),
    Kind(ORDERS, "truncated_gzip", None, Outcome.NOT_LOADED, "a file that breaks off; its records land the next day"),
    *_spoiled(
        ORDER_ITEMS, 8,
        ("order_item_id_missing", "order_item_id", "the key is empty"),
        ("order_id_missing", "order_id", "no order"),
        ("quantity_zero", "quantity", "a quantity of 0"),
        ("quantity_negative", "quantity", "a quantity below 0"),
        ("quantity_too_large", "quantity", "100,001 pieces"),
        ("quantity_not_a_number", "quantity", "a quantity in words"),
        ("unit_price_zero", "unit_price", "a price of 0"),
        ("unit_price_too_large", "unit_price", "a price of 100,001"),
        ("unit_price_not_a_number", "unit_price", "a price that is text"),
        ("discount_negative", "discount", "a discount below 0"),
        ("discount_above_gross", "discount", "a discount above quantity × price"),
        ("discount_not_a_number", "discount", "a discount that is text"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        ("order_unknown", "order_id", "an order that never lands"),
        ("product_unknown", "product_id", "a product that never lands"),
        *_CSV_FAULTS,
    ),
    Kind(ORDER_ITEMS, "order_lands_later", "order_id", Outcome.RELEASED, "lands before its order", 15, 0, 1),
    Kind(ORDER_ITEMS, "product_lands_later", "product_id", Outcome.RELEASED, "lands before its product", 15, 0, 1),
    *_versions(ORDER_ITEMS, 25, 25, 40, first_day=0, after=1),
    *_spelled(
        ORDER_ITEMS, 8,
        ("order_id_padded", "order_id", "blanks around its order"),
        ("product_id_guarded", "product_id", "its product guarded from a spreadsheet"),
        ("quantity_as_float", "quantity", "its quantity as 2.0"),
    ),
    Kind(ORDER_ITEMS, "order_deleted", "order_id", Outcome.QUARANTINED, "its order was deleted", is_beside=True),
    Kind(ORDER_ITEMS, "file_under_two_names", None, Outcome.NOT_LOADED, "the bytes of the day's file once more"),
    *_spoiled(
        FX_RATES, 2,
        ("rate_zero", "rate", "a rate of 0"),
        ("rate_negative", "rate", "a rate below 0"),
        ("rate_missing", "rate", "no rate"),
        ("rate_not_a_number", "rate", "a rate that is text"),
        ("rate_date_unparsable", "rate_date", "a date that does not exist"),
        ("quote_currency_missing", "quote_currency", "no quote currency"),
        grows=False,
    ),
    *(
        Kind(FX_RATES, name, None, outcome, meaning, 3, days_after=after, grows=False)
        for name, outcome, meaning, after in (
            (REPEAT_SAME_FILE, Outcome.DEDUPLICATED, "the same record again in the same file", 0),
            (REPEAT_LATER_FILE, Outcome.DEDUPLICATED, "the same record again in the next file", 1),
            (CORRECTED_RECORD, Outcome.SUPERSEDES, "another rate for the day, in the next file", 1),
        )
    ),
    Kind(FX_RATES, "day_without_rates", None, Outcome.CARRIED, "no rates land; the day before counts on"),
    *_spoiled(
        EVENTS, 8,
        ("event_id_missing", "event_id", "the key is null or absent"),
        ("visitor_id_missing", "visitor_id", "no visitor"),
        ("event_ts_missing", "event_ts", "no time"),
        ("event_ts_nonexistent", "event_ts", "30 February"),
        ("event_ts_in_future", "event_ts", "three days after the landing day"),
        ("event_type_unknown", "event_type", "a type that is none of the shop's and that no setting maps to one"),
        ("quantity_zero", "quantity", "a quantity of 0"),
        ("quantity_negative", "quantity", "a quantity below 0"),
        ("quantity_not_a_number", "quantity", "a quantity in words"),
        ("price_negative", "price", "a price below 0"),
        ("price_not_a_number", "price", "a price that is text"),
        (MALFORMED_JSON, "", "the line breaks off"),
    ),
    Kind(EVENTS, "product_unknown", "product_id", Outcome.WARNED, "a product that never lands", 30),
    Kind(EVENTS, "order_unknown", "order_id", Outcome.WARNED, "a purchase in an order that never lands", 20),
    Kind(EVENTS, "purchase_without_price", "price", Outcome.WARNED, "a purchase without a price", 20),
    Kind(
        EVENTS, "type_of_a_tracker", "event_type", Outcome.TIDIED, "page_view or view_item, which a setting makes view",
        1500,
    ),
    Kind(EVENTS, "quantity_missing", "quantity", Outcome.TIDIED, "a cart without a quantity, which is 1", 60),
    Kind(EVENTS, "price_missing", "price", Outcome.TIDIED, "a view without a price, which is 0", 60),
    Kind(EVENTS, "late_event", "event_ts", Outcome.PUBLISHED, "lands one to five days after its day", 400, 0, 1),
    Kind(EVENTS, "equal_instants", "event_ts", Outcome.PUBLISHED, "at the instant of the event before it"),
    Kind(EVENTS, "becomes_known", "customer_id", Outcome.PUBLISHED, "the first of a visitor's day with a customer"),
    Kind(EVENTS, "gap_of_1800_s", "event_ts", Outcome.PUBLISHED, "1,800 s after the event before: one session", 8),
    Kind(EVENTS, "gap_of_1800_5_s", "event_ts", Outcome.PUBLISHED, "1,800.5 s after the event before: two sessions", 8),
    Kind(EVENTS, "gap_of_1801_s", "event_ts", Outcome.PUBLISHED, "1,801 s after the event before: two sessions", 8),
    Kind(EVENTS, "over_midnight", "event_ts", Outcome.PUBLISHED, "goes on after midnight: two sessions", 8, 0, 1),
    Kind(EVENTS, "bot", "visitor_id", Outcome.PUBLISHED, "the first of 200 views or more of one visitor", 6),
    Kind(EVENTS, REPEAT_SAME_FILE, None, Outcome.DEDUPLICATED, "the same record again in the same file", 200),
    Kind(EVENTS, REPEAT_SECOND_FILE, None, Outcome.DEDUPLICATED, "the same record again in the day's second file", 200),
    Kind(EVENTS, REPEAT_LATER_FILE, None, Outcome.DEDUPLICATED, "the same record again in a later file", 200, 0, 1),
    Kind(EVENTS, CORRECTED_RECORD, "quantity", Outcome.SUPERSEDES, "the event again, later and put right", 40, 0, 1),
    *_spelled(
        EVENTS, 8,
        ("event_id_padded", "event_id", "blanks around its key"),
        ("customer_id_as_word", "customer_id", "a word for no customer"),
        ("quantity_as_float", "quantity", "its quantity as 2.0"),
        ("event_ts_offset", "event_ts", "its offset written otherwise"),
    ),
    *_spoiled(
        EVENTS, 6,
        ("event_id_rounded", "event_id", "a key in scientific notation"),
        ("event_ts_far", "event_ts", "a time in the year 1, 1899 or 9999"),
        is_beside=True,
    ),
    *_spoiled(
        REVIEWS, 8,
        ("review_id_missing", "review_id", "the key is empty"),
        ("rating_below_one", "rating", "a rating of 0 or less"),
        ("rating_above_five", "rating", "a rating of 6 or more"),
        ("rating_fraction", "rating", "a rating such as 4.5"),
        ("rating_not_a_number", "rating", "a rating in words or stars"),
        ("helpful_votes_negative", "helpful_votes", "less than no votes"),
        ("helpful_votes_not_a_number", "helpful_votes", "votes in words"),
        ("review_ts_nonexistent", "review_ts", "30 February"),
        ("review_ts_in_future", "review_ts", "three days after the landing day"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        ("product_unknown", "product_id", "a product that never lands"),
        *_CSV_FAULTS,
    ),
    Kind(REVIEWS, "customer_unknown", "customer_id", Outcome.WARNED, "a customer nobody knows", 20),
    Kind(REVIEWS, "text_missing", "review_text", Outcome.WARNED, "a rating without a text", 150),
    Kind(REVIEWS, "rating_with_point", "rating", Outcome.TIDIED, "4.0, which is 4", 60),
    Kind(REVIEWS, "helpful_votes_missing", "helpful_votes", Outcome.TIDIED, "no votes given, which is 0", 100),
    Kind(REVIEWS, "text_of_many_lines", "review_text", Outcome.PUBLISHED, "a text with line ends"),
    Kind(REVIEWS, "text_that_is_a_word", "review_text", Outcome.PUBLISHED, "a text such as N/A, which stays so", 20),
    Kind(REVIEWS, "product_lands_later", "product_id", Outcome.RELEASED, "lands before its product", 15, 0, 1),
    *_versions(REVIEWS, 20, 20, 150, first_day=0, after=1),
    *_deletions(REVIEWS, 20),
    *_spelled(
        REVIEWS, 8,
        ("review_id_padded", "review_id", "blanks around its key"),
        ("product_id_guarded", "product_id", "its product guarded from a spreadsheet"),
        ("rating_as_float", "rating", "its rating as 4.0"),
        ("updated_at_offset", "updated_at", "its offset written otherwise"),
    ),
    *_spoiled(
        REVIEWS, 6,
        ("review_id_rounded", "review_id", "a key in scientific notation"),
        ("review_ts_far", "review_ts", "a time in the year 1, 1899 or 9999"),
        is_beside=True,
    ),
    *_spoiled(
        REFUNDS, 4,
        ("refund_id_missing", "refund_id", "the key is empty"),
        ("order_id_missing", "order_id", "no order"),
        ("refunded_at_missing", "refunded_at", "no time"),
        ("refunded_at_nonexistent", "refunded_at", "30 February"),
        ("refunded_at_in_future", "refunded_at", "three days after the landing day"),
        ("quantity_zero", "quantity", "a quantity of 0"),
        ("quantity_negative", "quantity", "a quantity below 0"),
        ("quantity_not_a_number", "quantity", "a quantity in words"),
        ("amount_zero", "amount", "an amount of 0"),
        ("amount_negative", "amount", "an amount below 0"),
        ("amount_not_a_number", "amount", "an amount that is text"),
        ("updated_at_unparsable", "updated_at", "the time of change is not a time"),
        ("order_unknown", "order_id", "an order that never lands"),
        *_CSV_FAULTS,
    ),
    Kind(REFUNDS, "item_unknown", "order_item_id", Outcome.WARNED, "an item that its order does not have", 8),
    Kind(REFUNDS, "before_order", "refunded_at", Outcome.WARNED, "refunded before it was ordered", 8),
    Kind(REFUNDS, "above_order", "amount", Outcome.WARNED, "the newest of refunds that are more than their order", 6),
    Kind(REFUNDS, "full_without_status", "order_id", Outcome.WARNED, "all of an order whose status does not say so", 6),
    Kind(REFUNDS, "status_without_refunds", None, Outcome.WARNED, "an order that is REFUNDED and has no refund", 6),
    Kind(REFUNDS, "order_lands_later", "order_id", Outcome.RELEASED, "lands before its order"),
    *_versions(REFUNDS, 6, 6, 12, first_day=0, after=1),
    *_spelled(
        REFUNDS, 4,
        ("refund_id_padded", "refund_id", "blanks around its key"),
        ("order_id_guarded", "order_id", "its order guarded from a spreadsheet"),
        ("quantity_as_float", "quantity", "its quantity as 2.0"),
        ("refunded_at_offset", "refunded_at", "its offset written otherwise"),
    ),
    *_spoiled(
        REFUNDS, 4,
        ("refund_id_rounded", "refund_id", "a key in scientific notation"),
        ("refunded_at_far", "refunded_at", "a time in the year 1, 1899 or 9999"),
        is_beside=True,
    ),
)  # fmt: skip
# In the order in which they are first named above.
DATASETS = tuple(dict.fromkeys(kind.dataset for kind in KINDS))


def kinds_of(dataset: str) -> tuple[Kind, ...]:
    """Return the kinds of a dataset in the order of the table."""
    return tuple(kind for kind in KINDS if kind.dataset == dataset)
