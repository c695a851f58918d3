"""Fixtures of the parity tests: Spark and Sail, side by side in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from project_etl_tests.parity.engines import CONNECT_MODE, AskedEngine, Engines


@pytest.fixture(scope="session")
def engines(spark: SparkSession) -> Iterator[Engines]:
    """The engines whose answers are compared; Spark's is what the others must give."""
    server_of = pytest.importorskip("pysail.spark").SparkConnectServer
    server = server_of("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    os.environ[CONNECT_MODE] = "1"
    try:
        from pyspark.sql.connect.session import SparkSession as ConnectSession

        session = ConnectSession.builder.remote(f"sc://{host}:{port}").create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
    finally:
        del os.environ[CONNECT_MODE]
    yield (AskedEngine("spark", spark, is_connect=False), AskedEngine("embedded", session, is_connect=True))
    session.stop()
    server.stop()
