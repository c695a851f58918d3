"""Orders, for analysts who count and sum them in a tool of their own."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/fact_orders", to=(CSV, SQLITE, DUCKDB))
