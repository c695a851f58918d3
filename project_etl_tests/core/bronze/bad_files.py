"""Bad landing files, one of each kind, whose good records are told apart by their keys.

Belongs here: the files. Does not belong here: what becomes of them (`test_load.py`, `../test_bad_input.py`).
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from project_etl_tests.small_shop import CUSTOMER, ORDER

HEADER = ",".join(ORDER)
COPIED = "reordered.csv"


def order(key: str, **changes: str) -> str:
    """A good order as a line of CSV."""
    return ",".join({**ORDER, "order_id": key, **changes}.values())


def orders(*lines: str, end: str = "\n") -> str:
    """A file of orders."""
    return end.join([HEADER, *lines]) + end


def customer(**changes: Any) -> str:
    """A customer as a line of JSON."""
    return json.dumps({**CUSTOMER, **changes})


WHOLE_GZIP = gzip.compress(orders(*[order(f"G{n}") for n in range(200)]).encode())
REORDERED = "status,order_id,updated_at,order_ts,country,currency,customer_id,order_total\n" + ",".join(
    ["PAID", "R1", ORDER["updated_at"], ORDER["order_ts"], "GB", "EUR", "C1", "20.00"]
)
BAD_ORDERS: dict[str, str | bytes] = {
    "added_column.csv": f"{HEADER},channel\n{order('A1')},web\n{order('A2')},\n",
    "bom.csv": b"\xef\xbb\xbf" + orders(order("B1")).encode(),
    "cr_only.csv": orders(order("L1"), order("L2"), end="\r"),
    "dropped_column.csv": "order_id,status\nD1,PAID\n",
    "duplicated_column.csv": f"{HEADER},status\n{order('X1')},PAID\n",
    "empty.csv": "",
    "header_only.csv": f"{HEADER}\n",
    "latin1.csv": orders(order("X2", customer_id="é")).encode("latin-1"),
    "not_gzip.csv.gz": orders(order("X3")).encode(),
    "nul.csv": orders(order("N1"), order("N\0")),
    "quoted.csv": orders(order("Q1", customer_id='"a, b\nc"')),
    "ragged.csv": orders(order("S1"), "S2,too,few", order("S3") + ",too,many"),
    COPIED: REORDERED,
    "truncated.csv.gz": WHOLE_GZIP[: len(WHOLE_GZIP) // 2],
    "wrong_header.csv": "one,two\n1,2\n",
    "y_copy.csv": REORDERED,
}
NOT_READ: dict[str, str] = {
    name: orders(order("T1")) for name in (".hidden.csv", "_started.csv", "upload.csv.part", "upload.csv.tmp")
}
BAD_CUSTOMERS = "\n".join(
    [
        customer(customer_id="J1"),
        '{"customer_id": "J2", "first_name": ',
        customer(customer_id=3, country=True, city=1.50),
        customer(customer_id="J4", city={"name": "York", "zip": [1, 2]}),
        '{"customer_id": "J5", "customer_id": "J6"}',
        customer(customer_id="J7", loyalty_tier="gold"),
        "[1, 2]",
    ]
)
