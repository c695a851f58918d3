"""Source `hubspot` by the oracle: raw objects of a CRM to versions of contacts and deals.

Not here: which version wins (`tables.py`), what Gold asks (`gold_star.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from project_etl_tests.oracle import tables, values
from project_etl_tests.oracle.landing import Dataset, RawRecord, read_dataset

SOURCE = "hubspot"
# Name of a column of a version → the field of the object, and what it is.
_CONTACT = {
    "contact_id": ("id", "key"),
    "email": ("email", "code"),
    "lifecycle_stage": ("lifecyclestage", "code"),
    "created_at": ("createdAt", "instant"),
    "updated_at": ("updatedAt", "instant"),
}
_DEAL = {
    "deal_id": ("id", "key"),
    "stage": ("dealstage", "label"),
    "is_closed": ("hs_is_closed", "number"),
    "amount": ("amount", "number"),
    "currency": ("deal_currency_code", "code"),
    "contact_id": ("contact", "key"),
    "created_at": ("createdAt", "instant"),
    "closed_at": ("closedate", "code"),
    "updated_at": ("updatedAt", "instant"),
}
_KINDS = (("contacts", "contact_versions", _CONTACT), ("deals", "deal_versions", _DEAL))


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
    for name, table, columns in _KINDS:
        fields = [field for field, _ in columns.values()]
        read[name] = dataset = read_dataset(landing_root, SOURCE, name, fields, local)
        judged = [_version(record, columns, reporting) for record in dataset.records]
        tables.add(con, table, [row for row in judged if row is not None])
    return read


def _version(received: RawRecord, columns: Mapping[str, tuple[str, str]], reporting: str) -> dict[str, Any] | None:
    """The version that an object says, None for one that is kept out."""
    # What is archived has changed last when it was archived; what a look at everything found, when that looked.
    changed = {"updatedAt": received["_read_at"] or received["archivedAt"] or received["updatedAt"]}
    values_of = {**received.values, **changed}
    said = {name: values.cleaned(values_of.get(field), kind) for name, (field, kind) in columns.items()}
    record = RawRecord(said, received.landing_day, received.source_file, received.row_number, received.zone)
    is_deleted = values.to_bool(values.cleaned(received["_deleted"], "number"))
    key = next(iter(columns))
    at = {name: record.instant(name) for name in ("created_at", "closed_at", "updated_at") if name in columns}
    keys_fit = not any(values.is_rounded(record[name]) for name, (_, kind) in columns.items() if kind == "key")
    is_kept = record[key] is not None and keys_fit and at["updated_at"] is not None
    is_kept = is_kept and values.is_in_range(at["updated_at"], record.landing_day, reporting)
    row: dict[str, Any] = {**said, **at, "is_deleted": is_deleted, **record.lineage}
    if "amount" in columns:
        row["amount"] = values.to_amount(record["amount"])
        row["currency"] = (record["currency"] or "").upper() or None
        row["is_open"] = not values.to_bool(record["is_closed"]) if record["is_closed"] else True
    else:
        row["email"], row["lifecycle_stage"] = (_lower(record[name]) for name in ("email", "lifecycle_stage"))
    if not is_deleted:
        is_kept = is_kept and all(record[name] is None or at[name] is not None for name in at)
        is_kept = is_kept and values.is_in_range(at["created_at"], record.landing_day, reporting)
        is_kept = is_kept and ("amount" not in columns or _is_deal(record, row))
    return {name: row[name] for name in tables.SCHEMAS[_table(key)].names} if is_kept else None


def _is_deal(record: RawRecord, row: Mapping[str, Any]) -> bool:
    """Whether a deal breaks no rule that contacts do not have."""
    amount, closed = row["amount"], record["is_closed"]
    return (
        record["stage"] is not None
        and row["created_at"] is not None
        and (record["amount"] is None or (amount is not None and amount >= 0))
        and (row["currency"] is None or row["currency"] in values.ISO_CURRENCIES)
        and (closed is None or values.to_bool(closed) is not None)
    )


def _table(key: str) -> str:
    return "contact_versions" if key == "contact_id" else "deal_versions"


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
