"""Rules: what a row must satisfy, what happens when it does not, and the column that names the rules a row breaks.

A rule is plain data: its condition is Spark SQL text, so it can be shown to people, hashed, and built where no Spark
session exists. Not here: how a contract becomes rules (`__init__.py`), what a Pandera check says in SQL (`checks.py`),
and what is done with the rows that break a rule (`judge.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from project_etl.core.digest import digest

MAX_SHARE = 0.01
"""The share of the judged records that may break a rule before people are warned, where the rule says nothing else."""

ON_FAIL = "on_fail"
"""Key of a field's metadata under which `on_fail` puts what it is told."""

NOT_MISSING, READABLE = "must not be missing", "must be readable as"
"""What a column's type and nullability say, as the rules on them are told where a contract says nothing else."""

_NAME = re.compile(r"[A-Za-z0-9_]+")


class ContractError(ValueError):
    """A contract or a rule that cannot be used as it is written; the message says where and what to do."""


class Action(StrEnum):
    """What happens when a row breaks a rule."""

    WARN = "warn"
    """The row stays and is counted."""
    ERROR = "error"
    """The row stays and is counted, and the check fails: somebody has to act. For tables that tell what is wrong."""
    QUARANTINE = "quarantine"
    """The row leaves the table for quarantine and is counted."""
    FAIL = "fail"
    """The unit is not published: the day of a daily table, the whole of any other."""


WARN, ERROR, QUARANTINE, FAIL = Action.WARN, Action.ERROR, Action.QUARANTINE, Action.FAIL


@dataclass(frozen=True)
class OnFail:
    """What happens when a rule of one column is broken; made by `on_fail`."""

    action: Action = Action.QUARANTINE
    at_most: float | None = None
    description: str = ""
    max_share: float = MAX_SHARE
    by_check: Mapping[str, OnFail] = field(default_factory=dict[str, "OnFail"])

    def to(self, keyword: str) -> OnFail:
        """Return what happens when the rule with this keyword is broken."""
        return self.by_check.get(keyword, self)


def on_fail(
    action: Action = Action.QUARANTINE,
    *,
    at_most: float | None = None,
    max_share: float = MAX_SHARE,
    description: str = "",
    **by_check: Action | Mapping[str, Any],
) -> dict[str, Any]:
    """Say in a field's metadata what happens when a row breaks one of the field's rules.

    Args:
        action: For every rule of the field that is not named in `by_check`.
        at_most: For those rules, with `QUARANTINE`: the share of a batch beyond which the batch fails instead.
        max_share: For those rules: the share of a run's records above which their check warns; 0 warns of each.
        description: The rule for a missing value, a type or NaN as a sentence, in place of the usual one.
        by_check: Exceptions: the keyword of a check in `pa.Field` (`gt`, `isin`, `str_matches`, …), or `null` for a
            missing value, `type` for text that could not be read, `nan` for a float that is not a number. The value
            is an action, or another `on_fail(…)` when a tolerance or a description belongs to it.

    Returns:
        A dict for `pa.Field(metadata=…)`; other metadata may be joined with `|`.

    Raises:
        ContractError: When an action or a tolerance means nothing.
    """
    _check_reaction(action, at_most, max_share, where="on_fail(…)")
    exceptions: dict[str, OnFail] = {}
    for keyword, given in by_check.items():
        if isinstance(given, Mapping):
            exception = given.get(ON_FAIL)
            if not isinstance(exception, OnFail) or exception.by_check:
                raise ContractError(
                    f"on_fail({keyword}=…): found {given!r}; give an action, or on_fail(action, at_most=…)"
                )
            exceptions[keyword] = exception
        else:
            _check_reaction(given, None, MAX_SHARE, where=f"on_fail({keyword}=…)")
            exceptions[keyword] = OnFail(given)
    return {ON_FAIL: OnFail(action, at_most, description, max_share, exceptions)}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that every row of a table must satisfy.

    Attributes:
        name: What people see as the name of the asset check; letters, digits and underscores.
        condition: Spark SQL over the columns of one row. A row breaks the rule where it is FALSE; TRUE and NULL hold,
            as in a SQL CHECK constraint and in Pandera.
        action: What happens to a row that breaks the rule.
        description: The rule as a sentence, such as "quantity must be greater than 0".
        column: The column the rule is about, or None when it is about several.
        at_most: For `QUARANTINE` only: the share of a batch, between 0 and 1, beyond which the batch fails instead.
        counts: Spark SQL for how many records a row that breaks the rule stands for; None where it is one.
        max_share: The share of a run's records, from 0 to below 1, above which the check warns (`RuleResult.is_alarm`).

    Raises:
        ContractError: When an attribute is unusable.
    """

    name: str
    condition: str
    action: Action
    description: str
    column: str | None = None
    at_most: float | None = None
    counts: str | None = None
    max_share: float = MAX_SHARE

    def __post_init__(self) -> None:
        """Refuse what could not be shown, stored or evaluated later."""
        if not _NAME.fullmatch(self.name):
            raise ContractError(
                f"rule {self.name!r}: the name of a rule becomes the name of an asset check, so it may hold only"
                " letters, digits and underscores; rename it"
            )
        for attribute in ("condition", "description"):
            if not str(getattr(self, attribute)).strip():
                raise ContractError(f"rule {self.name}: {attribute} is empty; say in it what must hold")
        _check_reaction(self.action, self.at_most, self.max_share, where=f"rule {self.name}")

    @property
    def version(self) -> str:
        """Twelve hex digits that change when what the rule says or does to rows changes (not how it is told)."""
        return digest([self.name, self.column, self.condition, self.action.value, self.at_most])

    @property
    def is_in_schema(self) -> bool:
        """Whether the column's type and nullability say all of the rule: nothing that breaks it is ever published."""
        basic = (f"{self.column} {NOT_MISSING}", f"{self.column} {READABLE}")
        return self.action is not Action.WARN and self.description.startswith(basic)

    def holds(self) -> Column:
        """Build the boolean column of the condition; needs a Spark session, unlike everything else of a rule."""
        return F.expr(self.condition)


def limit_in_words(at_most: float | None) -> str:
    """What becomes of a batch of which more than that share breaks a rule; empty without a limit."""
    return "" if at_most is None else f"; more than {at_most:.0%} of a day: nothing is published"


def sql_rule(
    name: str,
    condition: str,
    *,
    description: str,
    action: Action = Action.QUARANTINE,
    at_most: float | None = None,
    column: str | None = None,
    counts: str | None = None,
    max_share: float = MAX_SHARE,
) -> Rule:
    """Declare a rule that Pandera's checks cannot say, usually one over several columns.

    Args:
        name: Name of the rule, unique in its table.
        condition: What must hold, in Spark SQL, such as "discount BETWEEN 0 AND gross_amount". NULL holds.
        description: The rule as a sentence.
        action: What happens to a row that breaks it.
        at_most: See `Rule`.
        column: The column to blame, if it is one.
        counts: See `Rule`.
        max_share: See `Rule`.

    Raises:
        ContractError: When the name, the condition, the description or the tolerance is unusable.
    """
    return Rule(
        name=name,
        condition=condition,
        action=action,
        description=description,
        column=column,
        at_most=at_most,
        counts=counts,
        max_share=max_share,
    )


def broken_rules(rules: Sequence[Rule]) -> Column:
    """Build the column that lists the names of the rules a row breaks, in the order of `rules`.

    One expression without a UDF, so that all rules are judged in the pass that reads the data.

    Args:
        rules: The rules to judge; none gives an empty list for every row.

    Returns:
        A column of type array<string>, never null; a rule is in it where its condition is FALSE.
    """
    names = [F.when(~rule.holds(), F.lit(rule.name)) for rule in rules]
    return F.array_compact(F.array(*names).cast("array<string>"))


def contract_version(rules: Sequence[Rule]) -> str:
    """Return twelve hex digits that change when any of the rules changes, whatever their order."""
    return digest(sorted(rule.version for rule in rules))


def _check_reaction(action: object, at_most: float | None, max_share: float, *, where: str) -> None:
    if not isinstance(action, Action):
        allowed = ", ".join(member.name for member in Action)
        raise ContractError(f"{where}: found {action!r} as the action; give one of {allowed}")
    if isinstance(max_share, bool) or not 0 <= max_share < 1:
        raise ContractError(
            f"{where}: max_share={max_share!r} must be a share of the judged records, from 0 (warn of each) to below 1"
        )
    if at_most is None:
        return
    if action is not Action.QUARANTINE:
        raise ContractError(
            f"{where}: at_most={at_most} says when QUARANTINE becomes FAIL, but the action is {action.name};"
            " drop at_most or use QUARANTINE"
        )
    if isinstance(at_most, bool) or not 0 < at_most < 1:
        raise ContractError(
            f"{where}: at_most={at_most!r} must be a share of the batch above 0 and below 1, such as 0.05;"
            " to fail on the first row use FAIL"
        )
