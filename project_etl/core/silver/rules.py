"""The rules of a Silver table: its contract's, its references', and those that every record must meet.

Belongs here: what each says, and which of them shows only when records are compared. Does not belong here: what a
contract says (`core/contracts`), judging (`frames.py`), counting (`stage.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from pyspark.sql import types as T

from project_etl.core.contracts import Action, Rule, rules_of, sql_rule
from project_etl.core.contracts.report import RuleResult
from project_etl.core.contracts.sql_text import sql_text
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import RECORD, Feed, Records
from project_etl.core.model.table import Merge, Table
from project_etl.core.transforms.text import ROUNDED_KEY, Kind
from project_etl.core.transforms.zones import NO_ZONE

EARLIEST_DAY = "1900-01-01"
WELL_FORMED, VALUES_MAPPED, KEYS_NOT_ROUNDED = "well_formed", "source_values_mapped", "keys_not_rounded"
WITHIN_PARTITIONS = "within_partitions"
NEWER_QUARANTINED, QUALITY = "newer_version_quarantined", "quality_score"


def silver_rules(table: Table, feeds: Sequence[Feed], first_day: date, zone: str = NO_ZONE) -> tuple[Rule, ...]:
    """The rules of a Silver table: its contract's, its references', and those every record must meet.

    Args:
        table: the table.
        feeds: the Bronze tables that feed it.
        first_day: the first business day that has a Gold partition.
        zone: the reporting time zone.
    """
    universal = [
        sql_rule(
            WELL_FORMED, "_record.malformed IS NULL", description="the record can be parsed", action=Action.QUARANTINE
        )
    ]
    if any(feed.mapping is not None for feed in feeds):
        universal.append(
            sql_rule(
                VALUES_MAPPED,
                "_record.unmapped IS NULL",
                description="every value of the source system has a counterpart here",
                action=Action.WARN,
                # Each of them waits for somebody who adds it to the mapping.
                max_share=0,
            )
        )
    assert table.records is not None, table.name
    if any(feed.may_delete for feed in feeds):
        universal += _deletion_rules(table)
    if table.records.instants and any(feed.zone for feed in feeds):
        universal += _clock_rules(table.records)
    references = [
        sql_rule(
            ref.rule,
            f"`{ref.column}` IS NULL OR _record.found.{ref.rule}",
            description=f"{ref.column} is known in {ref.table}",
            action=ref.action,
            column=ref.column,
        )
        for ref in table.references
    ]
    prefixes = {prefix for feed in feeds for prefix in (feed.prefix, *feed.prefixes.values())}
    given = (*universal, *_key_rules(table.records, prefixes), *_range_rules(table, table.records, zone))
    extra = (*given, *_partition_rules(table, first_day), *references, *table.rules)
    rules = rules_of(table.contract, text_columns=tuple(table.records.columns), extra=extra)
    return tuple(rule for rule in rules if rule.column not in table.derived)


def in_range(column: str) -> str:
    """The rule that an instant or a day breaks which cannot be. Where it only warns, the value is left out."""
    return f"{column}_in_range"


def comparisons(table: Table) -> tuple[RuleResult, ...]:
    """What shows only when records are compared or counted, as unbroken."""
    checks: list[RuleResult] = []
    if isinstance(table.write, Merge):
        what = "no record of these landing days is kept out that is newer than its row: correct it, for the row goes on"
        checks.append(RuleResult(NEWER_QUARANTINED, Action.WARN, what, version="1"))
    if table.min_score is not None:
        what = f"at least {table.min_score:.2%} of a landing day's records break no rule that keeps them out"
        checks.append(RuleResult(QUALITY, Action.FAIL, what, version=str(table.min_score)))
    return tuple(checks)


def rules_of_deletions(table: Table, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Names of the rules that a record must meet which says that something is gone: it may say nothing else."""
    references = {ref.rule for ref in table.references}
    always = {WELL_FORMED, KEYS_NOT_ROUNDED, *(rule.name for rule in _deletion_rules(table))}
    columns = {*table.keys, table.newest_by}
    return tuple(
        rule.name for rule in rules if rule.name in always or (rule.column in columns and rule.name not in references)
    )


def _deletion_rules(table: Table) -> list[Rule]:
    return [
        sql_rule(
            "deletion_readable",
            f"{RECORD}.deletion IS NULL OR {RECORD}.is_deleted IS NOT NULL",
            description=f"{DELETED} says true, false or nothing",
            action=Action.QUARANTINE,
        ),
        sql_rule(
            "deletion_dated",
            f"NOT coalesce({RECORD}.is_deleted, false) OR `{table.newest_by}` IS NOT NULL",
            description=f"a deletion says in {table.newest_by} when it happened",
            action=Action.QUARANTINE,
        ),
    ]


def _key_rules(records: Records, prefixes: Collection[str]) -> tuple[Rule, ...]:
    """Keys and references that a spreadsheet has rounded would make one thing of several."""
    keys = records.of_kind(Kind.KEY)
    if not keys:
        return ()
    namespace = "|".join(re.escape(prefix) for prefix in sorted(prefixes) if prefix)
    pattern = sql_text(f"^({namespace})?{ROUNDED_KEY}" if namespace else f"^{ROUNDED_KEY}")
    rounded = " OR ".join(f"coalesce({RECORD}.text.`{key}` RLIKE {pattern}, false)" for key in keys)
    return (
        sql_rule(
            KEYS_NOT_ROUNDED,
            f"NOT ({rounded})",
            description=f"{', '.join(keys)}: not in scientific notation (4.5E+12), in which a spreadsheet loses digits",
            action=Action.QUARANTINE,
        ),
    )


def _clock_rules(records: Records) -> list[Rule]:
    """Local times that say no instant, or two: a change of clocks that a shop's software does not know."""
    columns = ", ".join(records.instants)

    def rule(name: str, flag: str, description: str) -> Rule:
        condition = f"NOT {RECORD}.{flag}"
        return sql_rule(name, condition, description=f"{columns}: {description}", action=Action.WARN)

    return [
        rule(
            "local_time_exists",
            "is_skipped",
            "no local time that the clocks of source_timezones skip; it is read as if they had not changed yet",
        ),
        rule(
            "local_time_unambiguous",
            "is_doubled",
            "no local time that the clocks of source_timezones show twice; it is read as the earlier instant",
        ),
    ]


def _range_rules(table: Table, records: Records, zone: str) -> tuple[Rule, ...]:
    """Instants that no business has: a version from the future would win for ever, and no Gold day holds the others."""
    instants = {*records.of_kind(Kind.INSTANT)}

    def day_of(column: str) -> str:
        is_local = zone != NO_ZONE and column in records.instants
        return f"{RECORD}.day.`{column}`" if is_local else f"to_date(`{column}`)"

    def rule(column: str, action: Action) -> Rule:
        return sql_rule(
            in_range(column),
            # Never the clock: what is in the future must not depend on when it is looked at.
            f"`{column}` IS NULL OR ({day_of(column)} >= DATE'{EARLIEST_DAY}'"
            f" AND {day_of(column)} <= date_add({RECORD}._landing_date, 1))",
            description=f"{column} is not before {EARLIEST_DAY}, nor more than one day after the landing day",
            action=action,
            column=column,
        )

    def decides(item: T.StructField) -> bool:
        return isinstance(item.dataType, T.TimestampType) or item.name in table.keys

    found = [item for item in table.schema.fields if item.name in instants]
    return tuple(rule(item.name, Action.QUARANTINE if decides(item) else Action.WARN) for item in found)


def _partition_rules(table: Table, first_day: date) -> tuple[Rule, ...]:
    """A row of an earlier day than Gold has is in Silver, and in no number that people see."""
    day = table.day_column
    if day is None:
        return ()
    return (
        sql_rule(
            WITHIN_PARTITIONS,
            # Not the last day, which is today's: a verdict must not depend on when it is made.
            f"`{day}` IS NULL OR `{day}` >= DATE'{first_day}'",
            description=f"{day} is not before start_date, {first_day}, the first day of which Gold is computed",
            action=Action.WARN,
            column=day,
        ),
    )
