"""The app: it takes its settings from the environment, and opens with the first page of its navigation."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from project_etl.dashboard.entry import app as entry


@pytest.mark.parametrize("lake", ["lake", "silver", "nothing"])
def test_the_first_page_opens(visits: Path, monkeypatch: pytest.MonkeyPatch, lake: str) -> None:
    monkeypatch.setenv("PROJECT_ETL_LAKE_ROOT", str(visits / lake))
    monkeypatch.setenv("PROJECT_ETL_LANDING_ROOT", str(visits / "landing"))
    monkeypatch.setattr("sys.argv", ["app.py"])
    app = AppTest.from_file(entry.__file__, default_timeout=30).run()
    assert not app.exception
    assert not app.error
    assert app.title[0].value == entry.PAGES[0].title
