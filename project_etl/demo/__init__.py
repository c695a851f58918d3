"""Makes the data of the source `shop`: plausible, seeded, and dirty in known amounts.

Plain Python without Spark or Dagster. The manifest that is written beside the data says how much dirt of each kind
there is and where, so that a test can balance the platform's books against it. Reading landing belongs to `sources`.
"""

from __future__ import annotations

from project_etl.demo.kind_table import KINDS
from project_etl.demo.kinds import Kind, Outcome
from project_etl.demo.manifest import (
    MANIFEST_NAME,
    DatasetBooks,
    FileBooks,
    KindBooks,
    Manifest,
    ManifestError,
    Planted,
)
from project_etl.demo.shop import generate, generate_sample

__all__ = [
    "KINDS",
    "MANIFEST_NAME",
    "DatasetBooks",
    "FileBooks",
    "Kind",
    "KindBooks",
    "Manifest",
    "ManifestError",
    "Outcome",
    "Planted",
    "generate",
    "generate_sample",
]
