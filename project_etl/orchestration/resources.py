"""Resources: the Spark engine as Dagster knows it, and the lake on top.

Belongs here: building the lake from settings, with `dagster-pyspark` making the session lazily, once per process. Does
not belong here: `spark.*` keys (`core/engine/`), reading settings files (`settings.py`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dagster_pyspark import LazyPySparkResource
from pyspark.sql import SparkSession

from project_etl.core.engine.base import Larger
from project_etl.core.engine.spark import EngineConfig, SparkEngine, prepare_environment, spark_conf, started_apart
from project_etl.core.lake import TableStore
from project_etl.settings import Settings


def engine_config(settings: Settings) -> EngineConfig:
    """Where Spark runs, from the settings."""
    return EngineConfig(
        master=settings.spark.master,
        remote=settings.spark.remote,
        driver_memory=settings.spark.driver_memory,
        jars=Path(settings.jars_dir),
        java_home=Path(settings.java_home) if settings.java_home else None,
        conf=dict(settings.spark.conf),
    )


def spark_resource(settings: Settings) -> LazyPySparkResource:
    """A Spark session that starts when a table first needs it; a run with nothing to do starts none."""
    config = engine_config(settings)
    prepare_environment(config)
    return LazyPySparkResource(spark_config=spark_conf(config))


def lake_of(settings: Settings, spark: LazyPySparkResource) -> TableStore:
    """The lake of these settings, with what computes its tables."""

    @cache
    def session() -> SparkSession:
        return started_apart(lambda: spark.spark_session)

    on_spark = SparkEngine(session, is_connect=settings.spark.place == "connect")
    if not settings.is_embedded:
        return TableStore(settings.lake_root, on_spark)
    from project_etl.core.engine.embedded import EmbeddedEngine

    larger = Larger(on_spark, settings.engine_max_bytes) if settings.engine == "auto" else None
    return TableStore(settings.lake_root, EmbeddedEngine(), larger=larger)
