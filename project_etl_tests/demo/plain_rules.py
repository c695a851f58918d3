"""The Silver rules of the design that send a record to quarantine, read plainly, one dataset after the other.

Each function names the one rule that a record breaks, by the manifest's name for it. Counting is in `plain_reading`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from project_etl_tests.demo.plain_reading import Counted, count

STATUSES = {
    "PLACED",
    "PAID",
    "SHIPPED",
    "DELIVERED",
    "COMPLETED",
    "CANCELLED",
    "RETURNED",
    "REFUNDED",
    "PARTIALLY_REFUNDED",
}


def is_instant(text: str) -> bool:
    """Tell whether a text is an existing instant."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_near(text: str) -> bool:
    """Tell whether an instant is one of a shop that is open."""
    return "1900" <= text[:4] < "2200"


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
        "updated_at_far": not is_instant(record["updated_at"] or "") or is_near(record["updated_at"] or ""),
        "customer_id_rounded": "E+" not in (record.get("customer_id") or ""),
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
        "order_ts_in_future": not exists or not is_near(moment) or datetime.fromisoformat(moment).date() < latest,
        "order_ts_far": not exists or is_near(moment),
        "order_id_rounded": "E+" not in record["order_id"],
        "status_unknown": record["status"].upper() in STATUSES | {"LOST"},
        "newer_version_lost": record["status"] != "LOST",
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
            "order_unknown": not record["order_id"] or (record["order_id"],) in orders.newest.keys() | orders.gone,
            "order_deleted": (record["order_id"],) not in orders.gone,
            "product_unknown": (record["product_id"],) in products.newest,
        }
        return only_one(checks, record)

    return rule


def event_rule(record: dict[str, Any], landed: date) -> str | None:
    """Name the rule that an event breaks."""
    quantity, price, moment = record["quantity"], record["price"], record["event_ts"]
    checks = {
        "event_id_missing": bool(record.get("event_id")),
        "event_id_rounded": "E+" not in (record.get("event_id") or ""),
        "visitor_id_missing": bool(record["visitor_id"]),
        **instant_checks("event_ts", moment, landed),
        "event_type_unknown": record["event_type"] in {"view", "page_view", "view_item", "add_to_cart", "purchase"},
        **whole_checks("quantity", quantity),
        "price_negative": (number(price) or 0) >= 0,
        "price_not_a_number": price is None or number(price) is not None,
    }
    return only_one(checks, record)


def review_rule(products: Counted) -> Callable[[dict[str, Any], date], str | None]:
    """Return the rule reader of reviews, which needs to know the products that ever land."""

    def rule(record: dict[str, Any], landed: date) -> str | None:
        rating, votes = number(record["rating"]), number(record["helpful_votes"] or "0")
        checks = {
            "review_id_missing": bool(record["review_id"]),
            "review_id_rounded": "E+" not in record["review_id"],
            "rating_not_a_number": rating is not None,
            "rating_below_one": rating is None or rating >= 1,
            "rating_above_five": rating is None or rating <= 5,
            "rating_fraction": rating is None or rating == int(rating),
            "helpful_votes_not_a_number": votes is not None,
            "helpful_votes_negative": votes is None or votes >= 0,
            **instant_checks("review_ts", record["review_ts"], landed),
            "updated_at_unparsable": is_instant(record["updated_at"]),
            "product_unknown": (record["product_id"],) in products.newest,
        }
        return only_one(checks, record)

    return rule


def refund_rule(orders: Counted) -> Callable[[dict[str, Any], date], str | None]:
    """Return the rule reader of refunds, which needs to know the orders that ever land."""

    def rule(record: dict[str, Any], landed: date) -> str | None:
        amount = number(record["amount"])
        checks = {
            "refund_id_missing": bool(record["refund_id"]),
            "refund_id_rounded": "E+" not in record["refund_id"],
            "order_id_missing": bool(record["order_id"]),
            "order_unknown": not record["order_id"] or (record["order_id"],) in orders.newest,
            **instant_checks("refunded_at", record["refunded_at"], landed),
            **whole_checks("quantity", record["quantity"]),
            "amount_zero": amount != 0,
            "amount_negative": amount is None or amount >= 0,
            "amount_not_a_number": amount is not None,
            "updated_at_unparsable": is_instant(record["updated_at"]),
        }
        return only_one(checks, record)

    return rule


def instant_checks(name: str, moment: str | None, landed: date) -> dict[str, bool]:
    """Return what must hold of an instant of business that is required."""
    exists = is_instant(moment or "")
    is_judged = exists and is_near(moment or "")
    return {
        f"{name}_missing": bool(moment),
        f"{name}_nonexistent": not moment or exists,
        f"{name}_far": not exists or is_near(moment or ""),
        f"{name}_in_future": not is_judged or datetime.fromisoformat(moment or "").date() < landed + timedelta(days=2),
    }


def whole_checks(name: str, value: str | None) -> dict[str, bool]:
    """Return what must hold of a number of pieces that need not be given."""
    told = number(value) if value else Decimal(1)
    return {
        f"{name}_zero": told != 0,
        f"{name}_negative": told is None or told >= 0,
        f"{name}_not_a_number": told is not None,
    }


def read_all(landing: Path) -> dict[str, Counted]:
    """Count every dataset of a landing, parents first."""
    rules: dict[str, Callable[[], Callable[[dict[str, Any], date], str | None]]] = {
        "customers": lambda: customer_rule,
        "products": lambda: product_rule,
        "orders": lambda: order_rule,
        "order_items": lambda: item_rule(found["orders"], found["products"]),
        "fx_rates": lambda: fx_rule,
        "events": lambda: event_rule,
        "reviews": lambda: review_rule(found["products"]),
        "refunds": lambda: refund_rule(found["orders"]),
    }
    found: dict[str, Counted] = {}
    for dataset, rule in rules.items():
        found[dataset] = count(landing, dataset, rule())
    return found


def only_one(checks: dict[str, bool], record: dict[str, Any]) -> str | None:
    """Return the rule that is broken, None when none is; two at once are a fault of the generator."""
    broken = [name for name, holds in checks.items() if not holds]
    assert len(broken) <= 1, f"breaks {broken}: {record}"
    return broken[0] if broken else None
