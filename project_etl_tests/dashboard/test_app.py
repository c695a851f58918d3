"""The app: settings of the environment, navigation, and days that all pages share."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from project_etl.dashboard.entry import app as entry


@pytest.fixture
def app(visits: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app over the shop's lake."""
    monkeypatch.setenv("PROJECT_ETL_LAKE_ROOT", str(visits / "lake"))
    monkeypatch.setenv("PROJECT_ETL_LANDING_ROOT", str(visits / "landing"))
    monkeypatch.setattr("sys.argv", ["app.py"])
    return AppTest.from_file(entry.__file__, default_timeout=30)


def test_the_first_page_opens_with_the_days_up_to_the_newest_of_data(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert app.title[0].value == "Behaviour"
    assert app.date_input[0].value == (date(2025, 1, 1), date(2025, 1, 13))


def test_chosen_days_are_what_the_page_shows(app: AppTest) -> None:
    app.run()
    app.date_input[0].set_value((date(2025, 1, 7), date(2025, 1, 7))).run()
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric}["Sessions"] == "1"
