"""The calendar, to join with every day."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/dim_date")
