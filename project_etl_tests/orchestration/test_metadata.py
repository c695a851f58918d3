"""What Dagster shows of a table: chips beside its columns, and a preview of each day."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import types as T

from project_etl.catalog import tables
from project_etl.core.contracts import WARN, Rule, rules_of, sql_rule
from project_etl.core.contracts.report import Report
from project_etl.core.lake import Append, TableStore
from project_etl.core.model.staged import Staged
from project_etl.orchestration.metadata import CHIP_CHARS, PREVIEW_DAYS, column_schema, previews, table_metadata

SCHEMA = T.StructType([T.StructField("day", T.DateType(), False), T.StructField("name", T.StringType())])


def chips(table: str) -> dict[str, tuple[bool, list[str]]]:
    """Column → whether it has no chip `non-nullable`, and its other chips."""
    declared = next(each for each in tables() if each.name == table)
    assert declared.records is not None
    rules = rules_of(declared.contract, text_columns=declared.records.columns, extra=declared.rules)
    shown = column_schema(declared.schema, rules)
    return {column.name: (column.constraints.nullable, list(column.constraints.other)) for column in shown.columns}


def test_a_chip_says_each_thing_once_and_what_a_broken_rule_leads_to() -> None:
    found = chips("silver/order_items")
    assert found["quantity"] == (
        True,
        ["readable (quarantine)", "required (quarantine)", "> 0 (quarantine)", "<= 100000 (quarantine)"],
    )
    assert found["order_id"] == (True, ["required (quarantine)"])


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
