"""Text from data in SQL: whatever it holds, a condition finds the rows that have it, in Spark and in delta-rs."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from project_etl.core.contracts.sql_text import spark_text, sql_list, sql_text
from project_etl.core.engine.base import Engine
from project_etl_tests.small_shop import PRODUCT, SmallShop

D1, D2 = "2025-01-01", "2025-01-02"
SETTING = "${spark.sql.shuffle.partitions}"
TEXTS = ["plain", "", "it's", "back\\slash", "\\'", "\\u0041", SETTING, "${env:HOME}", "$\\{", '{}%_`"', "Ω\n\t", "🧦"]


@pytest.mark.parametrize("text", TEXTS)
def test_spark_reads_a_literal_as_the_text(jvm: SparkSession, text: str) -> None:
    assert jvm.sql(f"SELECT {sql_text(text)}, {spark_text(text)}").first() == (text, text)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A Delta table with a row for each text, once as a partition and once as a value."""
    rows = pa.table({"part": TEXTS, "value": TEXTS, "number": list(range(len(TEXTS)))})
    deltalake.write_deltalake(tmp_path / "t", rows, partition_by=["part"])
    return str(tmp_path / "t")


def numbers(path: str) -> dict[str, int]:
    table = DeltaTable(path).to_pyarrow_table()
    assert table.num_rows == len(TEXTS)
    return dict(zip(table["value"].to_pylist(), table["number"].to_pylist(), strict=True))


# Delta reads an empty partition value as null.
@pytest.mark.parametrize("text", [text for text in TEXTS if text])
@pytest.mark.parametrize("column", ["part", "value"])
def test_delta_rs_finds_the_row(path: str, column: str, text: str) -> None:
    rows = pa.table({"part": [text], "value": [text], "number": [-1]})
    where = f"{column} IN ({sql_list([text, 'x'])})"
    deltalake.write_deltalake(path, rows, mode="overwrite", predicate=where)
    assert numbers(path)[text] == -1
    merge = DeltaTable(path).merge(rows, f"t.value = s.value AND t.{where}", source_alias="s", target_alias="t")
    merge.when_matched_update({"number": "-2"}).when_not_matched_insert_all().execute()
    assert numbers(path)[text] == -2


@pytest.mark.parametrize("column", ["part", "value"])
def test_spark_finds_the_rows(jvm: SparkSession, path: str, column: str) -> None:
    texts = ["it's", "\\'", SETTING, '{}%_`"']
    new = jvm.createDataFrame([(text, text, -1) for text in texts], "part STRING, value STRING, number BIGINT")
    where = f"{column} IN ({sql_list(texts)})"
    new.write.format("delta").mode("overwrite").option("replaceWhere", where).save(path)
    assert {numbers(path)[text] for text in texts} == {-1}
    new.createOrReplaceTempView("new")
    jvm.sql(
        f"MERGE INTO delta.`{path}` t USING new s ON t.value = s.value AND t.{where} "
        "WHEN MATCHED THEN UPDATE SET number = -2 WHEN NOT MATCHED THEN INSERT *"
    ).collect()
    assert {numbers(path)[text] for text in texts} == {-2}


def test_a_product_whose_category_looks_like_a_setting_stays_one_row(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    product = {**PRODUCT, "category": SETTING}
    shop.land_rows("products", D1, product)
    shop.land_rows("products", D2, {**product, "price": 11, "updated_at": "2025-01-02T00:00:00Z"})
    for day in (D1, D2):
        shop.bronze("products", day)
        shop.silver("products", day)
    assert [(name, float(price)) for name, price in shop.rows("silver/products", "product_id", "price")] == [("P1", 11)]


@pytest.mark.parametrize("name", [f"{SETTING}.jsonl", "it's.jsonl"])
def test_a_file_of_any_name_is_replaced(tmp_path: Path, engine: Engine, name: str) -> None:
    shop = SmallShop(tmp_path, engine)
    for price in (10, 11):
        shop.land_rows("products", D1, {**PRODUCT, "price": price}, name=name)
        shop.bronze("products", D1)
    assert shop.rows("bronze/shop/products", "price") == [("11",)]
    # And it is unreadable for a while.
    shop.land("products", D1, b"\xff\xfe", name=name)
    shop.bronze("products", D1)
    shop.land_rows("products", D1, PRODUCT, name=name)
    shop.bronze("products", D1)
    assert shop.rows("bronze/shop/products", "price") == [("10",)]
