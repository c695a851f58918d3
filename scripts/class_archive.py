"""Make the class archive: the JVM's own classes, Spark's and Delta's, loaded and verified once for all later starts.

Run by the set-up in `.venv`. The JVM of a small session over a small table writes the archive as it ends
(`-XX:ArchiveClassesAtExit`), with every class that it had loaded.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from project_etl.core.engine.spark import DRIVER_JAVA_OPTIONS, EngineConfig, start


def main() -> None:
    """Write the archive for a folder of jars to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jars", type=Path)
    parser.add_argument("archive", type=Path)
    arguments = parser.parse_args()
    options = {DRIVER_JAVA_OPTIONS: f'-XX:TieredStopAtLevel=1 "-XX:ArchiveClassesAtExit={arguments.archive}"'}
    spark = start(EngineConfig(jars=arguments.jars, conf=options))
    with tempfile.TemporaryDirectory() as folder:
        use(spark, f"{folder}/table")
    spark.stop()
    gateway: Any = spark.sparkContext._gateway
    # The JVM ends, and writes the archive, when nobody is left to talk to it.
    gateway.proc.stdin.close()
    gateway.proc.wait()


def use(spark: SparkSession, path: str) -> None:
    """Do once, with a hundred rows, what all tables do: keep, count, write, replace, merge, read, rank and join."""
    rows = spark.range(100).select(
        "id", (F.col("id") % 3).cast("string").alias("day"), F.col("id").cast("decimal(18,4)").alias("amount")
    )
    rows = rows.mapInArrow(lambda batches: batches, rows.schema).persist()
    rows.groupBy("day").agg(F.count(F.lit(1)), F.sum("amount")).collect()
    rows.write.format("delta").partitionBy("day").option("userMetadata", "{}").save(path)
    one = rows.where("day = '1'").write.format("delta").mode("overwrite")
    one.option("replaceWhere", "day = '1'").save(path)
    rows.createOrReplaceTempView("changes")
    spark.sql(
        f"MERGE INTO delta.`{path}` t USING changes s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    ).collect()
    stored = spark.read.format("delta").load(path).where("day > '0'")
    latest = F.row_number().over(Window.partitionBy("day").orderBy(F.desc("amount")))
    ranked = stored.withColumn("rank", latest)
    ranked.join(rows, "id", "left_anti").union(ranked).orderBy("id").collect()


if __name__ == "__main__":
    main()
