"""What a kind of dirt is, what can become of it, and the names that several datasets share.

Which kinds there are is in `kind_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CUSTOMERS = "customers"
PRODUCTS = "products"
ORDERS = "orders"
ORDER_ITEMS = "order_items"
FX_RATES = "fx_rates"
EVENTS = "events"
REVIEWS = "reviews"
REFUNDS = "refunds"

# Kinds that several datasets share.
MALFORMED_JSON = "malformed_json"
TOO_FEW_FIELDS = "too_few_fields"
TOO_MANY_FIELDS = "too_many_fields"
BAD_QUOTE = "bad_quote"
REPEAT_SAME_FILE = "repeat_in_same_file"
REPEAT_SECOND_FILE = "repeat_in_second_file"
REPEAT_LATER_FILE = "repeat_in_later_file"
LATE_RECORD = "late_record"
CORRECTED_RECORD = "corrected_record"
EXTRA_COLUMN = "extra_column"
UNTIDY = "untidy_text"
DELETED = "deleted"
RESTORED = "restored"


class Outcome(StrEnum):
    """What must become of the records of a kind once every landing day is loaded."""

    PUBLISHED = "published"  # as it is: a case that tables after Silver must get right
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
