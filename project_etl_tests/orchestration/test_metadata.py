"""What Dagster shows of a table: chips beside its columns, a preview of each day, and a plot of its measure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from pyspark.sql import types as T

from project_etl.catalog import tables
from project_etl.core.contracts import WARN, Rule, rules_of, sql_rule
from project_etl.core.contracts.report import Report
from project_etl.core.lake import Append, TableStore
from project_etl.core.model.staged import Staged
from project_etl.core.model.table import Table, TableError
from project_etl.orchestration.metadata import CHIP_CHARS, PREVIEW_DAYS, column_schema, previews, table_metadata
from project_etl.orchestration.plot import HEIGHT, MOST_DAYS, plot

# Dagster's UI shows longer Markdown only after a click.
SHOWN_CHARS = 1000

SCHEMA = T.StructType([T.StructField("day", T.DateType(), False), T.StructField("name", T.StringType())])


def table_named(name: str) -> Table:
    return next(each for each in tables() if each.name == name)


def chips(table: str) -> dict[str, tuple[bool, list[str]]]:
    """Column → whether it may be empty, and its chips beside type and `non-nullable`."""
    declared = table_named(table)
    text = declared.records.columns if declared.records else ()
    rules = rules_of(declared.contract, text_columns=text, extra=declared.rules)
    shown = column_schema(declared.schema, rules)
    return {column.name: (column.constraints.nullable, list(column.constraints.other)) for column in shown.columns}


def test_a_chip_says_what_type_and_nullability_do_not_and_what_a_broken_rule_leads_to() -> None:
    items = chips("silver/order_items")
    assert items["quantity"] == (False, ["> 0 (quarantine)", "<= 100000 (quarantine)"])
    assert items["order_id"] == (False, [])
    # A missing value is published, so that nothing but the rule says that there should be one.
    assert chips("silver/customers")["email"][0]
    assert chips("silver/customers")["email"][1][0] == "required (warn)"


def test_a_missing_value_that_means_something_of_its_own_keeps_its_chip() -> None:
    is_nullable, shown = chips("gold/daily_aov")["net_revenue"]
    assert not is_nullable
    assert shown[0].startswith("fail: every revenue order that is summed must have a rate")


@pytest.mark.parametrize("rule", [sql_rule("r", "true", description=f"x is {'a' * 30}", column="x", action=WARN)])
def test_a_long_chip_begins_with_the_action_because_dagster_cuts_its_end(rule: Rule) -> None:
    (column,) = column_schema(T.StructType([T.StructField("x", T.StringType())]), [rule]).columns
    assert column.constraints.other == [f"warn: {'a' * 30}"]
    assert len(column.constraints.other[0]) > CHIP_CHARS


def test_a_day_shows_its_own_rows_or_none_and_old_days_show_nothing(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    lake.create("gold/one", SCHEMA)
    days = [f"2025-01-0{number}" for number in range(1, 7)]
    made = {"day": pa.array(days[:5]).cast(pa.date32()), "name": [f"of {day}" for day in days[:5]]}
    lake.commit("gold/one", Append(), pa.table(made), {})
    rows = dict.fromkeys(days, 1) | {days[5]: 0}
    found = {
        day: told["preview"].md_str
        for day, told in previews(lake, "gold/one", column_schema(SCHEMA), "day", rows).items()
    }
    assert found.keys() == {*days[5 - PREVIEW_DAYS :]}
    assert found.pop(days[5]) == "no rows"
    for day, text in found.items():
        assert text.splitlines()[2:] == [f"| {day} | of {day} |"]


def test_the_days_that_a_commit_changed_are_business_days_alone(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    lake.create("silver/one", SCHEMA)
    touched = ["2025-01-02", "2025-01-03", "sent_date=2025-01-09"]
    commit = lake.commit(
        "silver/one", Append(), lake.state("silver/one").arrow_schema.empty_table(), {"touched": touched}
    )
    found = table_metadata(lake, Staged("silver/one", Report(), lake), commit.version, commit, None)
    assert found["commit_days_changed"] == "2025-01-02 to 2025-01-03"


MEASURED = T.StructType(
    [
        T.StructField("day", T.DateType(), False),
        T.StructField("sold", T.DecimalType(20, 2), True, {"comment": "Net, reporting currency."}),
    ]
)


def plotted(folder: Path, sold: Sequence[tuple[str, str | None]]) -> str | None:
    """The plot of a table with these rows: day and measure."""
    lake = TableStore(str(folder))
    lake.create("gold/sales", MEASURED, statistics=("day",))
    days, values = [day for day, _ in sold], [None if value is None else Decimal(value) for _, value in sold]
    rows = {"day": pa.array(days, pa.string()).cast(pa.date32()), "sold": pa.array(values, pa.decimal128(20, 2))}
    lake.commit("gold/sales", Append(), pa.table(rows), {})
    drawn = plot(lake.state("gold/sales"), column_schema(MEASURED), "day", "sold")
    return drawn.md_str if drawn else None


def test_a_plot_has_a_bar_for_the_sum_of_each_day_and_says_its_ends(tmp_path: Path) -> None:
    rows = [("2025-01-01", "10"), ("2025-01-01", "30"), ("2025-01-02", None), ("2025-01-04", "2000.50")]
    text = plotted(tmp_path, rows)
    assert text is not None
    assert text.startswith("**sold** by day: Net, reporting currency.\n")
    assert text.endswith("2025-01-01 to 2025-01-04; lowest 40.00 on 2025-01-01, highest 2,000.50 on 2025-01-04")
    (url,) = re.findall(r"!\[sold by day\]\(data:image/svg\+xml,(\S+)\)", text)
    svg = ElementTree.fromstring(unquote(url))
    assert svg.attrib["viewBox"] == f"0 0 4 {HEIGHT}"
    (path,) = svg
    # From the bottom; the first bar is 2 % of the highest, and the days between have none.
    assert path.attrib["d"] == f"M0 {HEIGHT}V78h1V{HEIGHT}h1V{HEIGHT}h1V0h1V{HEIGHT}"


def test_a_plot_has_the_last_days_alone_and_a_loss_goes_down(tmp_path: Path) -> None:
    text = plotted(tmp_path, [("2025-01-01", "5"), ("2025-01-02", "-1"), ("2025-04-01", "1")])
    assert text is not None
    assert text.endswith("2025-01-02 to 2025-04-01; lowest -1.00 on 2025-01-02, highest 1.00 on 2025-04-01")
    assert f"M0%20{HEIGHT // 2}V{HEIGHT}h1V{HEIGHT // 2}h1" in text


def test_a_table_without_rows_or_values_has_no_plot(tmp_path: Path) -> None:
    assert plotted(tmp_path / "empty", []) is None
    assert plotted(tmp_path / "unknown", [("2025-01-01", None)]) is None


@pytest.mark.parametrize("table", [table for table in tables() if table.measure], ids=lambda table: table.name)
def test_a_plot_is_short_enough_for_dagster_to_show_it_in_its_place(table: Table, tmp_path: Path) -> None:
    day, measure = table.day_column, table.measure
    assert day
    assert measure
    lake = TableStore(str(tmp_path))
    lake.create(table.name, table.schema)
    shown = lake.state(table.name).arrow_schema
    rows = [
        {day: date(2025, 1, 1) + timedelta(days=number), measure: 987_654_321 * number} for number in range(MOST_DAYS)
    ]
    filled = [{item.name: _any(item.type) for item in shown} | row for row in rows]
    lake.commit(table.name, Append(), pa.Table.from_pylist(filled, shown), {})
    drawn = plot(lake.state(table.name), column_schema(table.schema), day, measure)
    assert drawn
    assert len(drawn.md_str or "") < SHOWN_CHARS


def _any(kind: pa.DataType) -> object:
    """Some value of a type."""
    return "x" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else 1


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("order_date", "is no column of numbers; it has orders, net_revenue, aov"),
        ("revenue", "is no column of numbers"),
    ],
)
def test_a_measure_is_a_column_of_numbers(measure: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        replace(table_named("gold/daily_aov"), measure=measure)


def test_a_measure_needs_days() -> None:
    with pytest.raises(TableError, match="the table is not daily"):
        replace(table_named("gold/customer_ltv"), measure="net_revenue")
