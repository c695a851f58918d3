"""The lakes of the dashboard's tests, computed once: all of it, only Silver, and nothing yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl_tests.dashboard.given import BUSINESS_DAYS, visits_shop


@pytest.fixture(scope="session")
def visits(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    """A folder with landing and three lakes: `lake` has every table, `silver` none of Gold, `nothing` none at all."""
    folder = tmp_path_factory.mktemp("visits")
    shop = visits_shop(folder, engine)
    shutil.copytree(folder / "lake", folder / "silver")
    (folder / "nothing").mkdir()
    shop.all_gold(*BUSINESS_DAYS)
    return folder


@pytest.fixture(scope="session")
def views(visits: Path) -> Views:
    """The tables of the shop, without personal data."""
    return Views(TableStore(str(visits / "lake")))
