"""All that is known of each customer, for marketing: segments are cut from it."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(
    table="gold/customer_360", to=(CSV, SQLITE, DUCKDB), ids={"last_purchase_ids": "last_purchases.order_id"}
)
