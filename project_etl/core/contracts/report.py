"""What a materialization found: counts by day, verdicts by rule, and samples.

Belongs here: the report value that travels from the judge into the commit note, asset checks, metadata, `gate` and the
demo's summary. Does not belong here: how rows are judged (`judge.py`) or how Dagster shows it (`orchestration/`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from project_etl.core.contracts import Action
from project_etl.core.contracts.rules import MAX_SHARE
from project_etl.core.lake import Journal

FEW = 5
"""Fewer broken records than this say little about a share: one bad record of three is no trend."""


@dataclass(frozen=True)
class RuleResult:
    """How one rule fared.

    Attributes:
        name: the rule's name.
        action: what breaking it does.
        description: the rule as a sentence.
        version: the rule's version.
        at_most: share of a day's records above which quarantine becomes fail.
        by_day: records that broke it, when they were judged, by landing day (Silver) or business day (Gold); days
            without any are absent.
        samples: a few broken records as JSON text, personal data masked.
        max_share: share of the judged records above which the rule's check warns.
        is_counted: whether a row stands for other records (`Rule.counts`), which are not among those judged.
    """

    name: str
    action: Action
    description: str
    version: str
    at_most: float | None = None
    by_day: Mapping[str, int] = field(default_factory=dict[str, int])
    samples: tuple[str, ...] = ()
    max_share: float = MAX_SHARE
    is_counted: bool = False

    @property
    def broken(self) -> int:
        """Records that broke the rule, all days together."""
        return sum(self.by_day.values())

    def is_alarm(self, judged: int) -> bool:
        """Whether somebody should look: more than `max_share` of the judged records break the rule.

        A rule that does its job is no alarm. Nor are fewer than `FEW` broken records, unless they are most of what was
        judged, or `max_share` is 0.
        """
        is_few = self.max_share > 0 and self.broken < FEW and 2 * self.broken <= judged
        return self.broken > self.max_share * judged and not is_few

    def joined(self, other: RuleResult) -> RuleResult:
        """This result and one of the same rule on other records, as one."""
        return replace(self, by_day=_added(self.by_day, other.by_day), samples=self.samples or other.samples)

    def failed_days(self, read: Mapping[str, int]) -> tuple[str, ...]:
        """The days whose rows may not be published because of this rule; `read` holds the records read by day."""
        if self.action is Action.FAIL:
            return tuple(sorted(self.by_day))
        if self.at_most is None or self.action is Action.WARN:
            return ()
        limit = self.at_most
        return tuple(sorted(day for day, broken in self.by_day.items() if broken > limit * max(read.get(day, 0), 1)))


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

    def broken_on(self, day: str) -> dict[str, int]:
        """The rules that forbid publishing a day, and how many records break each of them."""
        return {rule.name: rule.by_day[day] for rule in self.rules if day in rule.failed_days(self._read)}

    @property
    def _read(self) -> dict[str, int]:
        return {day: counts.get("read", 0) for day, counts in self.days.items()}

    def joined(self, other: Report) -> Report:
        """This report and one of other records of the same table, as one: of other days, or of other files of a day."""
        of_other = {rule.name: rule for rule in other.rules}
        rules = tuple(rule.joined(of_other[rule.name]) for rule in self.rules)
        days = {day: _added(self.days.get(day, {}), other.days.get(day, {})) for day in {**other.days, **self.days}}
        return replace(self, days=days, rules=rules)

    def of_days(self, days: Collection[str]) -> Report:
        """The part of this report that is about some days."""
        rules = tuple(
            replace(rule, by_day={day: number for day, number in rule.by_day.items() if day in days})
            for rule in self.rules
        )
        return replace(self, days={day: counts for day, counts in self.days.items() if day in days}, rules=rules)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; what nothing broke is left out to keep commit notes short."""
        return {
            "days": self.days,
            "totals": self.totals,
            "rules": [asdict(rule) for rule in self.rules if rule.broken],
        }

    @classmethod
    def remembered(cls, journal: Journal, units: Iterable[str], unbroken: Sequence[RuleResult] = ()) -> Report:
        """The report of some days (or of a whole table) as the commits that computed them last told it.

        Args:
            journal: the table's journal.
            units: the days.
            unbroken: a result of each rule of the table; notes say nothing of rules that nothing broke.
        """
        counts: dict[str, Mapping[str, int]] = {}
        by_day: dict[str, dict[str, int]] = {rule.name: {} for rule in unbroken}
        samples: dict[str, tuple[str, ...]] = {}
        for unit in units:
            report = journal.note(unit).get("report", {})
            if unit in report.get("days", {}):
                counts[unit] = report["days"][unit]
            for rule in report.get("rules", []):
                if rule["name"] in by_day and unit in rule["by_day"]:
                    by_day[rule["name"]][unit] = rule["by_day"][unit]
                    samples.setdefault(rule["name"], tuple(rule["samples"]))
        rules = (replace(rule, by_day=by_day[rule.name], samples=samples.get(rule.name, ())) for rule in unbroken)
        return cls(days=counts, rules=tuple(rules))


def _added(some: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {name: some.get(name, 0) + others.get(name, 0) for name in {**others, **some}}


def quality_score(counts: Mapping[str, int]) -> float | None:
    """The share of a day's records that quarantine has left; None where none was read, or none can be kept out."""
    read = counts.get("read", 0)
    return (read - counts["quarantined"]) / read if read and "quarantined" in counts else None


# Counts of a Silver day: read = accepted + deduplicated + superseded + quarantined. What a day's records brought when
# they were judged: a later record may have superseded a row since, and the table has fewer rows than were accepted.
SILVER_COUNTS = ("read", "accepted", "deduplicated", "superseded", "quarantined")
