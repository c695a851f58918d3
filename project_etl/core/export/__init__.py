"""Exports: tables of Gold, brought to people who do not read Delta, and kept up to date.

An export says what leaves and where to (`base.py`); `exported.py` says of which rows it consists; a target holds it
(`csv_files.py`, `sqlite_file.py`, `duckdb_file.py`); `push.py` finds what is stale and brings it there.
"""

from __future__ import annotations

from project_etl.core.export.base import CSV, DUCKDB, SQLITE, TARGETS, Export, ExportError, Target, from_module

__all__ = ["CSV", "DUCKDB", "SQLITE", "TARGETS", "Export", "ExportError", "Target", "from_module"]
