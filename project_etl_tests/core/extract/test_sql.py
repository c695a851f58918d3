"""SQL of databases that cannot run here is read by a parser of it; drivers' errors are told without a secret."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlglot
from sqlalchemy import create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect
from sqlglot import exp

from project_etl.catalog import puller_of
from project_etl.core.extract.spans import START, Span
from project_etl.core.extract.sql import reader as module_under_test
from project_etl.core.extract.sql.databases import DATABASES
from project_etl.core.extract.sql.reader import Reader, TableOf
from project_etl.core.extract.sql.texts import as_bronze, as_landed
from project_etl.core.model.pull import PullError
from project_etl_tests.core.extract.given import FileShop
from project_etl_tests.small_shop import settings_of

TABLE = TableOf("orders", "sales.Orders", ("order_id", "line"), "updated_at", "updated_at")
SPAN = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, 0, 0, 0, 5, UTC))
DIALECTS = {
    "postgresql": ("postgresql.psycopg", "postgres"),
    "mysql": ("mysql.pymysql", "mysql"),
    "mssql": ("mssql.pymssql", "tsql"),
    "snowflake": ("snowflake", "snowflake"),
    "redshift": ("redshift.psycopg2", "redshift"),
}


def queries(name: str) -> list[str]:
    """What a reader asks a database of some kind, as text with its values."""
    dialect: Dialect = registry.load(DIALECTS[name][0])()
    asked: list[str] = []

    class Watched(Reader):
        def _records(self, table: TableOf, query: Any):  # noqa: ARG002
            asked.append(str(query.compile(dialect=dialect)))
            yield from ()

    reader = Watched(create_engine("sqlite://"), DATABASES[name], "")
    for span in (Span(START, SPAN.end), SPAN):
        list(reader.changed_within(TABLE, span))
    list(reader.with_keys(TABLE, [("1", "2"), ("3", "4")]))
    asked.append(str(module_under_test._select(TABLE, ["order_id", "updated_at"]).compile(dialect=dialect)))
    return asked


@pytest.mark.parametrize("name", DIALECTS)
def test_queries_are_sql_of_their_database(name: str) -> None:
    for query in queries(name):
        # The places of values are written as each driver wants them.
        text = re.sub(r"%\(\w+\)s(::[A-Z ]+)?|%s", "'x'", query)
        (tree,) = sqlglot.parse(text, dialect=DIALECTS[name][1], error_level=sqlglot.ErrorLevel.RAISE)
        assert tree is not None
        (table,) = tree.find_all(exp.Table)
        assert (table.db, table.name) == ("sales", "Orders")


@pytest.mark.parametrize("name", DATABASES)
def test_statements_about_a_database_are_sql_of_it(name: str) -> None:
    database, dialect = DATABASES[name], DIALECTS.get(name, DIALECTS["mysql"])[1]
    for statement in (*database.identity, database.now, *database.settings):
        assert sqlglot.parse_one(statement, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mssql+pymssql://shop:s3cret@127.0.0.1:9/shop", "mssql://127.0.0.1:9/shop says: "),
        ("redshift+psycopg2://shop:s3cret@127.0.0.1:9/shop", "redshift://127.0.0.1:9/shop says: "),
        ("postgresql+psycopg://shop:s3cret@127.0.0.1:9/shop", "postgresql://127.0.0.1:9/shop says: "),
        ("mysql+pymysql://shop:s3cret@127.0.0.1:9/shop", "mysql://127.0.0.1:9/shop says: "),
        ("oracle+nodriver://shop:s3cret@127.0.0.1:9/shop", "whose driver is not installed"),
        ("s3cret", r"what pull.oltp.url names \(env:SHOP_DB\) is no URL"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB", url)
    settings = settings_of(("oltp",), pull={"oltp": {"url": "env:SHOP_DB"}})
    with pytest.raises(PullError, match=said) as caught, puller_of(settings, "oltp") as puller:
        puller.looked_at("orders")
    assert "s3cret" not in str(caught.value)


def test_a_dataset_that_is_none_is_told(tmp_path: Path) -> None:
    shop = FileShop(tmp_path, without=["order"])
    with pytest.raises(PullError, match=r"pull.oltp names the dataset order, and there is customers, events"):
        shop.pull()


@pytest.mark.parametrize(
    ("value", "landed", "bronze"),
    [
        (None, None, None),
        (True, True, "true"),
        (7, 7, "7"),
        ("é", "é", "é"),
        (0.1, "0.1", "0.1"),
        (float("nan"), "nan", "nan"),
        (Decimal("1E+3"), "1000", "1000"),
        (Decimal("1.10"), "1.10", "1.10"),
        (Decimal("NaN"), "NaN", "NaN"),
        (date(2025, 1, 2), "2025-01-02", "2025-01-02"),
        (time(1, 2, 3, 4), "01:02:03.000004", "01:02:03.000004"),
        (datetime(2025, 1, 2, 3, 4, 5, 6), "2025-01-02T03:04:05.000006", "2025-01-02T03:04:05.000006"),
        (datetime.fromisoformat("2025-01-02T03:00+05:30"), "2025-01-01T21:30:00+00:00", "2025-01-01T21:30:00+00:00"),
        (timedelta(hours=-25, microseconds=-1), "-25:00:00.000001", "-25:00:00.000001"),
        (timedelta(days=2, seconds=61), "48:01:01", "48:01:01"),
        (b"\x00\xff", "\\x00ff", "\\x00ff"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
        (["a", None, Decimal("1.5")], ["a", None, "1.5"], '["a",null,"1.5"]'),
        ({"é": [1]}, {"é": [1]}, '{"é":[1]}'),
    ],
)
def test_values_of_drivers_land_as_text(value: object, landed: object, bronze: str | None) -> None:
    assert as_landed(value) == landed
    assert as_bronze(landed) == bronze
