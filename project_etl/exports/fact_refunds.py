"""Refunds: one row per refund."""

from __future__ import annotations

from project_etl.core.export.base import Export

EXPORT = Export(table="gold/fact_refunds")
