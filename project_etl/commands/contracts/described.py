"""What each table is and promises, in plain values: what `project-etl contracts` prints and docs/tables.md shows.

Belongs here: gathering what the declarations of tables, datasets and rules say. Does not belong here: how it is shown
(`run.py`, `scripts/tables_page.py`), or what a lake holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import types as T

from project_etl.catalog import datasets_of, feeds_of, tables
from project_etl.core.bronze.report import bronze_rules
from project_etl.core.contracts import Rule
from project_etl.core.contracts.report import RuleResult
from project_etl.core.contracts.rules import limit_in_words
from project_etl.core.gold.stage import gold_rules
from project_etl.core.model.records import PLACE
from project_etl.core.model.source import Dataset
from project_etl.core.model.table import History, Input, Merge, Reference, ReplaceDays, Table
from project_etl.core.silver.plan import silver_schema
from project_etl.core.silver.rules import comparisons, silver_rules
from project_etl.core.staleness.freshness import is_due_daily
from project_etl.settings import Settings


@dataclass(frozen=True)
class ColumnSaid:
    """A column: its type as Spark writes it, and whether it may be empty and holds personal data."""

    name: str
    type: str
    nullable: bool
    description: str
    pii: bool


@dataclass(frozen=True)
class RuleSaid:
    """A rule; `at_most` and `max_share` are those of `core/contracts/rules.py`.

    `is_in_schema` says that the column's type and nullability say it, too.
    """

    name: str
    sentence: str
    action: str
    column: str | None
    at_most: float | None
    max_share: float
    is_in_schema: bool

    @property
    def in_words(self) -> str:
        """What must hold, and what too many broken records lead to."""
        return f"{self.sentence}{limit_in_words(self.at_most)}"


@dataclass(frozen=True)
class InputSaid:
    """A table that is read, and which of its rows."""

    table: str
    reads: str


@dataclass(frozen=True)
class ReferenceSaid:
    """A foreign key: `columns` are those of the table, `keys` those of the parent."""

    columns: tuple[str, ...]
    table: str
    keys: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class Written:
    """How rows become visible: `mode` for programs, `by` the column that decides, and a sentence."""

    mode: str
    by: str | None
    sentence: str


@dataclass(frozen=True)
class Freshness:
    """By when yesterday must be there; without a deadline nothing is expected."""

    deadline: str | None
    timezone: str
    sentence: str


@dataclass(frozen=True)
class TableSaid:
    """One table; `keys` are its grain, `measure` is the column that the UI plots."""

    name: str
    layer: str
    description: str
    owners: tuple[str, ...]
    keys: tuple[str, ...]
    columns: tuple[ColumnSaid, ...]
    rules: tuple[RuleSaid, ...]
    inputs: tuple[InputSaid, ...]
    references: tuple[ReferenceSaid, ...]
    written: Written
    business_days: tuple[str, ...]
    measure: str | None
    freshness: Freshness | None

    @property
    def summary(self) -> str:
        """The first paragraph of the description, in one line."""
        return " ".join(self.description.partition("\n\n")[0].split())


def described(settings: Settings) -> tuple[TableSaid, ...]:
    """Every table that is materialized with some settings, in the order of the layers."""
    there = tables()
    return (
        *(_bronze(dataset) for dataset in datasets_of(settings.sources)),
        *(_silver(table, settings) for table in there if table.layer == "silver"),
        *(_gold(table, settings) for table in there if table.layer == "gold"),
    )


def _bronze(dataset: Dataset) -> TableSaid:
    return TableSaid(
        name=dataset.bronze,
        layer="bronze",
        description=dataset.description,
        owners=dataset.owners,
        keys=PLACE,
        columns=_columns(dataset.schema),
        rules=_rules(bronze_rules()),
        inputs=(),
        references=(),
        written=Written("files", "_landing_date", "The rows of a file replace those of its earlier version."),
        business_days=(),
        measure=None,
        freshness=None,
    )


def _silver(table: Table, settings: Settings) -> TableSaid:
    feeds = feeds_of(table, settings)
    rules = silver_rules(table, feeds, settings.start_date, settings.reporting_timezone)
    inputs = tuple(InputSaid(feed.bronze, "the landing days that are new or changed") for feed in feeds)
    return _table(table, silver_schema(table), (*rules, *comparisons(table)), inputs, settings)


def _gold(table: Table, settings: Settings) -> TableSaid:
    inputs = tuple(InputSaid(item.table, _reads(item, table)) for item in table.inputs.values())
    return _table(table, table.schema, gold_rules(table), inputs, settings)


def _table(
    table: Table,
    schema: T.StructType,
    rules: Sequence[Rule | RuleResult],
    inputs: tuple[InputSaid, ...],
    settings: Settings,
) -> TableSaid:
    return TableSaid(
        name=table.name,
        layer=table.layer,
        description=table.description,
        owners=table.owners,
        keys=table.keys,
        columns=_columns(schema),
        rules=_rules(rules),
        inputs=inputs,
        references=tuple(map(_reference, table.references)),
        written=_written(table),
        business_days=table.days,
        measure=table.measure,
        freshness=_freshness(settings) if is_due_daily(table) else None,
    )


def _columns(schema: T.StructType) -> tuple[ColumnSaid, ...]:
    return tuple(
        ColumnSaid(
            item.name,
            item.dataType.simpleString(),
            item.nullable,
            item.metadata.get("comment", ""),
            bool(item.metadata.get("pii")),
        )
        for item in schema.fields
    )


def _rules(rules: Iterable[Rule | RuleResult]) -> tuple[RuleSaid, ...]:
    """Rules; those that a report has from the start are about no column."""
    return tuple(
        RuleSaid(
            rule.name,
            rule.description,
            rule.action.value,
            rule.column if isinstance(rule, Rule) else None,
            rule.at_most,
            rule.max_share,
            isinstance(rule, Rule) and rule.is_in_schema,
        )
        for rule in rules
    )


def _reference(reference: Reference) -> ReferenceSaid:
    columns = (reference.column, *reference.within)
    return ReferenceSaid(columns, reference.table, (reference.parent_key, *reference.within), reference.rule)


def _reads(item: Input, table: Table) -> str:
    """Which rows of an input a Gold table reads, in words."""
    which = f" of {', '.join(f'`{column}`' for column in item.columns)}" if item.columns else ""
    if item.whole or not table.is_daily:
        return f"all days{which}"
    by = f" by `{item.by}`" if item.by else ""
    if item.at:
        return f"the days that `{item.at}` of the other inputs names{by}"
    return f"the same day{by}" + (f" and the {item.back} days before" if item.back else "")


def _written(table: Table) -> Written:
    write = table.write
    if isinstance(write, Merge):
        return Written(
            "newest_version", write.newest_by, f"Of several versions the newest by `{write.newest_by}` wins."
        )
    if isinstance(write, History):
        return Written("history", write.newest_by, f"Every version of a `{write.of}` is kept.")
    if isinstance(write, ReplaceDays):
        return Written("days", write.day, f"Days of `{write.day}` are computed and replaced as a whole.")
    return Written("snapshot", None, "The whole table is computed and replaced.")


def _freshness(settings: Settings) -> Freshness:
    deadline, zone = settings.freshness_deadline, settings.reporting_timezone
    said = (
        f"From {deadline} ({zone}) on, yesterday must be computed: else `project-etl status` exits 1, and the sensor "
        "`alerts` tells people."
        if deadline
        else "Nothing is expected: the setting freshness_deadline is not set."
    )
    return Freshness(deadline, zone, said)
