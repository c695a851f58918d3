"""Customers for whoever asks by country, city or month of signing up; names and addresses stay in the lake."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/dim_customers")
