"""Source `online_retail` by the oracle: raw order lines to versions of orders, items, customers and products.

Here: the mapping of design.md, "Source online_retail". Not here: which version wins, and prices (`tables.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from project_etl_tests.oracle import tables, values
from project_etl_tests.oracle.landing import Dataset, RawRecord, read_dataset

SOURCE, DATASET = "online_retail", "online_retail"
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
COUNTRY_CODES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Channel Islands": "JE", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE",
    "European Community": "ZZ", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK",
    "Iceland": "IS", "Israel": "IL", "Italy": "IT", "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT",
    "Netherlands": "NL", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA",
    "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE",
    "United Kingdom": "GB", "Unspecified": "ZZ",
}  # fmt: skip

_LINE_SCHEMA = pa.schema(
    [
        ("invoice_no", pa.string()),
        ("stock_code", pa.string()),
        ("description", pa.string()),
        ("line_id", pa.string()),
        ("quantity", pa.int64()),
        ("unit_price", tables.AMOUNT),
        ("invoice_at", pa.timestamp("us")),
        ("invoice_day", pa.date32()),
        ("customer_id", pa.string()),
        ("country", pa.string()),
        ("broken_rules", pa.list_(pa.string())),
        *tables.LINEAGE,
    ]
)

# A line belongs to an invoice even when its item is rejected: the invoice's time, customer and country come from all
# lines. An order is in the future only when no landing day of its lines makes it plausible.
_VERSIONS = r"""
CREATE MACRO is_of_business(day, landing_day) AS day BETWEEN DATE '1900-01-01' AND landing_day + 1;
CREATE MACRO is_rounded(key) AS coalesce(regexp_full_match(key, '[0-9]+(\.[0-9]*)?[eE][+-][0-9]+'), false);

CREATE TABLE invoices AS
SELECT invoice_no, min(invoice_at) AS invoice_at, arg_min(invoice_day, invoice_at) AS invoice_day,
       first(customer_id ORDER BY invoice_at NULLS LAST, landing_day, source_file, row_number)
           FILTER (customer_id IS NOT NULL) AS customer_id,
       first(country ORDER BY invoice_at NULLS LAST, landing_day, source_file, row_number)
           FILTER (country IS NOT NULL) AS country,
       CASE WHEN invoice_no LIKE 'C%' THEN 'RETURNED' ELSE 'COMPLETED' END AS status,
       max(landing_day) AS landing_day, arg_max(source_file, landing_day) AS source_file,
       arg_max(row_number, landing_day) AS row_number
FROM online_retail_lines WHERE invoice_no IS NOT NULL GROUP BY invoice_no;

INSERT INTO rejects BY NAME
    SELECT 'orders' AS dataset, landing_day, source_file, row_number,
           CASE WHEN invoice_at IS NULL THEN 'order_ts'
                WHEN is_rounded(invoice_no) OR is_rounded(customer_id) THEN 'not_rounded'
                ELSE 'order_ts_in_range' END AS rule
    FROM invoices
    WHERE invoice_at IS NULL OR NOT is_of_business(invoice_day, landing_day)
        OR is_rounded(invoice_no) OR is_rounded(customer_id);
INSERT INTO order_versions BY NAME
    SELECT invoice_no AS order_id, customer_id, invoice_at AS order_ts, status, 'GBP' AS currency, country,
           invoice_at AS updated_at, landing_day, source_file, row_number
    FROM invoices
    WHERE is_of_business(invoice_day, landing_day) AND NOT (is_rounded(invoice_no) OR is_rounded(customer_id));

INSERT INTO rejects BY NAME
    SELECT 'order_items' AS dataset, unnest(broken_rules) AS rule, landing_day, source_file, row_number
    FROM online_retail_lines;
INSERT INTO item_versions BY NAME
    SELECT line_id AS order_item_id, invoice_no AS order_id, stock_code AS product_id, l.quantity, unit_price,
           0 AS discount, i.invoice_at AS updated_at, l.landing_day, l.source_file, l.row_number
    FROM online_retail_lines AS l JOIN invoices AS i USING (invoice_no)
    WHERE len(broken_rules) = 0;

INSERT INTO customer_versions BY NAME
    SELECT customer_id, coalesce(country, 'ZZ') AS country, invoice_at AS updated_at,
           landing_day, source_file, row_number
    FROM online_retail_lines
    WHERE customer_id IS NOT NULL AND NOT is_rounded(customer_id) AND is_of_business(invoice_day, landing_day);
INSERT INTO product_versions BY NAME
    SELECT stock_code AS product_id, description AS name, 'Unknown' AS category, unit_price AS price,
           'GBP' AS currency, invoice_at AS updated_at, landing_day, source_file, row_number
    FROM online_retail_lines
    WHERE stock_code IS NOT NULL AND NOT is_rounded(stock_code) AND description IS NOT NULL AND unit_price > 0
        AND is_of_business(invoice_day, landing_day);
"""


KINDS = {
    "InvoiceNo": "key",
    "StockCode": "key",
    "Description": "name",
    "Quantity": "number",
    "InvoiceDate": "instant",
    "UnitPrice": "number",
    "CustomerID": "key",
}


def load(con: duckdb.DuckDBPyConnection, landing_root: Path, local: str = "UTC", reporting: str = "UTC") -> Dataset:
    """Add all versions of this source to the tables of `con`, and return what was read from landing.

    Args:
        con: the database.
        landing_root: where the files are.
        local: time zone of instants that name no offset.
        reporting: time zone of business days.
    """
    dataset = read_dataset(landing_root, SOURCE, DATASET, COLUMNS, local)
    con.register(
        "_lines", pa.Table.from_pylist([_line(record, reporting) for record in dataset.records], schema=_LINE_SCHEMA)
    )
    con.execute("CREATE TABLE online_retail_lines AS FROM _lines")
    con.unregister("_lines")
    con.execute(_VERSIONS)
    return dataset


def _line(record: RawRecord, reporting: str) -> dict[str, Any]:
    text, record = record, record.read_as(KINDS)
    invoice_no, country = record["InvoiceNo"], (text["Country"] or "").strip()
    quantity, unit_price = values.to_int(record["Quantity"]), values.to_amount(record["UnitPrice"])
    if quantity is not None and (invoice_no or "").startswith("C"):
        quantity = abs(quantity)
    at = record.instant("InvoiceDate")
    return {
        "invoice_no": invoice_no,
        "stock_code": record["StockCode"],
        "description": (record["Description"] or "").strip() or None,
        "line_id": _line_id([text[column] for column in COLUMNS]),
        "quantity": quantity,
        "unit_price": unit_price,
        "invoice_at": at,
        "invoice_day": at and values.shown(at, reporting).date(),
        "customer_id": record["CustomerID"],
        "country": COUNTRY_CODES.get(country, "ZZ") if country else None,
        "broken_rules": _broken_rules(record, quantity, unit_price),
        **record.lineage,
    }


def _line_id(texts: Sequence[str | None]) -> str:
    """The platform's hash of all eight columns as text, with a sign that no text holds between them."""
    identity = "\x1f".join("-" if text is None else f"={text}" for text in texts)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _broken_rules(record: RawRecord, quantity: int | None, unit_price: Decimal | None) -> list[str]:
    """Return every item rule that a line breaks; parents are judged in `tables.py`."""
    rules = {
        "order_id": record["InvoiceNo"] is not None,
        "product_id": record["StockCode"] is not None,
        "invoice_date_type": record["InvoiceDate"] is None or values.to_instant(record["InvoiceDate"]) is not None,
        "order_id_not_rounded": not values.is_rounded(record["InvoiceNo"]),
        "product_id_not_rounded": not values.is_rounded(record["StockCode"]),
        "quantity_type": quantity is not None,
        "quantity_range": quantity is None or 0 < quantity <= 100_000,
        "unit_price_type": unit_price is not None,
        "unit_price_range": unit_price is None or 0 < unit_price <= 100_000,
    }
    return [rule for rule, is_kept in rules.items() if not is_kept]
