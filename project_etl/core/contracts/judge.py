"""Rule evaluation: add the list of broken rules to each row, and count rows by day and broken rule.

Belongs here: adding verdict columns to a frame, the query that counts them, and turning its result into a `Report`.
Does not belong here: what the rules are (`__init__.py`), what happens to rows (`core/silver`, `core/gold`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import Action, Rule, broken_rules
from project_etl.core.contracts.report import RuleResult

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
        sample: one of them, as text; None when they break none.
        records: rule → how many records they stand for when they break it; of a rule that is absent, each row is one.
    """

    keys: Row
    count: int
    broken: tuple[str, ...]
    sample: str | None
    records: Mapping[str, int] = field(default_factory=dict[str, int])


def grouped(
    rows: DataFrame,
    keys: Sequence[Column],
    sample: Sequence[str],
    as_text: Callable[[Row], str],
    rules: Sequence[Rule] = (),
) -> list[Group]:
    """Count judged rows by some keys and by the rules that they break, in one query.

    Args:
        rows: judged rows.
        keys: what to group by.
        sample: columns that show a row; of the rows of a group, the one with the smallest values is shown.
        as_text: writes those columns as text.
        rules: those of which a row may stand for several records.
    """
    counted = {rule.name: rule.counts for rule in rules if rule.counts is not None}
    # Only of rows that break a rule: comparing all of them would be most of the work.
    smallest = F.min(F.when(F.size(BROKEN) > 0, F.struct(*sample)))
    found = rows.groupBy(*keys, F.concat_ws(SEPARATOR, BROKEN).alias("_rules")).agg(
        F.count(F.lit(1)).alias("_number"),
        smallest.alias("_sample"),
        *[F.sum(F.expr(counts)).alias(f"_of_{name}") for name, counts in counted.items()],
    )

    def group(row: Row) -> Group:
        broken = tuple(row["_rules"].split(SEPARATOR)) if row["_rules"] else ()
        records = {name: row[f"_of_{name}"] for name in counted if name in broken}
        return Group(row, row["_number"], broken, as_text(row["_sample"]) if broken else None, records)

    return [group(row) for row in found.collect()]


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
            by_day[name][when] = by_day[name].get(when, 0) + group.records.get(name, group.count)
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
        max_share=rule.max_share,
        is_counted=rule.counts is not None,
        by_day=by_day or {},
        samples=samples,
    )


def shown(values: Mapping[str, Any], schema: T.StructType) -> str:
    """Values of a row as JSON text, without those that are absent; personal data (`pii` in its column) is masked."""
    personal = {item.name for item in schema.fields if item.metadata.get("pii")}
    told = {name: MASK if name in personal else value for name, value in values.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)


def placed(row: Row, values: Mapping[str, Any], schema: T.StructType) -> str:
    """A record as people see it: where it stands, and what it says."""
    return f"{row['_source_file']}:{row['_row_number']} {shown(values, schema)}"
