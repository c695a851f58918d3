"""Generated landings of all datasets: what the manifest says of them, and what is counted over their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_etl.demo import Manifest, generate
from project_etl_tests.demo import plain_rules as rules
from project_etl_tests.demo.plain_reading import Counted


@pytest.fixture(scope="package", params=[(0.1, 30), (0.005, 3)], ids=["30 days", "the sample"])
def landing(request, tmp_path_factory) -> Path:
    scale, days = request.param
    out = tmp_path_factory.mktemp("landing")
    generate(out, days=days, scale=scale, without=())
    return out


@pytest.fixture(scope="package")
def manifest(landing) -> Manifest:
    return Manifest.load(landing)


@pytest.fixture(scope="package")
def counted(landing) -> dict[str, Counted]:
    return rules.read_all(landing)


@pytest.fixture(scope="package")
def planted(manifest) -> dict[str, dict[str, int]]:
    """How many of each kind the manifest names, by dataset."""
    return {name: {kind: told.count for kind, told in books.kinds.items()} for name, books in manifest.datasets.items()}
