"""Spark reads a topic into the files that one process makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project_etl.core.engine.spark import EngineConfig, SparkEngine, start
from project_etl.settings import load_settings
from project_etl_tests.integration.kafka_broker import ROOT, Kafka
from project_etl_tests.integration.streamed import streamed

# Of the same minor version as Spark; the newest whose parts the registries of the tests all have.
PACKAGE = "org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.1"


def test_spark_lands_the_same_files(tmp_path: Path, kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    one = streamed(tmp_path / "one", kafka, topic)
    one.produce(range(50))
    one.produce(range(50, 80), partition=1)
    kafka.produce(topic, [(None, b"not JSON \xff", 0), ("gone", None, 1)])
    one.pull()
    # In a process of its own, for a JVM takes its jars when it starts.
    command = (sys.executable, "-m", __name__, str(tmp_path / "two"), kafka.bootstrap, topic)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert done.stdout.splitlines()[-2:] == ["82 records in 2 files", "0 records in 0 files"]
    two = streamed(tmp_path / "two", kafka, topic)
    assert {path.name: path.read_text() for path in two.files()} == {
        path.name: path.read_text() for path in one.files()
    }
    assert [path.name for path in (tmp_path / "two/landing/clickstream/events").iterdir()] == [
        path.parent.name for path in one.files()[:1]
    ]
    # What one has read the other does not read again.
    assert two.pull().files == ()


def main(folder: str, bootstrap: str, topic: str) -> None:
    """Pull a topic twice with Spark."""
    settings = load_settings()
    config = EngineConfig(
        master="local[2]",
        driver_memory="1g",
        jars=Path(settings.jars_dir),
        java_home=Path(settings.java_home) if settings.java_home else None,
        conf={"spark.jars.packages": PACKAGE, "spark.ui.enabled": "false"},
    )
    engine = SparkEngine(lambda: start(config))
    broker = Kafka(bootstrap, "", Path(), ())
    shop = streamed(Path(folder), broker, topic, engine, {"spark": True})
    for _ in range(2):
        done = shop.pull()
        print(f"{done.records} records in {len(done.files)} files")


if __name__ == "__main__":
    main(*sys.argv[1:])
