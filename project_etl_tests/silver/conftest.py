"""Fixtures of the Silver tests: each table's cases are judged once, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from project_etl.core.engine.base import Engine
from project_etl_tests.silver.given import LANDED, Cases, Verdict, judge

Verdicts = dict[str, Verdict]


@pytest.fixture(scope="session")
def verdicts_of(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Callable[[Cases], Verdicts]:
    known: dict[str, Verdicts] = {}

    def verdicts(cases: Cases) -> Verdicts:
        if cases.table not in known:
            known[cases.table] = judge(engine, tmp_path_factory.mktemp(LANDED), cases)
        return known[cases.table]

    return verdicts


@pytest.fixture
def verdicts(request: pytest.FixtureRequest, verdicts_of: Callable[[Cases], Verdicts]) -> Verdicts:
    """What became of the `CASES` of the test's module."""
    return verdicts_of(request.module.CASES)
