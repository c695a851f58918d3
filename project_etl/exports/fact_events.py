"""What visitors viewed, put into the cart and bought: one row per event."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/fact_events")
