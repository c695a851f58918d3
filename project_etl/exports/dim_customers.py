"""Customers, for whoever joins orders and events with them; names, addresses and telephone numbers do not leave."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/dim_customers", to=(CSV, SQLITE, DUCKDB))
