"""Small landing folders for the oracle's own tests: good records, to be changed one field at a time.

Not here: what is expected of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from project_etl_tests.oracle import settled

DAY, NEXT_DAY = "2025-01-15", "2025-01-16"
LINES = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
# Order lines of three days: with and without a customer, a credit note, and a line that breaks a rule.
INVOICES = {
    "2025-01-01": [
        ("536365", "85123A", "HEART HOLDER", 6, "2025-01-01 08:26:00", "2.55", "17850", "United Kingdom"),
        ("536365", "71053", "LANTERN", 6, "2025-01-01 08:26:00", "3.39", "17850", "United Kingdom"),
        ("536366", "22633", "HAND WARMER", 3, "2025-01-01 09:01:00", "1.85", "", "France"),
    ],
    "2025-01-02": [
        ("C536379", "85123A", "HEART HOLDER", -1, "2025-01-02 09:41:00", "2.55", "17850", "United Kingdom"),
        ("536380", "85123A", "HEART HOLDER", 2, "2025-01-02 10:00:00", "2.55", "13047", "EIRE"),
        ("536381", "85123A", "HEART HOLDER", 0, "2025-01-02 10:05:00", "2.55", "13047", "EIRE"),
    ],
    "2025-01-03": [("536390", "71053", "LANTERN", 10, "2025-01-03 12:00:00", "3.39", "17850", "United Kingdom")],
}


def csv_text(header: Sequence[str], *rows: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def land(root: Path, path: str, content: str | bytes) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def land_lines(root: Path, *rows: Sequence[object], day: str = DAY, name: str = "invoices.csv") -> None:
    land(root, f"online_retail/online_retail/{day}/{name}", csv_text(LINES, *rows))


def land_invoices(root: Path) -> None:
    for day, lines in INVOICES.items():
        land_lines(root, *lines, day=day)


def land_records(root: Path, dataset: str, records: Sequence[Mapping[str, Any]], day: str = DAY) -> None:
    lines = "".join(json.dumps(dict(record)) + "\n" for record in records)
    land(root, f"shop/{dataset}/{day}/{dataset}.jsonl", lines)


def land_shop(root: Path, day: str = DAY, /, **datasets: Sequence[Mapping[str, Any]]) -> None:
    for dataset, records in datasets.items():
        land_records(root, dataset, records, day)


def customer(**changes: Any) -> dict[str, Any]:
    return {"customer_id": "c1", "country": "GB", "updated_at": "2025-01-01T00:00:00Z"} | changes


def product(**changes: Any) -> dict[str, Any]:
    good = {"product_id": "p1", "name": "Cup", "category": "home", "price": 2, "currency": "EUR"}
    return good | {"updated_at": "2025-01-01T00:00:00Z"} | changes


def order(**changes: Any) -> dict[str, Any]:
    good = {"order_id": "o1", "customer_id": "c1", "order_ts": f"{DAY}T10:30:00Z", "status": "PAID", "currency": "EUR"}
    return good | {"updated_at": f"{DAY}T10:30:00Z"} | changes


def item(**changes: Any) -> dict[str, Any]:
    good = {"order_item_id": "i1", "order_id": "o1", "product_id": "p1", "quantity": 2, "unit_price": "3.00"}
    return good | {"discount": "1.00", "updated_at": f"{DAY}T10:30:00Z"} | changes


def refund(**changes: Any) -> dict[str, Any]:
    good = {"refund_id": "r1", "order_id": "o1", "amount": "4.00", "refunded_at": f"{DAY}T12:00:00Z"}
    return good | changes


def review(**changes: Any) -> dict[str, Any]:
    good = {"review_id": "v1", "product_id": "p1", "customer_id": "c1", "rating": 5, "review_text": "Good."}
    return good | {"review_ts": f"{DAY}T12:00:00Z"} | changes


def event(**changes: Any) -> dict[str, Any]:
    good = {"event_id": "e1", "visitor_id": "w1", "customer_id": "c1", "event_type": "view", "product_id": "p1"}
    return good | {"event_ts": f"{DAY}T10:00:00Z"} | changes


def rate(**changes: Any) -> dict[str, Any]:
    return {"rate_date": DAY, "base_currency": "EUR", "quote_currency": "USD", "rate": "1.1"} | changes


def contact(**changes: Any) -> dict[str, Any]:
    good = {"id": "k1", "email": "Ann@Example.org", "lifecyclestage": "lead", "createdAt": "2025-01-01T00:00:00Z"}
    return good | {"updatedAt": "2025-01-01T00:00:00Z"} | changes


def deal(**changes: Any) -> dict[str, Any]:
    good = {"id": "d1", "dealstage": "sent", "amount": "10", "contact": "k1", "createdAt": f"{DAY}T10:00:00Z"}
    return good | {"updatedAt": f"{DAY}T10:00:00Z", "deal_currency_code": "EUR", "hs_is_closed": "false"} | changes


def land_crm(root: Path, day: str = DAY, /, **datasets: Sequence[Mapping[str, Any]]) -> None:
    for dataset, objects in datasets.items():
        lines = "".join(json.dumps(dict(each)) + "\n" for each in objects)
        land(root, f"hubspot/{dataset}/{day}/objects.jsonl", lines)


def rows_of(root: Path, query: str, sources: Sequence[str] = ("shop",), currency: str = "EUR") -> list[tuple[Any, ...]]:
    with settled(root, sources, currency) as con:
        return con.execute(query).fetchall()


def retail(root: Path, query: str) -> list[tuple[Any, ...]]:
    return rows_of(root, query, ("online_retail",), "GBP")
