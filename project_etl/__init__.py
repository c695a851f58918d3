"""project_etl: an e-commerce lakehouse on Dagster, Spark and Delta."""

from __future__ import annotations

import gc

__version__ = "0.1.0"

# A start imports most of a million objects, and all of them stay. To look for garbage after each 700 of them, as Python
# does by default, takes a fifth of the time.
gc.set_threshold(50_000)
