"""The judge: which rules each row breaks, and how many rows broke each, in the one pass that also counts.

Belongs here: adding verdict columns to a frame, the aggregates that count them, and turning their result into a
`Report`. Does not belong here: what the rules are (`contract.py`), what happens to rows (`silver.py`, `gold.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contract import Action, Rule, broken_rules
from project_etl.core.json_text import json_object
from project_etl.core.report import RuleResult

BROKEN = "_broken"
SAMPLES = 3
MASK = "***"


def judged(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Add `_broken`, the names of the rules that each row breaks."""
    return rows.withColumn(BROKEN, broken_rules(rules))


def breaks(rules: Iterable[Rule], action: Action) -> Column:
    """Whether the row breaks a rule that has this action."""
    names = [F.lit(rule.name) for rule in rules if rule.action is action]
    return F.arrays_overlap(F.col(BROKEN), F.array(*names)) if names else F.lit(False)


def broken_counts(rows: DataFrame, day: Column, sample: Column) -> list[Row]:
    """Count who broke what: one row (`day`, `rule`, `broken`, `sample`) per day and rule that was broken.

    A query of its own over the few rows that broke anything: as aggregates beside the other counts, two for each rule,
    it would take Spark longer to compile than to run.

    Args:
        rows: judged rows.
        day: day of a row.
        sample: text that shows a row.
    """
    broken = rows.where(F.size(BROKEN) > 0).select(
        day.cast("string").alias("day"), F.explode(BROKEN).alias("rule"), sample.alias("sample")
    )
    counts = [F.count(F.lit(1)).alias("broken"), F.min("sample").alias("sample")]
    # Sorted here: for Spark it would be two more jobs.
    return sorted(broken.groupBy("day", "rule").agg(*counts).collect(), key=lambda row: (row["day"], row["rule"]))


def rule_results(rules: Sequence[Rule], counts: Sequence[Row]) -> tuple[RuleResult, ...]:
    """The result of every rule, from what `broken_counts` found."""
    return tuple(
        unbroken(
            rule,
            by_day={row["day"]: row["broken"] for row in counts if row["rule"] == rule.name},
            samples=tuple(row["sample"] for row in counts if row["rule"] == rule.name)[:SAMPLES],
        )
        for rule in rules
    )


def unbroken(rule: Rule, by_day: dict[str, int] | None = None, samples: tuple[str, ...] = ()) -> RuleResult:
    """The result of a rule; without counts, one that nothing broke."""
    return RuleResult(
        name=rule.name,
        action=rule.action,
        description=rule.description,
        version=rule.version,
        at_most=rule.at_most,
        by_day=by_day or {},
        samples=samples,
    )


def masked_json(schema: T.StructType, names: Iterable[str], struct: str | None = None) -> Column:
    """A JSON text of some columns in which personal data (`pii` in the column's metadata) is masked.

    Args:
        schema: gives the columns' metadata.
        names: columns to show; those that the schema does not know are text and are shown as they are.
        struct: struct column that holds them as text; the row itself, with the schema's types, when None.
    """
    types = {item.name: item.dataType for item in schema.fields} if struct is None else {}

    def shown(name: str) -> tuple[Column, T.DataType]:
        column = F.col(f"{struct}.{name}" if struct else name)
        is_personal = name in schema.fieldNames() and bool(schema[name].metadata.get("pii"))
        text = T.StringType()
        return (F.when(column.isNotNull(), F.lit(MASK)), text) if is_personal else (column, types.get(name, text))

    return json_object({name: shown(name) for name in names})
