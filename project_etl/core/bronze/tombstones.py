"""Tombstones: which customers are erased, in the table `bronze/_erased`, which names none of them.

Belongs here: hashes of ids and e-mail addresses, reading and writing them. Does not belong here: what becomes of the
records of these customers (`redaction.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from pyspark.sql import types as T

from project_etl.core.lake import Append, TableStore

ERASED = "bronze/_erased"
CUSTOMER, EMAIL = "customer", "email"
SCHEMA = T.StructType(
    [
        T.StructField("kind", T.StringType(), False, {"comment": "What was hashed: customer or email."}),
        T.StructField("sha256", T.StringType(), False, {"comment": "SHA-256 in hex digits."}),
        T.StructField("erased_at", T.TimestampType(), False, {"comment": "When the erasure began."}),
    ]
)


@dataclass(frozen=True)
class Tombstones:
    """Hashes of what is erased.

    Attributes:
        customers: of ids, with the namespace of their source.
        emails: of e-mail addresses that were those of one customer alone.
    """

    customers: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anybody is erased."""
        return bool(self.customers or self.emails)

    def __or__(self, other: Tombstones) -> Tombstones:
        """Those of both."""
        return Tombstones(self.customers | other.customers, self.emails | other.emails)


def customer_hash(prefix: str, key: str) -> str:
    """The hash of a customer.

    Args:
        prefix: the namespace of the source, as the setting `namespaces` says.
        key: the id in the source, cleaned.
    """
    return _sha256(f"{prefix}\x1f{key}")


def email_hash(address: str) -> str:
    """The hash of a cleaned e-mail address, in whatever letters."""
    return _sha256(address.lower())


def read(lake: TableStore) -> Tombstones:
    """Those of a lake as it is now."""
    if not lake.exists(ERASED):
        return Tombstones()
    rows = lake.state(ERASED).rows(["kind", "sha256"]).to_pylist()
    found = {kind: frozenset(row["sha256"] for row in rows if row["kind"] == kind) for kind in (CUSTOMER, EMAIL)}
    return Tombstones(found[CUSTOMER], found[EMAIL])


def write(lake: TableStore, wanted: Tombstones) -> None:
    """Add those that a lake does not have yet."""
    with lake.lock(ERASED):
        lake.create(ERASED, SCHEMA, description="Hashes of the customers who were erased.", statistics=("erased_at",))
        known, now = read(lake), datetime.now(UTC)
        new = [
            *_rows(CUSTOMER, wanted.customers - known.customers, now),
            *_rows(EMAIL, wanted.emails - known.emails, now),
        ]
        if new:
            table = pa.Table.from_pylist(new, schema=lake.state(ERASED).arrow_schema)
            lake.commit(ERASED, Append(), table, {"table": ERASED})


def _rows(kind: str, hashes: Iterable[str], erased_at: datetime) -> list[dict[str, object]]:
    return [{"kind": kind, "sha256": digest, "erased_at": erased_at} for digest in sorted(hashes)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
