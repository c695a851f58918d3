"""Order items: one row per item of an order."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/fact_order_items")
