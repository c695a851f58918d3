"""Conservation: whether each day of a daily table keeps the rows and amounts of the inputs that it is computed from.

Belongs here: the rules that follow from a table's `conserves`, and the one query that judges them. Does not belong
here: what a table conserves (`gold/`), rows and their rules (`stage.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.contracts import FAIL, Rule, sql_rule
from project_etl.core.contracts.judge import SAMPLES
from project_etl.core.contracts.report import RuleResult
from project_etl.core.model.table import Conserves, Table
from project_etl.core.transforms.money import TOTAL, total

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Balance:
    """Both sums of one day.

    Attributes:
        conserves: of what.
        table: the input.
        day: the day, ISO.
        there: the sum over the input; None when it is not known.
        here: the sum over the table; None when it is not known.
        rows: rows of the table.
    """

    conserves: Conserves
    table: str
    day: str
    there: Decimal | None
    here: Decimal | None
    rows: int

    @property
    def difference(self) -> Decimal:
        """What the table has too much, or lacks; 0 where a sum is not known."""
        return NOTHING if self.here is None or self.there is None else self.here - self.there

    @property
    def is_kept(self) -> bool:
        """Whether nothing is lost or added but by rounding."""
        return abs(self.difference) <= self.conserves.within * self.rows

    def plus(self, other: Balance) -> Balance:
        """The balance of both together; all four sums are known."""
        there, here = (
            (self.there or NOTHING) + (other.there or NOTHING),
            (self.here or NOTHING) + (other.here or NOTHING),
        )
        return replace(self, there=there, here=here, rows=self.rows + other.rows)

    def __str__(self) -> str:
        """Both sums, for a person."""
        return f"{self.day}: {self.told(self.here)} here, {self.told(self.there)} in {self.table}"

    def told(self, value: Decimal | None) -> str:
        """One of the sums for a person: a number of rows without decimals."""
        return "not known" if value is None else f"{value:,}" if self.conserves.amount else f"{value:,.0f}"


def conservation_rules(table: Table) -> tuple[Rule, ...]:
    """The rules that follow from what a table conserves. A day breaks them, and no row does."""
    return tuple(
        sql_rule(each.rule, "TRUE", action=FAIL, description=_in_words(each, table.inputs[each.of].table))
        for each in table.conserves
    )


def _in_words(conserves: Conserves, table: str) -> str:
    there = f"Σ {conserves.amount}" if conserves.amount else "the number of rows"
    here = conserves.here or conserves.amount
    where = f" where {conserves.where}" if conserves.where else ""
    rounded = f" (± {conserves.within} a row, for rounding)" if conserves.within else ""
    return f"of each day, {f'Σ {here}' if here else 'the number of rows'} must be {there} of {table}{where}{rounded}"


def balances(table: Table, rows: DataFrame, inputs: Mapping[str, tuple[DataFrame, str]]) -> list[Balance]:
    """Sum what is conserved, by day, in one query.

    Args:
        table: the table.
        rows: rows of it, of some days.
        inputs: argument name → the rows of an input of the same days, and their day column.
    """
    all_of, day = table.conserves, table.day_column
    if not all_of or day is None:
        return []
    own = _sums(rows, day, "", [each.here or each.amount or "1" for each in all_of])
    others = [_sums(frame, day, of, [_there(each, of) for each in all_of]) for of, (frame, day) in inputs.items()]
    found = {(row["of"], row["day"]): row for row in reduce(DataFrame.unionAll, [own, *others]).collect()}

    def both() -> Iterator[Balance]:
        for number, each in enumerate(all_of):
            for when in sorted({when for of, when in found if of in ("", each.of)}):
                own_row, of_input = (found.get((of, when)) for of in ("", each.of))
                there, here = (row[f"sum_{number}"] if row else NOTHING for row in (of_input, own_row))
                yield Balance(each, table.inputs[each.of].table, when, there, here, own_row["rows"] if own_row else 0)

    return list(both())


def _there(conserves: Conserves, of: str) -> str:
    """What is summed over the rows of an input; nothing when it is another one's."""
    amount = conserves.amount or "1"
    summed = f"CASE WHEN {conserves.where} THEN {amount} ELSE 0 END" if conserves.where else amount
    return summed if of == conserves.of else ""


def _sums(rows: DataFrame, day: str, of: str, amounts: Sequence[str]) -> DataFrame:
    """Sums by day; NULL where there is nothing to sum."""
    wanted = {f"sum_{number}": amount for number, amount in enumerate(amounts)}
    sums = [total(F.expr(amount)).alias(name) for name, amount in wanted.items() if amount]
    by_day = rows.groupBy(F.col(day).cast("string").alias("day")).agg(F.count(F.lit(1)).alias("rows"), *sums)
    columns = [F.col(name) if amount else F.lit(None).cast(TOTAL).alias(name) for name, amount in wanted.items()]
    return by_day.select(F.lit(of).alias("of"), "day", "rows", *columns)


def with_balances(results: Iterable[RuleResult], found: Sequence[Balance]) -> list[RuleResult]:
    """The results of a table's rules, with those of what it conserves."""
    lost: dict[str, list[Balance]] = {}
    for balance in found:
        if not balance.is_kept:
            lost.setdefault(balance.conserves.rule, []).append(balance)
    return [_broken(rule, lost[rule.name]) if rule.name in lost else rule for rule in results]


def _broken(rule: RuleResult, lost: Sequence[Balance]) -> RuleResult:
    """The result of a broken rule: by day the rows that are missing or too many, or 1 where an amount is."""
    by_day = {each.day: 1 if each.conserves.amount else int(abs(each.difference)) for each in lost}
    samples = tuple(map(str, lost[:SAMPLES]))
    return replace(rule, by_day=by_day, samples=samples)
