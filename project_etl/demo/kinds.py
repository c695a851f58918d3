"""Every kind of dirt the generator plants: where, how much of it, and what must become of it.

This table is the plan and the vocabulary of the manifest. How a record is spoiled stands with its dataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

CUSTOMERS = "customers"
PRODUCTS = "products"
ORDERS = "orders"
ORDER_ITEMS = "order_items"
FX_RATES = "fx_rates"
DATASETS = (CUSTOMERS, PRODUCTS, ORDERS, ORDER_ITEMS, FX_RATES)

# Kinds that several datasets share.
MALFORMED_JSON = "malformed_json"
TOO_FEW_FIELDS = "too_few_fields"
TOO_MANY_FIELDS = "too_many_fields"
BAD_QUOTE = "bad_quote"
REPEAT_SAME_FILE = "repeat_in_same_file"
REPEAT_LATER_FILE = "repeat_in_later_file"
LATE_RECORD = "late_record"
CORRECTED_RECORD = "corrected_record"
EXTRA_COLUMN = "extra_column"
UNTIDY = "untidy_text"
DELETED = "deleted"
RESTORED = "restored"


class Outcome(StrEnum):
    """What must become of the records of a kind once every landing day is loaded."""

    TIDIED = "tidied"  # published, spelled as Silver spells it
    WARNED = "warned"  # published, counted by a warning
    QUARANTINED = "quarantined"
    RELEASED = "released"  # quarantined on its landing day, published when its parent lands
    DEDUPLICATED = "deduplicated"  # says again what a loaded record says
    SUPERSEDES = "supersedes"  # newer than a loaded record of its key, which it replaces
    SUPERSEDED = "superseded"  # lands after a newer record of its key, and loses
    DELETES = "deletes"  # says that what a loaded record tells of is gone: its key has no row
    RESTORES = "restores"  # newer than a deletion: its key has a row again
    RESCUED = "rescued"  # published; the value that fits no column is kept beside it
    CARRIED = "carried"  # a day that uses the rate of an earlier one
    NOT_LOADED = "not_loaded"  # a whole file


@dataclass(frozen=True)
class Kind:
    """One kind of dirt in one dataset.

    Attributes:
        dataset: The dataset it is planted in.
        name: Its name in the manifest, unique in the dataset.
        column: The column at fault; None where it is the record or the file.
        outcome: What must become of it.
        meaning: One sentence for people.
        per_90_days: How many at scale 1 over 90 days; 0 for kinds that follow another rule, such as one day only.
        first_day: The first landing day (from 0) that can have it.
        days_after: Landing days that must follow.
        grows: Whether the amount grows with `scale`.
        is_beside: Whether it is written beside the shop's own records (see `as_sent.py`).
    """

    dataset: str
    name: str
    column: str | None
    outcome: Outcome
    meaning: str
    per_90_days: int = 0
    first_day: int = 0
    days_after: int = 0
    grows: bool = True
    is_beside: bool = False


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
)  # fmt: skip


def kinds_of(dataset: str) -> tuple[Kind, ...]:
    """Return the kinds of a dataset in the order of the table."""
    return tuple(kind for kind in KINDS if kind.dataset == dataset)
