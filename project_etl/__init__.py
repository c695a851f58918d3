"""project_etl: an e-commerce lakehouse on Dagster, Spark and Delta."""

from __future__ import annotations

__version__ = "0.1.0"
