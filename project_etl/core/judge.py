"""Rule evaluation: add the list of broken rules to each row, and count rows by day and broken rule.

Belongs here: adding verdict columns to a frame, the query that counts them, and turning its result into a `Report`.
Does not belong here: what the rules are (`contract.py`), what happens to rows (`silver.py`, `gold.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contract import Action, Rule, broken_rules
from project_etl.core.json_text import json_object
from project_etl.core.report import RuleResult

BROKEN = "_broken"
SAMPLES = 3
MASK = "***"
SEPARATOR = ","


def judged(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Add `_broken`, the names of the rules that each row breaks."""
    return rows.withColumn(BROKEN, broken_rules(rules))


def breaks(rules: Iterable[Rule], action: Action) -> Column:
    """Whether the row breaks a rule that has this action."""
    names = [F.lit(rule.name) for rule in rules if rule.action is action]
    return F.arrays_overlap(F.col(BROKEN), F.array(*names)) if names else F.lit(False)


@dataclass(frozen=True)
class Group:
    """Rows that are alike.

    Attributes:
        keys: by what they were grouped.
        count: how many they are.
        broken: the rules that they break.
        sample: text that shows one of them; None when they break none.
    """

    keys: Row
    count: int
    broken: tuple[str, ...]
    sample: str | None


def grouped(rows: DataFrame, keys: Sequence[Column], sample: Column) -> list[Group]:
    """Count judged rows by some keys and by the rules that they break, in one query.

    Args:
        rows: judged rows.
        keys: what to group by.
        sample: text that shows a row.
    """
    is_broken = F.size(BROKEN) > 0
    found = rows.groupBy(*keys, F.concat_ws(SEPARATOR, BROKEN).alias("_rules")).agg(
        F.count(F.lit(1)).alias("_number"), F.min(F.when(is_broken, sample)).alias("_sample")
    )
    return [
        Group(row, row["_number"], tuple(row["_rules"].split(SEPARATOR)) if row["_rules"] else (), row["_sample"])
        for row in found.collect()
    ]


def rule_results(rules: Sequence[Rule], groups: Iterable[Group], day: str) -> tuple[RuleResult, ...]:
    """The result of every rule.

    Args:
        rules: the rules.
        groups: judged rows.
        day: the key of a group that holds its day.
    """
    by_day: dict[str, dict[str, int]] = {rule.name: {} for rule in rules}
    samples: dict[str, dict[str, str]] = {rule.name: {} for rule in rules}
    for group in groups:
        when = group.keys[day]
        for name in group.broken:
            by_day[name][when] = by_day[name].get(when, 0) + group.count
            if group.sample is not None:
                samples[name][when] = min(group.sample, samples[name].get(when, group.sample))
    return tuple(
        unbroken(
            rule,
            by_day=dict(sorted(by_day[rule.name].items())),
            samples=tuple(text for _, text in sorted(samples[rule.name].items()))[:SAMPLES],
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
