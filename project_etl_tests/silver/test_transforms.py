"""Every transform gives the columns that its contract declares; one that does not is named, with its column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.catalog import tables
from project_etl.core.engine.base import Engine
from project_etl.core.model.table import Table, TableError
from project_etl.core.model.transform import call, conform
from project_etl.core.silver.frames import judged_records
from project_etl.core.silver.plan import silver_schema
from project_etl_tests.silver.given import TABLES, job_of, records
from project_etl_tests.small_shop import PARAMETERS

BY_NAME = {table.name: table for table in tables()}
GOLD = {name: table for name, table in BY_NAME.items() if table.layer == "gold"}


@pytest.mark.parametrize("name", TABLES)
def test_silver_transforms_conform_to_their_contracts(name: str, tmp_path: Path, engine: Engine) -> None:
    table = TABLES[name]
    found = judged_records(job_of(engine, tmp_path, table), records(engine.session(), table, []))
    assert set(silver_schema(table).fieldNames()) <= set(found.columns)


@pytest.mark.parametrize("name", GOLD)
def test_gold_transforms_conform_to_their_contracts(name: str, spark: SparkSession) -> None:
    table = GOLD[name]
    inputs = [BY_NAME[item.table] for item in table.inputs.values()]
    schemas = [silver_schema(one) if one.layer == "silver" else one.schema for one in inputs]
    # The embedded engine reads no metadata but text.
    plain = [T.StructType([T.StructField(item.name, item.dataType, item.nullable) for item in one]) for one in schemas]
    empty = [spark.createDataFrame([], schema) for schema in plain]
    # What is checked is known from the plan: no job runs.
    found = conform(call(table, empty, PARAMETERS), table.schema, name, also=table.for_rules)
    assert found.columns == [*table.schema.fieldNames(), *table.for_rules]


def without_email(customers: DataFrame) -> DataFrame:
    return _transformed(customers).drop("email")


def with_a_column_more(customers: DataFrame) -> DataFrame:
    return _transformed(customers).withColumn("age", F.lit(1))


def with_a_number_for_a_city(customers: DataFrame) -> DataFrame:
    return _transformed(customers).withColumn("city", F.lit(1))


def _transformed(customers: DataFrame) -> DataFrame:
    return call(TABLES["customers"], [customers], PARAMETERS)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (without_email, "silver/customers: .*email is missing"),
        (with_a_column_more, "silver/customers: .*age is not in the contract"),
        (with_a_number_for_a_city, "silver/customers: .*city is int, the contract says string"),
    ],
)
def test_a_transform_that_does_not_conform_is_named_with_its_column(
    transform, message: str, tmp_path: Path, engine: Engine
) -> None:
    table: Table = replace(TABLES["customers"], transform=transform)
    with pytest.raises(TableError, match=message):
        judged_records(job_of(engine, tmp_path, table), records(engine.session(), table, []))
