"""Days with their week, month and quarter, for whoever groups facts by them."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/dim_date", to=(CSV, SQLITE, DUCKDB))
