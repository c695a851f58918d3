"""The engine: what a session leaves as it was, and what an interrupt keeps it from doing."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from project_etl.core.engine.spark import runtime_conf

KEY = "spark.sql.shuffle.partitions"


def shuffle_partitions(spark: SparkSession) -> str:
    value = spark.conf.get(KEY)
    assert value is not None
    return value


def test_a_session_leaves_interrupts_to_who_had_them(jvm: SparkSession):
    assert jvm
    # The shared session was started by a call in this very thread.
    assert "pyspark" not in (getattr(signal.getsignal(signal.SIGINT), "__module__", None) or "")


def test_the_jvm_says_nothing_below_an_error(jvm: SparkSession):
    classes: Any = jvm.sparkContext._jvm
    assert classes.org.apache.logging.log4j.LogManager.getRootLogger().getLevel().toString() == "ERROR"


def test_settings_are_put_back_after_a_block_and_after_an_error(jvm: SparkSession):
    before = shuffle_partitions(jvm)
    with runtime_conf(jvm, {KEY: "7"}):
        assert jvm.conf.get(KEY) == "7"
    assert jvm.conf.get(KEY) == before
    with pytest.raises(ValueError, match="wrong"), runtime_conf(jvm, {KEY: "8"}):
        raise ValueError("wrong")
    assert jvm.conf.get(KEY) == before


def test_nothing_is_asked_of_the_jvm_after_an_interrupt(jvm: SparkSession):
    before = shuffle_partitions(jvm)
    try:
        with pytest.raises(KeyboardInterrupt), runtime_conf(jvm, {KEY: "7"}):
            raise KeyboardInterrupt
        assert jvm.conf.get(KEY) == "7"
    finally:
        jvm.conf.set(KEY, before)
