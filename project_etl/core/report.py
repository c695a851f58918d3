"""What a materialization found: counts by day, verdicts by rule, and samples.

Belongs here: the report value that travels from the judge into the commit note, asset checks, metadata, `gate` and the
demo's summary. Does not belong here: how rows are judged (`judge.py`) or how Dagster shows it (`orchestration/`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from project_etl.core.contract import Action


@dataclass(frozen=True)
class RuleResult:
    """How one rule fared.

    Attributes:
        name: the rule's name.
        action: what breaking it does.
        description: the rule as a sentence.
        version: the rule's version.
        at_most: share of a day's records above which quarantine becomes fail.
        by_day: records that broke it by landing day (Silver) or business day (Gold); days without any are absent.
        samples: a few broken records as JSON text, personal data masked.
    """

    name: str
    action: Action
    description: str
    version: str
    at_most: float | None = None
    by_day: Mapping[str, int] = field(default_factory=dict[str, int])
    samples: tuple[str, ...] = ()

    @property
    def broken(self) -> int:
        """Records that broke the rule, all days together."""
        return sum(self.by_day.values())

    def plus(self, day: str, number: int) -> RuleResult:
        """This result with more broken records of a day, or fewer."""
        by_day = {**self.by_day, day: self.by_day.get(day, 0) + number}
        return replace(self, by_day={day: broken for day, broken in by_day.items() if broken > 0})

    def failed_days(self, read: Mapping[str, int]) -> tuple[str, ...]:
        """The days whose rows may not be published because of this rule; `read` holds the records read by day."""
        if self.action is Action.FAIL:
            return tuple(sorted(self.by_day))
        if self.at_most is None or self.action is Action.WARN:
            return ()
        limit = self.at_most
        return tuple(sorted(day for day, broken in self.by_day.items() if broken > limit * max(read.get(day, 0), 1)))


@dataclass(frozen=True)
class Judgement:
    """What became of records that were judged again.

    Attributes:
        day: their day.
        number: how many they are.
        before: the rules that they had broken.
        after: the rules that they break now.
        was: what they were, one of `SILVER_COUNTS`.
        status: what they are now, one of them too.
    """

    day: str
    number: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    was: str
    status: str

    @property
    def is_released(self) -> bool:
        """Whether they left quarantine."""
        return self.was == "quarantined" != self.status


@dataclass(frozen=True)
class Report:
    """Counts and verdicts of one materialization of one table.

    Attributes:
        days: by day, the counts of `COUNTS` that apply to the layer.
        rules: one result per rule, also for those that nothing broke.
        totals: counts that belong to no day: rows inserted, updated, deleted, released from quarantine, …
    """

    days: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    rules: tuple[RuleResult, ...] = ()
    totals: Mapping[str, int] = field(default_factory=dict[str, int])

    def total(self, count: str) -> int:
        """One count over all days."""
        return sum(day.get(count, 0) for day in self.days.values())

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that forbid publishing."""
        return tuple(rule for rule in self.rules if rule.failed_days(self._read))

    @property
    def failed_days(self) -> frozenset[str]:
        """The days that forbid publishing."""
        return frozenset(day for rule in self.rules for day in rule.failed_days(self._read))

    @property
    def _read(self) -> dict[str, int]:
        return {day: counts.get("read", 0) for day, counts in self.days.items()}

    def joined(self, other: Report) -> Report:
        """This report and one of other days of the same table, as one."""
        of_other = {rule.name: rule for rule in other.rules}
        rules = tuple(
            replace(
                rule,
                by_day={**of_other[rule.name].by_day, **rule.by_day},
                samples=rule.samples or of_other[rule.name].samples,
            )
            for rule in self.rules
        )
        return replace(self, days={**other.days, **self.days}, rules=rules)

    def of_days(self, days: Collection[str]) -> Report:
        """The part of this report that is about some days."""
        rules = tuple(
            replace(rule, by_day={day: number for day, number in rule.by_day.items() if day in days})
            for rule in self.rules
        )
        return replace(self, days={day: counts for day, counts in self.days.items() if day in days}, rules=rules)

    def rejudged(self, judgement: Judgement) -> Report:
        """This report after records of one of its days were judged again."""
        day, number = judgement.day, judgement.number
        counts = dict(self.days[day])
        counts[judgement.was] -= number
        counts[judgement.status] += number
        changes = dict.fromkeys(judgement.before, -number)
        for rule in judgement.after:
            changes[rule] = changes.get(rule, 0) + number
        rules = tuple(rule.plus(day, changes.get(rule.name, 0)) for rule in self.rules)
        return replace(self, days={**self.days, day: counts}, rules=rules)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; what nothing broke is left out to keep commit notes short."""
        return {
            "days": self.days,
            "totals": self.totals,
            "rules": [asdict(rule) for rule in self.rules if rule.broken],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], unbroken: tuple[RuleResult, ...]) -> Report:
        """Read a report back from a commit note; `unbroken` gives the rules that it left out."""
        stored = {rule["name"]: _rule_from_json(rule) for rule in data.get("rules", [])}
        rules = tuple(stored.get(rule.name, rule) for rule in unbroken)
        return cls(days=data.get("days", {}), rules=rules, totals=data.get("totals", {}))


def _rule_from_json(data: Mapping[str, Any]) -> RuleResult:
    return RuleResult(
        name=data["name"],
        action=Action(data["action"]),
        description=data["description"],
        version=data["version"],
        at_most=data["at_most"],
        by_day=data["by_day"],
        samples=tuple(data["samples"]),
    )


# Counts of a Silver day: read = published + deduplicated + superseded + quarantined.
SILVER_COUNTS = ("read", "published", "deduplicated", "superseded", "quarantined")
