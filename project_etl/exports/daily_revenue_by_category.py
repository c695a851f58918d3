"""Revenue by day and category, for managers who look at it in a spreadsheet."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/daily_revenue_by_category", to=(CSV, SQLITE, DUCKDB))
