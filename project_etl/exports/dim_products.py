"""Products for whoever asks by category or price."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/dim_products")
