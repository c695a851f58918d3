"""Events of visitors, for analysts of the web shop."""

from __future__ import annotations

from project_etl.core.export import CSV, DUCKDB, SQLITE, Export

EXPORT = Export(table="gold/fact_events", to=(CSV, SQLITE, DUCKDB))
