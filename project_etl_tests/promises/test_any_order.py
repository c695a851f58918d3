"""One answer: whatever happens in whatever order, the lake says what one says that was built from scratch."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pyspark.sql import SparkSession

from project_etl_tests.promises.machine import machine

STEPS = 8
# An example takes the better part of a minute, which is not what the checks expect.
CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large)


@pytest.mark.timeout(1500)
def test_any_order_gives_one_answer(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    few = settings(
        max_examples=2,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        suppress_health_check=CHECKS,
    )
    run_state_machine_as_test(machine(spark, tmp_path_factory), settings=few)


@pytest.mark.soak
def test_any_order_gives_one_answer_for_an_hour(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, soak_minutes: float
) -> None:
    # Other examples each time; one that fails is made smaller before it is shown.
    some = settings(
        max_examples=3, stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=CHECKS
    )
    end = time.monotonic() + 60 * soak_minutes
    while time.monotonic() < end:
        run_state_machine_as_test(machine(spark, tmp_path_factory), settings=some)
