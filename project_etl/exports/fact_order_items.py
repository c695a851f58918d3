"""Order items, for analysts who ask what was sold."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/fact_order_items", to=(CSV, SQLITE, DUCKDB))
