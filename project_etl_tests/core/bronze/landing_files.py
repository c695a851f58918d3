"""Real files in a landing folder of a test, and what the reader makes of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from project_etl.core.bronze.landing import LandingFile, content_version, list_files
from project_etl.core.bronze.readers.records import read_batches

DAY = "2025-01-15"


def land(root: Path, name: str, content: str | bytes, *, day: str = DAY) -> str:
    """Write a file and return its path; a name that ends in .gz is compressed, unless bytes are given."""
    path = f"shop/orders/{day}/{name}"
    if isinstance(content, str):
        content = content.encode("utf-8")
        if name.endswith(".gz"):
            content = gzip.compress(content)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return path


def listed(root: Path, path: str) -> LandingFile:
    return next(file for file in list_files(root, "shop", "orders") if file.path == path)


def read(root: Path, path: str, columns: tuple[str, ...], *, batch_rows: int = 10_000) -> list[dict]:
    """All rows of a file, read against its listed version, with `_rescued_data` parsed."""
    version = content_version(root, listed(root, path))
    batches = read_batches(root, path, columns, expect_version=version, batch_rows=batch_rows)
    rows = [row for batch in batches for row in batch.to_pylist()]
    for row in rows:
        row["_rescued_data"] = row["_rescued_data"] and json.loads(row["_rescued_data"])
    return rows


def values(rows: list[dict], columns: tuple[str, ...]) -> list[tuple]:
    return [tuple(row[column] for column in columns) for row in rows]
