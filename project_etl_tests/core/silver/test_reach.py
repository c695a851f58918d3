"""What was done to a parent reaches its children, whoever did it and with whatever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.model.table import Reference
from project_etl.core.silver.reach import changed_parents
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

PARENT = "silver/parents"
DAY, NEXT = "2025-01-01", "2025-01-02"
SCHEMA = T.StructType([T.StructField(name, T.StringType()) for name in ("parent_id", "carried")])
REF = Reference("parent_id", PARENT, "parent_exists", carry=("carried",))


def rows(**carried: str) -> Any:
    return pa.table({"parent_id": list(carried), "carried": list(carried.values())})


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    """A parent table whose rows are known to its children."""
    lake = TableStore(str(tmp_path))
    lake.create(PARENT, SCHEMA, properties={"delta.enableChangeDataFeed": "true"})
    lake.commit(PARENT, Append(), rows(a="1", b="1", c="1"), {"run_id": "a"})
    return lake


def reached(lake: TableStore, since: int = 1) -> set[str] | None:
    return changed_parents(lake.state(PARENT), REF, since)


def merge(table: DeltaTable, **carried: str) -> None:
    merge = table.merge(rows(**carried), "t.parent_id = s.parent_id", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


def replaced(table: DeltaTable) -> None:
    deltalake.write_deltalake(table, rows(a="1", c="2"), mode="overwrite")


KEYS: dict[str, tuple[Callable[[DeltaTable], object], set[str]]] = {
    "a delete": (lambda table: table.delete("parent_id = 'a'"), {"a"}),
    "a delete of all": (lambda table: table.delete(), {"a", "b", "c"}),
    "an update": (lambda table: table.update({"carried": "'2'"}, predicate="parent_id = 'b'"), {"b"}),
    "an update to what it was": (lambda table: table.update({"carried": "'1'"}), set()),
    "a merge": (lambda table: merge(table, c="2", d="1"), {"c"}),
    "a merge that only adds": (lambda table: merge(table, d="1"), set()),
    "an overwrite": (replaced, {"b", "c"}),
    "an append": (lambda table: deltalake.write_deltalake(table, rows(d="1"), mode="append"), set()),
}


@pytest.mark.parametrize("what", KEYS)
def test_what_another_writer_does_to_parents_reaches_their_children(lake: TableStore, what: str) -> None:
    do, keys = KEYS[what]
    do(DeltaTable(lake.path(PARENT)))
    assert (lake.version(PARENT) or 0) > 1
    assert reached(lake) == keys
    # And so it is when maintenance and appends of ours follow.
    lake.commit(PARENT, Append(), rows(e="1"), {"run_id": "b"})
    DeltaTable(lake.path(PARENT)).optimize.compact()
    assert reached(lake) == keys


def test_after_a_restore_any_parent_may_have_changed(lake: TableStore) -> None:
    lake.commit(PARENT, Append(), rows(d="1"), {"run_id": "b"})
    DeltaTable(lake.path(PARENT)).restore(1)
    assert reached(lake, since=2) is None


def test_a_merge_that_tells_no_counts_is_looked_at(lake: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(DeltaTable(lake.path(PARENT)), c="2")
    history = DeltaTable.history

    def without_metrics(table: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
        return [{**entry, "operationMetrics": {}} for entry in history(table, limit)]

    monkeypatch.setattr(DeltaTable, "history", without_metrics)
    assert reached(lake) == {"c"}


def test_an_append_is_told_by_the_log_alone(lake: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.commit(PARENT, Append(), rows(d="1"), {"run_id": "b"})
    monkeypatch.delattr(DeltaTable, "load_cdf")
    assert reached(lake) == set()


def test_when_the_feed_is_gone_any_parent_may_have_changed(lake: TableStore) -> None:
    DeltaTable(lake.path(PARENT)).delete("parent_id = 'a'")
    tidy(lake, PARENT, keep_hours=0)
    assert reached(lake) is None


def test_when_the_log_has_forgotten_commits_any_parent_may_have_changed(lake: TableStore) -> None:
    DeltaTable(lake.path(PARENT)).delete("parent_id = 'a'")
    lake.commit(PARENT, Append(), rows(d="1"), {"run_id": "b"})
    DeltaTable(lake.path(PARENT)).create_checkpoint()
    for version in range(3):
        (Path(lake.path(PARENT)) / "_delta_log" / f"{version:020}.json").unlink()
    later = TableStore(lake.root)
    assert [commit.version for commit in later.commits(PARENT)] == [3]
    assert reached(later) is None
    assert reached(later, since=2) == set()


def test_a_parent_that_was_made_anew_with_fewer_versions_may_hold_anything(lake: TableStore) -> None:
    assert reached(lake, since=5) is None


def test_what_spark_s_sql_does_to_parents_reaches_their_children(lake: TableStore, jvm: SparkSession) -> None:
    table = f"delta.`{lake.path(PARENT)}`"
    for statement, keys in (
        (f"DELETE FROM {table} WHERE parent_id = 'a'", {"a"}),
        (f"UPDATE {table} SET carried = '2' WHERE parent_id = 'b'", {"b"}),
        (f"INSERT OVERWRITE {table} VALUES ('b', '2'), ('c', '3')", {"c"}),
        (f"INSERT INTO {table} VALUES ('d', '1')", set()),
        (f"RESTORE TABLE {table} TO VERSION AS OF 1", None),
        (f"CREATE OR REPLACE TABLE {table} USING delta AS SELECT 'a' AS parent_id, '1' AS carried", None),
    ):
        before = lake.version(PARENT) or 0
        jvm.sql(statement)
        assert reached(lake, since=before) == keys, statement


# --- through Silver ---------------------------------------------------------------------------------------------------


def test_the_items_of_an_order_that_an_operator_deletes_go_with_the_next_run(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", DAY, CUSTOMER)
    shop.land_rows("products", DAY, PRODUCT)
    shop.land_rows("orders", DAY, ORDER, {**ORDER, "order_id": "O2"})
    shop.land_rows("order_items", DAY, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    for name in ("customers", "products", "orders", "order_items"):
        shop.bronze(name, DAY)
        shop.silver(name, DAY)
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",), ("I2",)]
    DeltaTable(shop.lake.path("silver/orders")).delete("order_id = 'O2'")
    shop.silver("order_items", DAY)
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",)]
    assert [(row, rules) for _, row, rules in shop.quarantined("order_items")] == [(2, ["order_exists"])]
    # What is done to parents is told once.
    version = shop.version("silver/order_items")
    shop.silver("order_items", DAY)
    assert shop.version("silver/order_items") == version
