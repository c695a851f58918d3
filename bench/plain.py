"""The plain script: the same tables as the platform's, by PySpark and Delta alone, as one would write them by hand.

It is the yardstick, so it takes what says *what* a table is (transforms, contracts' rules, keys, the sources' mappings,
`spark.*` settings) and leaves out everything that runs it: Dagster, the lake, staging, verdicts, the memory of what was
loaded. It trusts its caller: days are loaded once, in order; Gold is not judged, warnings are not counted, a replaced
file does not take back what it said.

    python -m bench.plain 2025-01-01...2025-03-31 [timings.json]

reads landing and lake from the same settings as the platform. Silver is in `plain_silver.py`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib
import io
import json
import pkgutil
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from graphlib import TopologicalSorter
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from bench import plain_silver
from project_etl import gold, silver
from project_etl.core.engine import EngineConfig, start
from project_etl.core.steps import call
from project_etl.core.table import Input, ReplaceDays, Table, from_module
from project_etl.settings import Settings, load_settings
from project_etl.sources.catalog import Dataset, datasets_of

CORRUPT = "_corrupt"


@dataclass(frozen=True)
class Job:
    """One run of the script: the days from `first` to `last` (ISO dates), and when each table began and ended."""

    spark: SparkSession
    settings: Settings
    first: str
    last: str
    timings: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    @property
    def parameters(self) -> dict[str, object]:
        """What transforms may take beside their inputs."""
        bands = self.settings.price_bands
        currency = self.settings.reporting_currency
        return {"reporting_currency": currency, "price_low": bands.low, "price_high": bands.high}

    def path(self, name: str) -> str:
        """Where the table `layer/name` lies."""
        return f"{self.settings.lake_root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether the table was written before."""
        return Path(self.path(name), "_delta_log").is_dir()

    def read(self, name: str) -> DataFrame:
        """All rows of a table."""
        return self.spark.read.format("delta").load(self.path(name))

    def in_days(self, column: str, back: int = 0) -> Column:
        """Whether a date is one of the job's days or of the `back` days before them."""
        first = F.date_sub(F.lit(self.first).cast("date"), back)
        return F.col(column).between(first, F.lit(self.last).cast("date"))

    def replace_days(self, name: str, rows: DataFrame, day: str) -> None:
        """Write the job's days of a table that is partitioned by day, one file a day."""
        writer = rows.repartition(day).write.format("delta").mode("overwrite").partitionBy(day)
        if self.exists(name):
            # Not BETWEEN: Delta 4.4 cannot resolve it here under Spark 4.1.
            writer = writer.option("replaceWhere", f"{day} >= '{self.first}' AND {day} <= '{self.last}'")
        writer.save(self.path(name))

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note when the table began and ended, in seconds since the epoch."""
        begun = time.time()
        yield
        self.timings[name] = (begun, time.time())


def run(settings: Settings, first: str, last: str) -> dict[str, tuple[float, float]]:
    """Write every table for the days from `first` to `last`; return when each began and ended."""
    config = EngineConfig(
        master=settings.spark.master,
        driver_memory=settings.spark.driver_memory,
        jars=Path(settings.jars_dir),
        java_home=Path(settings.java_home) if settings.java_home else None,
        conf=dict(settings.spark.conf),
    )
    job = Job(start(config), settings, first, last)
    for dataset in datasets_of(settings.sources):
        with job.timed(dataset.bronze):
            load_bronze(job, dataset)
    for table in ordered(silver.__path__, silver.__name__):
        with job.timed(table.name):
            plain_silver.load(job, table)
    for table in ordered(gold.__path__, gold.__name__):
        with job.timed(table.name):
            load_gold(job, table)
    job.spark.stop()
    return job.timings


def ordered(folders: Iterable[str], package: str) -> list[Table]:
    """The tables of a package, parents first."""
    modules = (importlib.import_module(f"{package}.{info.name}") for info in pkgutil.iter_modules(folders))
    tables = {table.name: table for table in map(from_module, modules)}
    parents = {
        name: [each.table for each in (*table.references, *table.inputs.values()) if each.table in tables]
        for name, table in tables.items()
    }
    return [tables[name] for name in TopologicalSorter(parents).static_order()]


# --- Bronze -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landed:
    """A landing file: its path below the root, the hash of its bytes, and its first line (None when unreadable)."""

    path: str
    version: str
    first_line: str | None


def load_bronze(job: Job, dataset: Dataset) -> None:
    """Read the days' files as text, with where each record is from; a file that is no gzip goes to quarantine."""
    files = _landed(job, dataset)
    broken = [(file.path, file.version) for file in files if file.first_line is None]
    if broken:
        rows = job.spark.createDataFrame(broken, "_source_file string, _source_version string")
        rows.write.format("delta").mode("append").save(job.path("quarantine/files"))
    readable = [file for file in files if file.first_line is not None]
    if not readable:
        return
    frames: list[DataFrame] = []
    lines = [file for file in readable if ".json" in file.path]
    if lines:
        frames.append(_read_json(job, dataset, lines))
    # Spark matches a CSV's columns by position, so that files with one header are read together.
    tables = [file for file in readable if ".csv" in file.path]
    headers = dict.fromkeys(file.first_line for file in tables)
    frames += [_read_csv(job, dataset, [file for file in tables if file.first_line == header]) for header in headers]
    versions = job.spark.createDataFrame(
        [(file.path, file.version) for file in readable], "_source_file string, _source_version string"
    )
    rows = reduce(DataFrame.unionByName, frames).join(F.broadcast(versions), on="_source_file", how="inner")
    result = rows.withColumns(
        {
            "_ingested_at": F.current_timestamp(),
            "_landing_date": F.element_at(F.split("_source_file", "/"), 3).cast("date"),
        }
    )
    job.replace_days(dataset.bronze, result.select(*dataset.schema.fieldNames()), "_landing_date")


def _landed(job: Job, dataset: Dataset) -> list[Landed]:
    root = Path(job.settings.landing_root)
    folder = root / dataset.source / dataset.name
    paths = [
        path
        for day in sorted(folder.iterdir() if folder.is_dir() else ())
        if job.first <= day.name <= job.last
        for path in sorted(day.iterdir())
    ]
    found: dict[tuple[str, str], Landed] = {}
    for path in paths:
        data = path.read_bytes()
        version = hashlib.sha256(data).hexdigest()
        # The same bytes twice on one day say nothing new.
        found.setdefault((path.parent.name, version), Landed(str(path.relative_to(root)), version, _first_line(path)))
    return list(found.values())


def _first_line(path: Path) -> str | None:
    data = path.read_bytes()
    try:
        text = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error):
        return None
    return text.partition(b"\n")[0].decode("utf-8-sig").rstrip("\r")


def _read_csv(job: Job, dataset: Dataset, files: list[Landed]) -> DataFrame:
    header = next(csv.reader(io.StringIO(files[0].first_line or "")))
    extra = [name for name in header if name not in dataset.columns]
    reader = job.spark.read.schema(", ".join(f"`{name}` string" for name in (*header, CORRUPT)))
    rows = reader.csv(
        _full_paths(job, files), header=True, escape='"', mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT
    )
    # Text behind a closing quote is kept by Spark's parser with its quotes, and is no value.
    is_misquoted = reduce(lambda one, other: one | other, [F.col(name).startswith('"') for name in header])
    malformed = F.coalesce(F.col(CORRUPT), F.when(is_misquoted, F.to_json(F.struct(*header))))
    unknown = F.map_from_arrays(F.array(*map(F.lit, extra)), F.array(*extra)) if extra else None
    return _bronze_rows(dataset, rows, malformed, unknown)


def _read_json(job: Job, dataset: Dataset, files: list[Landed]) -> DataFrame:
    schema = ", ".join(f"`{name}` string" for name in (*dataset.columns, CORRUPT))
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
    text = job.spark.read.text(_full_paths(job, files)).where(F.trim("value") != "")
    rows = text.select("value", "_metadata", F.from_json("value", schema, options).alias("r"))
    every = F.from_json("value", "map<string,string>")
    unknown = F.map_filter(every, lambda name, _: ~name.isin(*dataset.columns))
    return _bronze_rows(
        dataset, rows.select("value", "_metadata", "r.*"), F.col(CORRUPT), F.when(F.size(unknown) > 0, unknown)
    )


def _bronze_rows(dataset: Dataset, rows: DataFrame, malformed: Column, unknown: Column | None) -> DataFrame:
    rescued = F.to_json(F.create_map(F.lit("_malformed"), malformed))
    also = F.to_json(unknown) if unknown is not None else F.lit(None)
    given = {name: F.col(name) if name in rows.columns else F.lit(None).cast("string") for name in dataset.columns}
    return rows.select(
        *[F.when(malformed.isNull(), column).alias(name) for name, column in given.items()],
        F.when(malformed.isNotNull(), rescued).otherwise(also).alias("_rescued_data"),
        F.regexp_extract("_metadata.file_path", r"([^/]+/){3}[^/]+$", 0).alias("_source_file"),
        # Unique, and rising within a file: all that telling records apart and ordering them takes.
        F.monotonically_increasing_id().alias("_row_number"),
    )


def _full_paths(job: Job, files: list[Landed]) -> list[str]:
    return [f"{job.settings.landing_root}/{file.path}" for file in files]


# --- Gold -------------------------------------------------------------------------------------------------------------


def load_gold(job: Job, table: Table) -> None:
    """Compute the job's days, or the whole of a snapshot, and replace what was there."""
    rows = call(table, [_gold_input(job, table, item) for item in table.inputs.values()], job.parameters)
    if isinstance(table.write, ReplaceDays):
        job.replace_days(table.name, rows.where(job.in_days(table.write.day)), table.write.day)
    else:
        rows.write.format("delta").mode("overwrite").save(job.path(table.name))


def _gold_input(job: Job, table: Table, item: Input) -> DataFrame:
    rows = job.read(item.table)
    return rows if item.whole or not table.is_daily else rows.where(job.in_days("order_date", item.back))


def main(arguments: list[str]) -> None:
    """Run with `FIRST...LAST` and, if wanted, a file for the timings."""
    first, _, last = arguments[0].partition("...")
    timings = run(load_settings(), first, last or first)
    if len(arguments) > 1:
        Path(arguments[1]).write_text(json.dumps(timings), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
