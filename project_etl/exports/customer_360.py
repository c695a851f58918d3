"""All that is known of each customer, with the ids of the last purchases as a text that any tool can split."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/customer_360", ids={"last_purchase_ids": "last_purchases.order_id"})
