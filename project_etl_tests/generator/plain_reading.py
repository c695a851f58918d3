"""Counts a landing again, from its files alone, with plain csv, json and the rules of the design.

It shares no code with the generator, and knows nothing of how dirt is planted. Dirt that is told by its history (late,
corrected, repeated records) is found by walking the records in the order in which they land.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

STATUSES = {"PLACED", "PAID", "SHIPPED", "DELIVERED", "COMPLETED", "CANCELLED", "RETURNED"}
KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "order_items": ("order_item_id",),
    "fx_rates": ("rate_date", "base_currency", "quote_currency"),
}
DECLARED = {"customers": 9, "products": 9, "orders": 8, "order_items": 7, "fx_rates": 4}
EXTRA = {"customers": "loyalty_tier", "orders": "channel"}


@dataclass
class Counted:
    """What one dataset holds."""

    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    deduplicated: int = 0
    superseded: int = 0
    newest: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    landed: dict[tuple[str, ...], str] = field(default_factory=dict)
    keys: dict[tuple[str, int], str] = field(default_factory=dict)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, unpacked; the generator writes no line ends within a field."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines()


def records(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield every record as a dict, or as its text when it is malformed."""
    lines = read_lines(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                yield line
        return
    header = lines[0].split(",")
    for line in lines[1:]:
        try:
            row = next(csv.reader([line], strict=True))
        except csv.Error:
            yield line
            continue
        yield dict(zip(header, row, strict=True)) if len(row) == len(header) else line


def count(landing: Path, dataset: str, broken: Callable[[dict[str, Any], date], str | None]) -> Counted:
    """Walk the files of a dataset by landing day and count what they hold; `broken` names the rule that a record breaks."""
    counted = Counted()
    for folder in sorted((landing / "shop" / dataset).iterdir()):
        seen: set[bytes] = set()
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            if data in seen:
                counted.kinds["file_under_two_names"] += 1
                continue
            seen.add(data)
            try:
                found = list(records(path))
            except EOFError:
                counted.kinds["truncated_gzip"] += 1
                continue
            for number, record in enumerate(found, start=1):
                _count_record(counted, dataset, record, folder.name, broken)
                key = "" if isinstance(record, str) else " ".join(record.get(k) or "" for k in KEYS[dataset])
                counted.keys[path.relative_to(landing).as_posix(), number] = key
    return counted


def _count_record(
    counted: Counted,
    dataset: str,
    record: dict[str, Any] | str,
    day: str,
    broken: Callable[[dict[str, Any], date], str | None],
) -> None:
    counted.records += 1
    if isinstance(record, str):
        counted.quarantined += 1
        counted.kinds[_malformed_kind(dataset, record)] += 1
        return
    counted.kinds["extra_column"] += EXTRA.get(dataset) in record
    rule = broken(record, date.fromisoformat(day))
    if rule:
        counted.quarantined += 1
        counted.kinds[rule] += 1
        return
    key = tuple(record[column] for column in KEYS[dataset])
    counted.landed.setdefault(key, day)
    older = counted.newest.get(key)
    if older is None:
        counted.newest[key] = record
    elif older == record:
        counted.deduplicated += 1
        counted.kinds["repeat_in_same_file" if counted.landed[key] == day else "repeat_in_later_file"] += 1
    else:
        counted.superseded += 1
        is_late = record.get("updated_at", day) < older.get("updated_at", day)
        if is_late:
            counted.kinds["late_record"] += 1
            return
        moved = record.get("order_ts", "")[:10] != older.get("order_ts", "")[:10]
        counted.kinds["moved_to_another_day" if moved else "corrected_record"] += 1
        counted.newest[key] = record


def _malformed_kind(dataset: str, text: str) -> str:
    if dataset in ("customers", "products"):
        return "malformed_json"
    if '"' in text:
        return "bad_quote"
    return "too_many_fields" if text.count(",") >= DECLARED[dataset] else "too_few_fields"


def is_instant(text: str) -> bool:
    """Tell whether a text is an existing instant."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Tell whether a text is an existing date."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def number(value: Any) -> Decimal | None:
    """Return a value as a decimal, or None when it is no number."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def customer_rule(record: dict[str, Any], _: date) -> str | None:
    """Name the rule that a customer breaks."""
    email = record["email"]
    checks = {
        "customer_id_missing": bool(record.get("customer_id")),
        "updated_at_missing": record["updated_at"] is not None,
        "updated_at_unparsable": record["updated_at"] is None or is_instant(record["updated_at"]),
        "signup_date_unparsable": is_date(record["signup_date"]),
        "email_malformed": email is None or re.fullmatch(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}", email) is not None,
        "country_not_iso": re.fullmatch("[A-Z]{2}", record["country"]) is not None,
    }
    return only_one(checks, record)


def product_rule(record: dict[str, Any], _: date) -> str | None:
    """Name the rule that a product breaks."""
    price = number(record["price"])
    checks = {
        "product_id_missing": bool(record.get("product_id")),
        "name_missing": bool(record["name"]),
        "updated_at_missing": record["updated_at"] is not None,
        "updated_at_unparsable": record["updated_at"] is None or is_instant(record["updated_at"]),
        "price_zero": price != 0,
        "price_negative": price is None or price >= 0,
        "price_not_a_number": price is not None and not isinstance(record["price"], str),
        "currency_not_iso": record["currency"] in {"EUR", "GBP", "USD"},
        "active_not_boolean": isinstance(record["active"], bool),
    }
    return only_one(checks, record)


def order_rule(record: dict[str, Any], landed: date) -> str | None:
    """Name the rule that an order breaks."""
    total, moment = number(record["order_total"]), record["order_ts"]
    exists = is_instant(moment)
    latest = landed + timedelta(days=2)
    checks = {
        "order_id_missing": bool(record["order_id"]),
        "order_ts_missing": bool(moment),
        "order_ts_nonexistent": not moment or exists,
        "order_ts_in_future": not exists or datetime.fromisoformat(moment).date() < latest,
        "status_unknown": record["status"].upper() in STATUSES,
        "total_negative": total is None or total >= 0,
        "total_not_a_number": total is not None,
        "updated_at_unparsable": is_instant(record["updated_at"]),
    }
    return only_one(checks, record)


def fx_rule(record: dict[str, Any], _: date) -> str | None:
    """Name the rule that a rate breaks."""
    rate = number(record["rate"])
    checks = {
        "rate_zero": rate != 0,
        "rate_negative": rate is None or rate >= 0,
        "rate_missing": record["rate"] != "",
        "rate_not_a_number": rate is not None or not record["rate"],
        "rate_date_unparsable": is_date(record["rate_date"]),
        "quote_currency_missing": bool(record["quote_currency"]),
    }
    return only_one(checks, record)


def item_rule(orders: Counted, products: Counted) -> Callable[[dict[str, Any], date], str | None]:
    """Return the rule reader of items, which needs to know the parents that ever land."""

    def rule(record: dict[str, Any], _: date) -> str | None:
        quantity, price, discount = (number(record[name]) for name in ("quantity", "unit_price", "discount"))
        gross = None if quantity is None or price is None else quantity * price
        checks = {
            "order_item_id_missing": bool(record["order_item_id"]),
            "order_id_missing": bool(record["order_id"]),
            "quantity_zero": quantity != 0,
            "quantity_negative": quantity is None or quantity >= 0,
            "quantity_too_large": quantity is None or quantity <= 100_000,
            "quantity_not_a_number": quantity is not None,
            "unit_price_zero": price != 0,
            "unit_price_too_large": price is None or price <= 100_000,
            "unit_price_not_a_number": price is not None,
            "discount_negative": discount is None or discount >= 0,
            # Without a positive quantity no discount can hold; that is counted under the quantity.
            "discount_above_gross": gross is None or gross < 0 or discount is None or discount <= gross,
            "discount_not_a_number": discount is not None,
            "updated_at_unparsable": is_instant(record["updated_at"]),
            "order_unknown": not record["order_id"] or (record["order_id"],) in orders.newest,
            "product_unknown": (record["product_id"],) in products.newest,
        }
        return only_one(checks, record)

    return rule


def only_one(checks: dict[str, bool], record: dict[str, Any]) -> str | None:
    """Return the rule that is broken, None when none is; two at once are a fault of the generator."""
    broken = [name for name, holds in checks.items() if not holds]
    assert len(broken) <= 1, f"breaks {broken}: {record}"
    return broken[0] if broken else None
