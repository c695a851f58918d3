"""Source `shop` by the oracle: raw records to versions of what a shop has: its customers, sales, refunds and visits.

Here: casts, cleaning and the Silver rules of design.md that send one record to quarantine. Rules that only warn change
nothing here. Not here: which version wins, parents and prices (`tables.py`).

A rule about a value of an item or a rate asks for the value as well, but for `discount`. Elsewhere a value may be
missing that the design does not call required.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from project_etl_tests.oracle import tables, values
from project_etl_tests.oracle.landing import Dataset, RawRecord, read_dataset

SOURCE = "shop"
_EMAIL = re.compile(r'(?!\.)[^@\s,;:<>()"]+@([^@\s.,;:<>()"]+\.)+[^@\s.,;:<>()"]{2,}')
# Columns that say a day, which is the same in every time zone.
_DAYS = frozenset({"signup_date", "rate_date"})
_STATUSES = frozenset(
    {"PLACED", "PAID", "SHIPPED", "DELIVERED", "COMPLETED", "CANCELLED", "RETURNED", "REFUNDED", "PARTIALLY_REFUNDED"}
)
_EVENT_TYPES = {
    "view": "view",
    "page_view": "view",
    "view_item": "view",
    "add_to_cart": "add_to_cart",
    "purchase": "purchase",
}
_LARGEST_INT = 2**31 - 1

# What a judge returns: the row if no rule is broken, and each rule's verdict by name.
Verdict = tuple[dict[str, Any], Mapping[str, bool]]


def load(
    con: duckdb.DuckDBPyConnection, landing_root: Path, local: str = "UTC", reporting: str = "UTC"
) -> dict[str, Dataset]:
    """Add all versions of this source to the tables of `con`, and return what was read from landing.

    Args:
        con: the database.
        landing_root: where the files are.
        local: time zone of instants that name no offset.
        reporting: time zone of business days.
    """
    read: dict[str, Dataset] = {}
    for kind in _KINDS:
        read[kind.dataset] = dataset = read_dataset(landing_root, SOURCE, kind.dataset, kind.columns, local)
        versions: list[dict[str, Any]] = []
        rejects: list[dict[str, Any]] = []
        for received in dataset.records:
            record = received.read_as(kind.columns)
            row, rules = kind.judge(record)
            rules = {**rules, **_of_all(kind, record, reporting)}
            row["is_deleted"], rules = _deletion(kind, received, rules)
            broken = [name for name, is_kept in rules.items() if not is_kept]
            rejects += [{"dataset": kind.dataset, "rule": rule, **record.lineage} for rule in broken]
            if not broken:
                versions.append(row | record.lineage)
        tables.add(con, kind.table, versions)
        tables.add(con, "rejects", rejects)
    return read


def _customer(record: RawRecord) -> Verdict:
    email, country = record["email"], record["country"]
    names = [values.initcap(name) if name else None for name in (record["first_name"], record["last_name"])]
    signup_date = values.to_day(record["signup_date"])
    row = {
        "customer_id": record["customer_id"],
        "first_name": names[0],
        "last_name": names[1],
        "full_name": " ".join(name for name in names if name) or None,
        "email": email.lower() if email else None,
        "phone": record["phone"],
        "country": country,
        "city": record["city"],
        "signup_date": signup_date if values.is_in_range(signup_date, record.landing_day) else None,
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "customer_id_required": row["customer_id"] is not None,
        "updated_at_required": row["updated_at"] is not None,
        "email_pattern": email is None or _EMAIL.fullmatch(email) is not None,
        "country_iso": country is None or country in values.ISO_COUNTRIES,
        "signup_date_type": _casts(record["signup_date"], values.to_day),
    }


def _product(record: RawRecord) -> Verdict:
    price, category = values.to_amount(record["price"]), record["category"]
    row = {
        "product_id": record["product_id"],
        "name": record["name"],
        "category": None if category is None else values.initcap(category),
        "subcategory": record["subcategory"],
        "price": price,
        "currency": record["currency"],
        "is_active": values.to_bool(record["active"]),
        "tags": _texts(record["tags"]),
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "product_id_required": row["product_id"] is not None,
        "name_required": bool((record["name"] or "").strip()),
        "updated_at_required": row["updated_at"] is not None,
        "price_type": _casts(record["price"], values.to_amount),
        "price_positive": price is None or price > 0,
        "currency_iso": record["currency"] is None or record["currency"] in values.ISO_CURRENCIES,
        "active_type": _casts(record["active"], values.to_bool),
    }


def _order(record: RawRecord) -> Verdict:
    order_ts, total = record.instant("order_ts"), values.to_amount(record["order_total"])
    row = {
        "order_id": record["order_id"],
        "customer_id": record["customer_id"],
        "order_ts": order_ts,
        "status": (record["status"] or "").upper(),
        "currency": record["currency"],
        "order_total": total,
        "country": record["country"],
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "order_id_required": row["order_id"] is not None,
        "order_ts_required": order_ts is not None,
        "status_allowed": row["status"] in _STATUSES,
        "country_iso": row["country"] is None or row["country"] in values.ISO_COUNTRIES,
        "order_total_type": _casts(record["order_total"], values.to_amount),
        "order_total_not_negative": total is None or total >= 0,
        "updated_at_type": _casts(record["updated_at"], values.to_instant),
    }


def _item(record: RawRecord) -> Verdict:
    quantity, unit_price = values.to_int(record["quantity"]), values.to_amount(record["unit_price"])
    discount = values.to_amount(record["discount"] or "0")
    gross = quantity * unit_price if quantity is not None and unit_price is not None else None
    row = {
        "order_item_id": record["order_item_id"],
        "order_id": record["order_id"],
        "product_id": record["product_id"],
        "quantity": quantity,
        "unit_price": unit_price,
        "discount": discount,
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "order_item_id_required": row["order_item_id"] is not None,
        "order_id_required": row["order_id"] is not None,
        "product_id_required": row["product_id"] is not None,
        "quantity_type": _casts(record["quantity"], values.to_int),
        "quantity_range": _is_bad_text(record["quantity"], quantity)
        or (quantity is not None and 0 < quantity <= 100_000),
        "unit_price_type": _casts(record["unit_price"], values.to_amount),
        "unit_price_range": _is_bad_text(record["unit_price"], unit_price)
        or (unit_price is not None and 0 < unit_price <= 100_000),
        "discount_type": discount is not None,
        "discount_not_negative": discount is None or discount >= 0,
        "discount_within_gross": discount is None or discount < 0 or gross is None or gross <= 0 or discount <= gross,
        "updated_at_type": _casts(record["updated_at"], values.to_instant),
    }


def _fx_rate(record: RawRecord) -> Verdict:
    rate = values.to_decimal(record["rate"])
    row = {
        "rate_date": values.to_day(record["rate_date"]),
        "base": record["base_currency"],
        "quote": record["quote_currency"],
        "rate": None if rate is None else str(rate),
    }
    return row, {
        "rate_date_required": row["rate_date"] is not None,
        "base_currency_required": row["base"] is not None,
        "quote_currency_required": row["quote"] is not None,
        "rate_type": _casts(record["rate"], values.to_decimal),
        "rate_positive": _is_bad_text(record["rate"], rate) or (rate is not None and rate > 0),
    }


def _refund(record: RawRecord) -> Verdict:
    amount, quantity = values.to_amount(record["amount"]), _to_small_int(record["quantity"])
    row = {
        "refund_id": record["refund_id"],
        "order_id": record["order_id"],
        "order_item_id": record["order_item_id"],
        "quantity": quantity,
        "amount": amount,
        "reason": record["reason"],
        "refunded_at": record.instant("refunded_at"),
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "refund_id_required": row["refund_id"] is not None,
        "order_id_required": row["order_id"] is not None,
        "refunded_at_required": row["refunded_at"] is not None,
        "amount_type": _casts(record["amount"], values.to_amount),
        "amount_positive": _is_bad_text(record["amount"], amount) or (amount is not None and amount > 0),
        "quantity_type": _casts(record["quantity"], _to_small_int),
        "quantity_positive": quantity is None or quantity > 0,
        "updated_at_type": _casts(record["updated_at"], values.to_instant),
    }


def _review(record: RawRecord) -> Verdict:
    rating, votes = values.to_int(record["rating"]), _to_small_int(record["helpful_votes"] or "0")
    row = {
        "review_id": record["review_id"],
        "product_id": record["product_id"],
        "customer_id": record["customer_id"],
        "rating": rating,
        "review_text": record["review_text"],
        "helpful_votes": votes,
        "review_ts": record.instant("review_ts"),
        "updated_at": record.instant("updated_at"),
    }
    return row, {
        "review_id_required": row["review_id"] is not None,
        "product_id_required": row["product_id"] is not None,
        "rating_type": _casts(record["rating"], values.to_int),
        "rating_range": _is_bad_text(record["rating"], rating) or (rating is not None and 1 <= rating <= 5),
        "helpful_votes_type": votes is not None,
        "helpful_votes_not_negative": votes is None or votes >= 0,
        "review_ts_type": _casts(record["review_ts"], values.to_instant),
        "updated_at_type": _casts(record["updated_at"], values.to_instant),
    }


def _event(record: RawRecord) -> Verdict:
    quantity, price = _to_small_int(record["quantity"] or "1"), values.to_amount(record["price"] or "0")
    event_type = _EVENT_TYPES.get((record["event_type"] or "").lower())
    paid = quantity * price if event_type == "purchase" and quantity is not None and price is not None else 0
    row = {
        "event_id": record["event_id"],
        "visitor_id": record["visitor_id"],
        "customer_id": record["customer_id"],
        "event_type": event_type,
        "product_id": record["product_id"],
        "order_id": record["order_id"],
        "quantity": quantity,
        "price": price,
        "event_ts": record.instant("event_ts"),
    }
    return row, {
        "event_id_required": row["event_id"] is not None,
        "visitor_id_required": row["visitor_id"] is not None,
        "event_ts_required": row["event_ts"] is not None,
        "event_type_allowed": event_type is not None,
        "quantity_type": quantity is not None,
        "quantity_positive": quantity is None or quantity > 0,
        "price_type": price is not None,
        "price_not_negative": price is None or price >= 0,
        "event_value_type": values.to_amount(str(paid)) is not None,
    }


def _texts(text: str | None) -> list[str] | None:
    """Read a JSON array of texts."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return [str(one) for one in found] if isinstance(found, list) else None


def _to_small_int(text: str | None) -> int | None:
    """Read a whole number that an INT can hold."""
    number = values.to_int(text)
    return number if number is not None and abs(number) <= _LARGEST_INT else None


def _casts(text: str | None, cast: Callable[[str], object]) -> bool:
    """Return whether a text can be read; no text breaks no type."""
    return text is None or cast(text) is not None


def _is_bad_text(text: str | None, value: object) -> bool:
    """Return whether the type rule is broken already, so that the same cause is not counted twice."""
    return text is not None and value is None


def _of_all(kind: _Kind, record: RawRecord, reporting: str) -> dict[str, bool]:
    """Return the verdicts that every kind of record has: on keys, and on instants but for the one that only warns."""
    keys = [name for name, of in kind.columns.items() if of == "key"]
    instants = [name for name, of in kind.columns.items() if of == "instant" and name not in _DAYS]
    ranges = {name: values.is_in_range(record.instant(name), record.landing_day, reporting) for name in instants}
    if "rate_date" in kind.columns:
        ranges["rate_date"] = values.is_in_range(values.to_day(record["rate_date"]), record.landing_day)
    rounded = {f"{name}_not_rounded": not values.is_rounded(record[name]) for name in keys}
    return rounded | {f"{name}_in_range": is_right for name, is_right in ranges.items()}


def _deletion(kind: _Kind, received: RawRecord, rules: Mapping[str, bool]) -> tuple[bool, Mapping[str, bool]]:
    """Return whether a record says that something is gone, and the verdicts that count then.

    It need not say more than what is gone and when; what else it says counts only where a key has lost digits.
    """
    text = values.cleaned(received["_deleted"], "number")
    is_deleted = values.to_bool(text)
    if not is_deleted:
        return False, {**rules, "deletion_readable": text is None or is_deleted is not None}
    verdicts = ("required", "type", "in_range")
    wanted = {f"{name}_{verdict}" for name in (*kind.key, kind.time) for verdict in verdicts}
    counting = {name: is_kept for name, is_kept in rules.items() if name in wanted or name.endswith("_not_rounded")}
    at = values.cleaned(received[kind.time], "instant")
    return True, {**counting, "deletion_dated": values.to_instant(at) is not None}


@dataclass(frozen=True)
class _Kind:
    dataset: str
    table: str
    key: tuple[str, ...]
    time: str
    columns: Mapping[str, str]
    judge: Callable[[RawRecord], Verdict]


_KINDS = (
    _Kind(
        "customers",
        "customer_versions",
        ("customer_id",),
        "updated_at",
        {
            "customer_id": "key",
            "first_name": "name",
            "last_name": "name",
            "email": "code",
            "phone": "number",
            "country": "country",
            "city": "label",
            "signup_date": "instant",
            "updated_at": "instant",
        },
        _customer,
    ),
    _Kind(
        "products",
        "product_versions",
        ("product_id",),
        "updated_at",
        {
            "product_id": "key",
            "name": "name",
            "category": "label",
            "subcategory": "label",
            "price": "number",
            "currency": "code",
            "active": "number",
            "tags": "text",
            "updated_at": "instant",
        },
        _product,
    ),
    _Kind(
        "orders",
        "order_versions",
        ("order_id",),
        "updated_at",
        {
            "order_id": "key",
            "customer_id": "key",
            "order_ts": "instant",
            "status": "code",
            "currency": "code",
            "order_total": "number",
            "country": "country",
            "updated_at": "instant",
        },
        _order,
    ),
    _Kind(
        "order_items",
        "item_versions",
        ("order_id", "order_item_id"),
        "updated_at",
        {
            "order_item_id": "key",
            "order_id": "key",
            "product_id": "key",
            "quantity": "number",
            "unit_price": "number",
            "discount": "number",
            "updated_at": "instant",
        },
        _item,
    ),
    _Kind(
        "fx_rates",
        "fx_versions",
        ("rate_date", "base_currency", "quote_currency"),
        "rate_date",
        {"rate_date": "instant", "base_currency": "code", "quote_currency": "code", "rate": "number"},
        _fx_rate,
    ),
    _Kind(
        "refunds",
        "refund_versions",
        ("refund_id",),
        "updated_at",
        {
            "refund_id": "key",
            "order_id": "key",
            "order_item_id": "key",
            "quantity": "number",
            "amount": "number",
            "reason": "label",
            "refunded_at": "instant",
            "updated_at": "instant",
        },
        _refund,
    ),
    _Kind(
        "reviews",
        "review_versions",
        ("review_id",),
        "updated_at",
        {
            "review_id": "key",
            "product_id": "key",
            "customer_id": "key",
            "rating": "number",
            "review_text": "text",
            "helpful_votes": "number",
            "review_ts": "instant",
            "updated_at": "instant",
        },
        _review,
    ),
    _Kind(
        "events",
        "event_versions",
        ("event_id",),
        "event_ts",
        {
            "event_id": "key",
            "visitor_id": "code",
            "customer_id": "key",
            "session_id": "key",
            "event_type": "code",
            "product_id": "key",
            "order_id": "key",
            "quantity": "number",
            "price": "number",
            "event_ts": "instant",
        },
        _event,
    ),
)
