"""Fixtures of the parity tests: Spark and the embedded engine, side by side in this process."""

from __future__ import annotations

import pytest

from project_etl.core.engine.base import Engine
from project_etl_tests.parity.engines import Engines


@pytest.fixture(scope="session")
def engines(jvm_engine: Engine, embedded_engine: Engine) -> Engines:
    """The engines whose answers are compared; Spark's is what the others must give."""
    return (jvm_engine, embedded_engine)
