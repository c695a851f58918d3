"""Exports of shop systems become the same records on every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset
from project_etl.sources import shopify, woocommerce
from project_etl_tests.parity.engines import Engines, same_rows
from project_etl_tests.silver.given import LANDED
from project_etl_tests.small_shop import records_of
from project_etl_tests.sources import test_shopify, test_woocommerce
from project_etl_tests.sources.given import Row

Rows = Sequence[Mapping[str, str]]
TEXTS = (
    *("", " ", "-1", "0", "1e2", "two", "\u00a0 7", "'8", '="9"', "NULL", "2026-01-05 10:12:33 +0100", "0,5", "\ufb01"),
    *("a > b > c, d", 'x"\\y', "7" * 30),
)


def changed(dataset: Dataset, key: str, first: Row, *others: Row) -> list[Row]:
    """Rows of one thing, and of one more thing for each tricky text in each column of the first row."""
    ways = [{name: text} for name in dataset.columns for text in TEXTS]
    changes: list[Row] = [{}, *ways]
    return [
        {**row, key: f"#{number}", **(change if row is first else {})}
        for number, change in enumerate(changes)
        for row in (first, *others)
    ]


OF_SHOPIFY = {
    "orders": changed(shopify.ORDERS, "Name", test_shopify.ORDER, test_shopify.NEXT, test_shopify.LAST),
    "products": changed(shopify.PRODUCTS, "Handle", test_shopify.SHIRT, test_shopify.LARGE, test_shopify.PICTURE),
    "customers": changed(shopify.CUSTOMERS, "Customer ID", test_shopify.ADA),
}
OF_WOOCOMMERCE = {
    "orders": changed(woocommerce.ORDERS, "order_id", test_woocommerce.ORDER, test_woocommerce.NEXT),
    "products": changed(woocommerce.PRODUCTS, "ID", test_woocommerce.HOODIE, test_woocommerce.BLUE),
    "customers": changed(woocommerce.CUSTOMERS, "customer_id", test_woocommerce.ADA),
}
EXPORTS: dict[str, Rows] = {
    f"bronze/{source}/{name}": rows
    for source, exports in {"shopify": OF_SHOPIFY, "woocommerce": OF_WOOCOMMERCE}.items()
    for name, rows in exports.items()
}
FEEDS = [
    (name, kind, feed)
    for name, source in {"shopify": shopify.SOURCE, "woocommerce": woocommerce.SOURCE}.items()
    for feeds in (source.feeds, source.also)
    for kind, feed in feeds.items()
]


def bronze(session: SparkSession, feed: Feed, rows: Rows) -> DataFrame:
    """Exports of three files, of which one could not be read as a whole."""
    texts = (*feed.columns, "_rescued_data", "_source_file", "_source_version")
    full = [
        {**row, "_source_file": f"f{number % 7 % 2}.csv", "_source_version": "v1"} for number, row in enumerate(rows)
    ]
    full.append({"_rescued_data": '{"_malformed":"x"}', "_source_file": "f0.csv", "_source_version": "v1"})
    data = [(*[row.get(name) for name in texts], number) for number, row in enumerate(full, start=1)]
    schema = ", ".join([*(f"`{name}` string" for name in texts), "_row_number bigint"])
    return session.createDataFrame(data, schema).withColumn("_landing_date", F.lit(LANDED).cast("date"))


NAMES = [f"{source}-{kind}-{feed.bronze.rpartition('/')[2]}" for source, kind, feed in FEEDS]


@pytest.mark.parametrize(("source", "kind", "feed"), FEEDS, ids=NAMES)
def test_exports_are_mapped_alike(engines: Engines, source: str, kind: str, feed: Feed) -> None:
    rows = same_rows(
        engines, lambda session: feed.records(bronze(session, feed, EXPORTS[feed.bronze]), records_of(kind))
    )
    assert len(rows) > 1, source
