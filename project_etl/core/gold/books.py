"""The books of a Gold table as it is now: whether it holds what its inputs say, row by row, and keeps their amounts.

Belongs here: computing again what was computed, and comparing; nothing is written. Does not belong here: whether a run
has lost rows (`conserve.py`, `core/rows_kept.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.contracts.sql_text import is_day
from project_etl.core.gold.conserve import Balance
from project_etl.core.gold.stage import GoldJob, balances_of, bytes_read, computed
from project_etl.core.lake import WHOLE
from project_etl.core.model.days import some_of
from project_etl.core.model.staged import staging
from project_etl.core.model.table import ReplaceDays
from project_etl.core.staleness import Reads, Staleness

SHOWN = 3


@dataclass(frozen=True)
class Wrong:
    """Rows of a unit that are not what the inputs say; one with another value is one of both."""

    missing: int
    unexplained: int


@dataclass(frozen=True)
class GoldBooks:
    """How a Gold table stands.

    Attributes:
        table: the table.
        units: days (or `WHOLE`) that were computed again and compared.
        wrong: unit → its rows that are not right; units that are right are absent.
        stale: units that wait to be computed again.
        held: units that are held back.
        balances: what the compared days keep of their inputs.
    """

    table: str
    units: tuple[str, ...] = ()
    wrong: Mapping[str, Wrong] = field(default_factory=dict[str, Wrong])
    stale: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    balances: tuple[Balance, ...] = ()

    @property
    def lost(self) -> tuple[Balance, ...]:
        """What is not kept."""
        return tuple(balance for balance in self.balances if not balance.is_kept)

    @property
    def totals(self) -> tuple[Balance, ...]:
        """What the table keeps, over all compared days; a day of which a sum is not known is left out."""
        found: dict[str, Balance] = {}
        for each in self.balances:
            if each.here is not None and each.there is not None:
                rule, before = each.conserves.rule, found.get(each.conserves.rule)
                found[rule] = before.plus(each) if before else each
        return tuple(found.values())

    def in_words(self) -> list[str]:
        """What is wrong, and what to do."""
        said: list[str] = []
        if self.wrong:
            missing = sum(each.missing for each in self.wrong.values())
            unexplained = sum(each.unexplained for each in self.wrong.values())
            days = "" if WHOLE in self.wrong else f" ({some_of(sorted(self.wrong), SHOWN)})"
            said.append(
                f"{self.table} is not what its inputs say{days}: {missing:,} rows are missing, and {unexplained:,} are "
                "there that should not be. Somebody else has written it, or this is a fault of the platform. Remove "
                "the folder of the table, materialize it for all days, and what reads it after it."
            )
        said += [f"{self.table} does not keep its inputs on {each} ({each.conserves.rule})." for each in self.lost]
        return said


def gold_books(job: GoldJob) -> GoldBooks:
    """Compute again all that a Gold table holds, and compare.

    Args:
        job: the table; its days are not looked at.

    Returns:
        The books; empty ones of a table that was never computed. What is stale or held back is not compared, for the
        next run changes it.
    """
    table = job.table
    if not all(map(job.lake.exists, (table.name, *(item.table for item in table.inputs.values())))):
        return GoldBooks(table.name)
    lake = job.lake.pinned([table.name, *(item.table for item in table.inputs.values())])
    journal, staleness = lake.journal(table.name), Staleness(lake, job.tables, job.run.parameters, job.zone)
    held = tuple(sorted(journal.held))
    known = sorted(journal.units.keys() - {*held})
    stale = tuple(known if lake.misfit(table.name, table.schema) else staleness.units_of(table, known))
    units = tuple(unit for unit in known if unit not in stale)
    if not units:
        return GoldBooks(table.name, stale=stale, held=held)
    reads = Reads(lake, job.tables, table, units)
    job = replace(job, lake=lake.for_work(partial(bytes_read, reads)))
    with staging(job.lake) as kept:
        stored = job.lake.read(table.name)
        if isinstance(table.write, ReplaceDays):
            # Rows of a day that nobody has computed are compared, too.
            stored = stored.where(~F.expr(is_day(table.write.day, (*stale, *held))))
        stored = kept.enter_context(job.lake.keep(stored))
        # As in a run: the embedded engine cannot put the columns of an aggregate beside stored ones otherwise.
        now = kept.enter_context(job.lake.keep(computed(job, reads)))
        wrong = _compared(job, now, stored)
        found = tuple(balances_of(job, stored, reads))
    return GoldBooks(table.name, units, wrong, stale, held, found)


def _compared(job: GoldJob, now: DataFrame, stored: DataFrame) -> dict[str, Wrong]:
    """The units whose rows are not the same, in one pass: equal rows cancel each other."""
    table, number = job.table, F.col("_number")
    columns = table.schema.fieldNames()
    both = now.select(*columns, F.lit(1).alias("_number")).unionAll(stored.select(*columns, F.lit(-1).alias("_number")))
    unit = F.col(table.write.day).cast("string") if isinstance(table.write, ReplaceDays) else F.lit(WHOLE)
    rest = both.groupBy(*columns).agg(F.sum("_number").alias("_number")).where(number != 0)
    found = rest.groupBy(unit.alias("unit")).agg(
        F.sum(F.greatest(number, F.lit(0))).alias("missing"), F.sum(F.greatest(-number, F.lit(0))).alias("unexplained")
    )
    return {row["unit"]: Wrong(row["missing"], row["unexplained"]) for row in found.collect()}
