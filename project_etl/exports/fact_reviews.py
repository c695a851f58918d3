"""Reviews, for whoever reads what customers write."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/fact_reviews", to=(CSV, SQLITE, DUCKDB))
