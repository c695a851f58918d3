"""Time zones: every engine shows the same days and hours, and reads local times alike."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from project_etl.core.transforms.casts import to_utc
from project_etl.core.transforms.zones import business_day, business_hour, in_utc, oddity
from project_etl_tests.core.transforms.test_zones import CHANGES
from project_etl_tests.parity.engines import Engines, same_rows
from project_etl_tests.parity.values import DAYS, OFFSETS, TIMES

OTHERS = ("America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "UTC")


def texts_of(zone: str) -> list[str]:
    """Local times around the changes of a zone, each with and without an offset, and texts that are none."""
    changes = [datetime.fromisoformat(at) for at in CHANGES.get(zone, ())[:2]]
    days = [
        *changes,
        *(datetime(year, month, 1) for year in (1900, 1945, 1969, 2011, 2038) for month in (1, 4, 10, 12)),
    ]
    ticks = (timedelta(), -timedelta(microseconds=1))
    around = [str(day + HALF * step + tick) for day in days for step in range(-6, 7) for tick in ticks]
    forms = [f"2025-10-26{between}{time}" for between in " Tt" for time in TIMES]
    ends = ["1800-01-01", "1799-12-31", "8999-12-31 23:59:59.999999", "9999-12-31", "0001-01-01 00:00:00"]
    return [*around, *(f"{at}{offset}" for at in around[:20] for offset in OFFSETS), *forms, *DAYS, *ends]


HALF = timedelta(minutes=30)


@pytest.mark.parametrize("zone", [*CHANGES, *OTHERS])
def test_local_times_days_and_hours(engines: Engines, zone: str) -> None:
    texts = texts_of(zone)
    table = pa.table({"t": pa.array([*texts, None], pa.string())})

    def build(session: SparkSession) -> DataFrame:
        read = session.createDataFrame(table).select(
            "t", in_utc("t", zone).alias("utc"), oddity("t", zone).alias("odd")
        )
        at = F.col("at")
        shown = read.withColumn("at", to_utc("utc"))
        return shown.withColumns({"day": business_day(at, zone), "hour": business_hour(at, zone)})

    rows = same_rows(engines, build)
    assert sum(row["hour"] is not None for row in rows) > len(texts) / 2
    # Of the other zones, some have no change at these times.
    assert zone not in CHANGES or {row["odd"] for row in rows} == {0, 1, 2}
