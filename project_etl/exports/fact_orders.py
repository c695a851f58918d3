"""Orders for whoever counts them in a spreadsheet or a database: one row per order."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/fact_orders")
