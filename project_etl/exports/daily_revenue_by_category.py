"""Revenue of each day and category."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/daily_revenue_by_category")
