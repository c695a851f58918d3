"""Products, for whoever joins order items, events and reviews with them."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/dim_products", to=(CSV, SQLITE, DUCKDB))
