"""How the oracle asks: a table of Gold as SQL over clean relations, with what is rounded at the end.

SQL gives exact integers and DECIMAL sums; money, shares and rates are rounded here, once, at the end, from exact
fractions. What sums an amount that nobody knows has no rows for that day. Not here: the questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import duckdb

from project_etl_tests.oracle.tables import round_half_up

MONEY_PLACES, RATIO_PLACES = 2, 6


@dataclass(frozen=True)
class GoldTable:
    """The expected rows of a Gold table, in the order of its key, in the columns that the oracle judges."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    unjudged: tuple[str, ...] = ()

    def by_key(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return each row as a dictionary, under the values of its key."""
        rows = (dict(zip(self.columns, row, strict=True)) for row in self.rows)
        return {tuple(row[name] for name in self.key): row for row in rows}


@dataclass(frozen=True)
class Column:
    """A column of the answer: as SQL gives it, rounded, or a quotient of two SQL columns."""

    name: str
    numerator: str
    denominator: str | None = None
    places: int | None = None

    def value(self, row: dict[str, Any]) -> Any:
        """Return the value of the answer from a row of SQL; instants in the database are of UTC."""
        top = row[self.numerator]
        if isinstance(top, datetime):
            return top.replace(tzinfo=UTC)
        if self.places is None or top is None:
            return top
        bottom = row[self.denominator] if self.denominator else 1
        return round_half_up(Fraction(top) / Fraction(bottom), self.places) if bottom else None


def plain(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, name) for name in names)


def money(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, name, places=MONEY_PLACES) for name in names)


def ratio(name: str, numerator: str, denominator: str, places: int = RATIO_PLACES) -> tuple[Column, ...]:
    return (Column(name, numerator, denominator, places),)


@dataclass(frozen=True)
class Question:
    """A table. One that sums amounts of `back` days before its own, and them, has no row where one is unknown."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    sql: str
    back: int | None = None
    summed: str = "TRUE"
    unjudged: tuple[str, ...] = ()


def answer(con: duckdb.DuckDBPyConnection, question: Question) -> GoldTable:
    unknown = set[Any]()
    if question.back is not None:
        found = con.execute(
            f"""
            SELECT DISTINCT day FROM days JOIN facts ON order_date BETWEEN day - {question.back} AND day
            WHERE net IS NULL AND {question.summed}
            """
        )
        unknown = {day for (day,) in found.fetchall()}
    result = con.execute(question.sql)
    names = [column[0] for column in result.description or ()]
    exact = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    known = [row for row in exact if row.get("order_date") not in unknown]
    rows = [tuple(column.value(row) for column in question.columns) for row in known]
    columns = tuple(column.name for column in question.columns)
    rows.sort(key=lambda row: [row[columns.index(name)] for name in question.key])
    return GoldTable(question.name, question.key, columns, rows, question.unjudged)
