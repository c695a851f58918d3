"""Refunds, for analysts and for bookkeeping."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/fact_refunds", to=(CSV, SQLITE, DUCKDB))
