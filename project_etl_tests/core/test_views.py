"""A lake's tables as views: what a query sees of real Delta tables, what it cannot do, and what it is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import types as T

from project_etl.core.lake import Append, TableStore, Upsert
from project_etl.core.views import QueryError, Views, day_column, personal, view_of

DAY = date(2025, 1, 1)
PEOPLE = T.StructType(
    [
        T.StructField("id", T.StringType(), False, {"comment": "Who it is."}),
        T.StructField("email", T.StringType(), True, {"pii": True}),
        T.StructField("phone", T.StringType(), True, {"pii": True}),
        T.StructField("joined", T.TimestampType()),
        T.StructField("note", T.StringType()),
    ]
)
SALES = T.StructType([T.StructField("day", T.DateType()), T.StructField("units", T.LongType())])
TEXT = T.StructType([T.StructField("raw", T.StringType())])


def put(lake: TableStore, name: str, *rows: dict[str, Any]) -> None:
    """Append rows to a table."""
    lake.commit(name, Append(), pa.Table.from_pylist(list(rows), lake.state(name).arrow_schema), {})


def person(number: int, note: str = "new") -> dict[str, Any]:
    """A row of `silver/people`, which joined at half past eleven in the evening of a day in UTC."""
    at = datetime(2025, 1, number, 23, 30, tzinfo=UTC)
    return {"id": f"P{number}", "email": f"p{number}@example.org", "phone": str(number), "joined": at, "note": note}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    """Tables of each layer; `people` in two of them. A folder with a quote, a blank and an accent holds them."""
    lake = TableStore(str(tmp_path_factory.mktemp("views") / "Ann's lake é"))
    lake.create("silver/people", PEOPLE)
    put(lake, "silver/people", person(1), person(2), person(3))
    lake.create("gold/people", SALES)
    lake.create("gold/sales", SALES, partition_by="day", statistics=("day",))
    put(lake, "gold/sales", {"day": DAY, "units": 1}, {"day": date(2025, 1, 2), "units": 2}, {"day": None, "units": 4})
    lake.create("silver/empty", SALES)
    for name in ("bronze/shop/people", "quarantine/people"):
        lake.create(name, TEXT)
        put(lake, name, {"raw": "p1@example.org"})
    return lake


@pytest.fixture
def views(lake: TableStore) -> Views:
    return Views(lake)


def answer(views: Views, query: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[tuple[Any, ...]]:
    """The rows of an answer."""
    found = views.sql(query, parameters)
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def refused(views: Views, query: str) -> str:
    """What somebody is told whose query cannot be answered; the next one is."""
    with pytest.raises(QueryError) as error:
        views.sql(query)
    assert answer(views, "SELECT sum(units)::int FROM gold.sales") == [(7,)]
    return str(error.value)


# --- tables -----------------------------------------------------------------------------------------------------------


def test_rows_that_a_merge_has_written_are_found_by_their_text(lake: TableStore) -> None:
    name = "silver/merged"
    lake.create(name, PEOPLE)
    put(lake, name, person(1), person(2))
    change = {**person(2, note="it's changed"), "_op": "update"}
    schema = lake.state(name).arrow_schema.append(pa.field("_op", pa.string()))
    rows = pa.Table.from_pylist([change, {**person(3), "_op": "insert"}], schema)
    lake.commit(name, Upsert(("id",), tuple(PEOPLE.fieldNames())), rows, {})
    views = Views(lake)
    assert answer(views, "SELECT id FROM merged WHERE note = 'it''s changed'") == [("P2",)]
    assert answer(views, "SELECT id FROM merged WHERE note = 'new' AND id >= 'P2'") == [("P3",)]


def test_days_that_partition_a_table_are_dates_and_may_be_missing(views: Views) -> None:
    assert answer(views, "SELECT day, units FROM sales ORDER BY units") == [(DAY, 1), (date(2025, 1, 2), 2), (None, 4)]
    assert answer(views, "SELECT units FROM sales WHERE day = DATE '2025-01-02'") == [(2,)]


@pytest.mark.parametrize("value", ["a b/c", "it's", "100%", "=x", "naïve"])
def test_text_that_partitions_a_table_comes_back_as_it_was(tmp_path: Path, value: str) -> None:
    lake = TableStore(str(tmp_path))
    schema = T.StructType([T.StructField("kind", T.StringType()), T.StructField("n", T.LongType())])
    lake.create("silver/kinds", schema, partition_by="kind")
    put(lake, "silver/kinds", {"kind": value, "n": 1}, {"kind": "007", "n": 2})
    assert answer(Views(lake), "SELECT kind FROM kinds ORDER BY n") == [(value,), ("007",)]


def test_an_empty_table_has_its_columns_and_no_rows(views: Views) -> None:
    found = views.sql("FROM empty")
    assert (found.schema.names, found.num_rows) == (["day", "units"], 0)


def test_a_column_that_was_added_later_is_null_in_older_rows(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    lake.create("gold/sales", SALES)
    put(lake, "gold/sales", {"day": DAY, "units": 1})
    lake.create("gold/sales", T.StructType([*SALES.fields, T.StructField("refunds", T.LongType())]))
    assert answer(Views(lake), "SELECT units, refunds FROM sales") == [(1, None)], "no file has it yet"
    put(lake, "gold/sales", {"day": DAY, "units": 2, "refunds": 3})
    assert answer(Views(lake), "SELECT units, refunds FROM sales ORDER BY units") == [(1, None), (2, 3)]


@pytest.mark.parametrize("name", ["GOLD.Sales", '"gold"."sales"', "Sales", '"sales"', "memory.gold.sales"])
def test_a_table_is_found_in_any_letters_and_in_quotes(views: Views, name: str) -> None:
    assert answer(views, f"SELECT count(*) FROM {name}") == [(3,)]


def test_columns_with_names_that_sql_keeps_for_itself_can_be_asked(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    names = ("order", 'a "b"', "Group By")
    lake.create("silver/odd", T.StructType([T.StructField(name, T.LongType()) for name in names]))
    put(lake, "silver/odd", dict.fromkeys(names, 1))
    assert Views(lake).sql("FROM odd").schema.names == list(names)


def test_a_bare_name_is_golds_before_silvers(views: Views) -> None:
    assert views.sql("FROM people").schema.names == ["day", "units"]
    assert answer(views, "SELECT count(*) FROM silver.people") == [(3,)]
    assert answer(views, "SELECT count(*) FROM gold.people") == [(0,)]


def test_a_cte_may_have_the_name_of_a_table_or_read_one(views: Views) -> None:
    assert answer(views, "WITH sales AS (SELECT 9 AS units) SELECT units FROM sales") == [(9,)]
    assert answer(views, "WITH s AS (SELECT units FROM gold.sales) SELECT sum(units)::int FROM s") == [(7,)]
    assert answer(views, "WITH nothing AS (SELECT 5 AS n) FROM nothing") == [(5,)]


def test_a_query_takes_parameters_and_the_functions_that_make_rows(views: Views) -> None:
    assert answer(views, "SELECT units FROM sales WHERE day = ?", [DAY]) == [(1,)]
    assert answer(views, "SELECT units FROM sales WHERE units > $least", {"least": 2}) == [(4,)]
    assert answer(views, "SELECT count(*) FROM range(3), unnest([1, 2])") == [(6,)]


def test_instants_and_their_days_are_those_of_the_zone(lake: TableStore) -> None:
    query = "SELECT joined, joined::date FROM silver.people WHERE id = 'P1'"
    ((at, day),) = answer(Views(lake, zone="Europe/Berlin"), query)
    assert (at.isoformat(), day) == ("2025-01-02T00:30:00+01:00", date(2025, 1, 2))


def test_threads_share_the_views(lake: TableStore) -> None:
    views = Views(lake)
    queries = ["SELECT sum(units)::int FROM sales", "SELECT count(*) FROM silver.people"] * 20
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda query: answer(views, query), queries))
    assert found == [[(7,)], [(3,)]] * 20


def test_two_answers_are_read_side_by_side(views: Views) -> None:
    first = views.reader("SELECT i FROM range(300000) t(i)")
    read = first.read_next_batch().num_rows
    assert answer(views, "SELECT count(*) FROM sales") == [(3,)]
    assert read + sum(batch.num_rows for batch in first) == 300_000


def test_views_stay_as_they_were_first_asked_and_new_ones_see_what_came(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    lake.create("gold/sales", SALES)
    put(lake, "gold/sales", {"day": DAY, "units": 1})
    old = Views(lake)
    assert answer(old, "SELECT units FROM sales") == [(1,)]
    put(lake, "gold/sales", {"day": DAY, "units": 2})
    lake.create("gold/more", SALES)
    assert answer(old, "SELECT units FROM sales") == [(1,)]
    assert answer(Views(lake), "SELECT units FROM sales ORDER BY 1") == [(1,), (2,)]
    assert answer(Views(lake), "FROM more") == []


# --- personal data ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "columns", "left_out"),
    [
        ((), ["id", "joined", "note"], ("email", "phone")),
        (["email"], ["id", "email", "joined", "note"], ("phone",)),
        (["*"], ["id", "email", "phone", "joined", "note"], ()),
    ],
)
def test_personal_data_is_left_out_unless_it_is_allowed(
    lake: TableStore, allowed: Collection[str], columns: list[str], left_out: tuple[str, ...]
) -> None:
    views = Views(lake, allowed)
    assert views.sql("FROM silver.people").schema.names == columns
    assert views.left_out("silver/people") == left_out


@pytest.mark.parametrize("query", ["SELECT email FROM silver.people", 'SELECT p."email" FROM silver.people p'])
def test_who_asks_for_personal_data_is_told_how_to_allow_it(views: Views, query: str) -> None:
    assert refused(views, query).endswith(
        "email of silver.people is personal data: allow it by its name, --allow-pii email."
    )


@pytest.mark.parametrize("table", ["bronze.shop_people", "quarantine.people"])
def test_text_as_received_is_shown_only_with_all_personal_data(lake: TableStore, table: str) -> None:
    for allowed in ((), ("raw", "email")):
        assert "--allow-pii '*'" in refused(Views(lake, allowed), f"FROM {table}")
    assert answer(Views(lake, "*"), f"SELECT raw FROM {table}") == [("p1@example.org",)]


# --- what a query cannot do -------------------------------------------------------------------------------------------

ANOTHER = "A query is one SELECT, which changes nothing and is no PIVOT; this is another statement."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1; SELECT 2", "A query is one SELECT; found 2 statements."),
        ("-- nothing", "A query is one SELECT; found 0 statements."),
        ("DROP TABLE gold.sales", ANOTHER),
        ("COPY gold.sales TO 'x.csv'", ANOTHER),
        ("ATTACH 'x.db'", ANOTHER),
        ("SET TimeZone = 'UTC'", ANOTHER),
        ("SELEC 1", 'The query cannot be asked: syntax error at or near "SELEC". It stops at: SELEC 1'),
        ("SELECT 'ééé' x y", 'The query cannot be asked: syntax error at or near "y". It stops at: y'),
        ("FROM '/a/file'", "A query reads the lake's tables, such as gold.daily_aov; '/a/file' is none."),
        ("FROM 'x.parquet'", "A query reads the lake's tables, such as gold.daily_aov; 'x.parquet' is none."),
        ("FROM saless", "There is no table saless; did you mean gold.sales?"),
        ("FROM silver.peeple", "There is no table silver.peeple; did you mean silver.people?"),
        ("FROM Zzz", "There is no table zzz; there is gold.people, gold.sales, silver.empty,"),
        ("SELECT unit FROM sales", 'Binder Error: Referenced column "unit" not found'),
        ("SELECT 'x'::int FROM sales", "Conversion Error: Could not convert string 'x' to INT32"),
        ("SELECT error('no') FROM sales", "Invalid Input Error: no"),
    ],
)
def test_a_query_that_cannot_be_answered_is_told_why(views: Views, query: str, said: str) -> None:
    assert refused(views, query).startswith(said)


@pytest.mark.parametrize("call", ["read_parquet('{}/*')", "glob('{}/**')", "read_text('{}/a')", "query('FROM x')"])
@pytest.mark.parametrize("query", ["FROM {}", "SELECT (SELECT count(*) FROM {})", "WITH x AS (FROM {}) FROM x"])
def test_a_query_reads_no_files(lake: TableStore, views: Views, call: str, query: str) -> None:
    said = refused(views, query.format(call.format(lake.path("silver/people").replace("'", "''"))))
    name = call.partition("(")[0]
    assert said == f"A query reads the lake's tables; {name}() is none. There is generate_series, range, unnest."


def test_a_value_of_this_process_is_no_table(views: Views) -> None:
    rows = pa.table({"a": [1]})
    assert rows.num_rows
    assert refused(views, "FROM rows").startswith("There is no table rows;")


def test_what_goes_wrong_in_a_later_batch_is_told_alike(views: Views) -> None:
    # So many that the bad one is not read ahead when the first batch is asked for.
    rows = views.reader("SELECT CASE WHEN i = 9900000 THEN 'x' ELSE '1' END::int FROM range(10000000) t(i)")
    assert rows.read_next_batch().num_rows
    with pytest.raises(QueryError, match="Could not convert string 'x' to INT32"):
        rows.read_all()


def test_only_a_lake_on_this_machine_can_be_asked() -> None:
    with pytest.raises(QueryError, match=r"Only a lake on this machine can be asked; this one is at s3://shop/lake"):
        Views(TableStore("s3://shop/lake")).sql("SELECT 1")


# --- names ------------------------------------------------------------------------------------------------------------


def test_views_are_named_after_their_tables() -> None:
    assert [view_of(name) for name in ("gold/sales", "bronze/shop/people")] == ["gold.sales", "bronze.shop_people"]


def test_a_table_says_which_column_has_its_days_and_which_are_personal(lake: TableStore) -> None:
    assert [day_column(lake.state(name)) for name in ("gold/sales", "gold/people")] == ["day", None]
    assert personal(lake.state("silver/people")) == ("email", "phone")
