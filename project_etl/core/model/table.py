"""What a table is: contract, keys, inputs, on-disk partitioning and write mode in one frozen, checked value.

Belongs here: the declaration that every Bronze, Silver and Gold table makes, and its checks. Does not belong here:
reading or writing data (`core/lake`), judging rows (`core/contracts`), anything Dagster.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

from pyspark.sql import types as T

from project_etl.core.contracts import Action, Contract, Rule, contract_version, rules_of, schema_of
from project_etl.core.digest import digest
from project_etl.core.model.code_version import code_version
from project_etl.core.model.records import Records

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LAYERS = ("bronze", "silver", "gold", "quarantine")
AS_OF = "as_of"
"""Column of a snapshot table with the day of which it speaks: a row in which nothing else differs has not changed."""


class TableError(ValueError):
    """A table's declaration contradicts itself; the message names the table and what to change."""


# --- what a table reads -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """One table that a transform reads, and how much of it.

    Attributes:
        table: `layer/name` of the table.
        back: for a daily table, days before the asked ones that the transform also needs (6 for a 7-day window).
        whole: read every day, whatever day is asked for.
        by: day column of the input by which it is read; its business day when empty.
        at: read the days that this column names in the rows of the other inputs, of the asked days; empty reads the
            asked days themselves.
        columns: what the transform sees of the input; all columns when empty.
    """

    table: str
    back: int = 0
    whole: bool = False
    by: str = ""
    at: str = ""
    columns: tuple[str, ...] = ()


def same_day(table: str, *, by: str = "") -> Input:
    """Read the asked days of `table`, by its business day or by another of its days."""
    return Input(table, by=by)


def window(table: str, *, back: int, by: str = "") -> Input:
    """Read the asked days of `table` and the `back` days before each of them."""
    return Input(table, back=back, by=by)


def lookup(table: str, *, at: str, by: str = "") -> Input:
    """Read those days of `table` that the asked days name: the orders that a day's refunds are of, say.

    Args:
        table: the table. All of it is read when its rows are dated and have no business day, as exchange rates.
        at: the column that names the days, of the inputs that are read by day and declared before this one.
        by: the day column of `table` that is meant; its business day when empty.
    """
    return Input(table, by=by, at=at)


def whole(table: str, *, columns: tuple[str, ...] = ()) -> Input:
    """Read all of `table`, whatever days are asked for.

    Args:
        table: the table.
        columns: what the transform sees of it, such as its key; all columns when empty. A daily table is not stale for
            changes of other columns when `table` has one row a key.
    """
    return Input(table, whole=True, columns=columns)


@dataclass(frozen=True)
class Reference:
    """A foreign key of a Silver table: `column` must be a `key` of the Silver table `table`.

    Attributes:
        column: column of this table's records that holds the key.
        table: the parent, `silver/<name>`.
        rule: name of the rule that a record without its parent breaks.
        key: the parent's key column; the same name as `column` when empty.
        within: further columns, of the same names in both, that tell the parent among those of one key: lines are
            numbered within their order. For a reference that only warns.
        carry: columns of the parent that the transform uses. When one changes, the rows that carry it are judged again.
        action: what happens to a record whose parent is not known. A quarantined one is judged again when it arrives.
    """

    column: str
    table: str
    rule: str
    key: str = ""
    within: tuple[str, ...] = ()
    carry: tuple[str, ...] = ()
    action: Action = Action.QUARANTINE

    @property
    def parent_key(self) -> str:
        """The parent's key column."""
        return self.key or self.column


@dataclass(frozen=True)
class Conserves:
    """What a daily table keeps of an input: of each day, the sum over the input's rows is that over the rows here.

    A day on which one of the sums is NULL has no verdict: what a missing value means, a rule of the column says.

    Attributes:
        of: argument name of the input, which is read by the same day.
        amount: column of the input that is summed; empty counts its rows, and each row here stands for one or more.
        here: SQL over a row here of which the sum is the same; empty takes `amount`, or counts the rows.
        where: SQL condition on the rows of the input that count; empty takes all.
        within: by how much a row's value here may differ, for it is rounded.
    """

    of: str
    amount: str = ""
    here: str = ""
    where: str = ""
    within: Decimal = Decimal(0)

    @property
    def rule(self) -> str:
        """Name of the rule that a day breaks when it does not keep this."""
        return "_".join(filter(None, ("conserves", self.of, self.amount)))


# --- how a table is written -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Merge:
    """One row per key: the record that is newest by `newest_by`, then landing day, file name and row number."""

    newest_by: str


@dataclass(frozen=True)
class History:
    """One row per key and version (SCD2); its time of validity follows from the other versions of the key.

    Attributes:
        of: column that names the thing which has versions (a customer); the table's keys are `of` and `newest_by`.
        newest_by: instant from which a version is valid.
    """

    of: str
    newest_by: str


# What the notes of commits put between a further day column and a day of it: `order_date=2025-01-05`.
OF_FURTHER = "="

# Columns of a history that follow from the other versions of a key.
VALIDITY = ("valid_from", "valid_to", "is_current")


@dataclass(frozen=True)
class ReplaceDays:
    """Whole days are computed and replace what was there; a day without rows becomes empty.

    Attributes:
        day: the day column.
    """

    day: str


@dataclass(frozen=True)
class Snapshot:
    """The whole table is computed and replaces what was there."""


WriteMode = Merge | History | ReplaceDays | Snapshot
Transform = Callable[..., "DataFrame"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A Silver or Gold table.

    Attributes:
        name: `layer/table`, which is also the folder below the lake and the asset key.
        contract: the Pandera model: columns, types, rules and descriptions.
        keys: columns that identify a row (the grain).
        records: for Silver, the kind of records that the table is made of; sources feed it.
        inputs: for Gold, argument name of the transform → what to read.
        references: foreign keys of a Silver table.
        rules: rules over several columns.
        conserves: what of its inputs a daily table keeps, by day.
        for_rules: columns that a Gold transform gives beside those of the contract. Rules judge them, and nobody
            publishes them.
        write: how rows become visible.
        day: column with a row's business day; a daily table's is in its `write`. None when rows belong to no day. Of a
            Silver table it may be several: the first is its business day, and Gold may read the table by each.
        measure: for a daily table, the column of numbers that people look at first: its sum by day is plotted. None
            where no sum of a day says anything.
        partition_by: column that partitions the files on disk, for tables of many gigabytes; None for a single folder.
        sister: name of a Silver table that judges the same records by the same rules, and keeps for both what breaks
            one; empty for a table that keeps its own. Found by `with_sisters`.
        min_score: share of a landing day's records that quarantine must leave, between 0 and 1; with less, nothing is
            published. None publishes whatever is left.
        owners: people or teams in charge, as Dagster writes them.
        transform: `DataFrame` in, `DataFrame` out; taken from the module by `from_module`.
        description: the module's docstring; taken by `from_module`.
        code_version: changes when the transform's code changes; taken by `from_module`.
    """

    name: str
    contract: Contract
    keys: tuple[str, ...]
    write: WriteMode
    records: Records | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict[str, Input])
    references: tuple[Reference, ...] = ()
    rules: tuple[Rule, ...] = ()
    conserves: tuple[Conserves, ...] = ()
    for_rules: tuple[str, ...] = ()
    day: str | tuple[str, ...] | None = None
    measure: str | None = None
    partition_by: str | None = None
    min_score: float | None = None
    sister: str = ""
    owners: tuple[str, ...] = ("team:data-platform",)
    transform: Transform | None = None
    description: str = ""
    code_version: str = ""

    def __post_init__(self) -> None:
        """Check that the parts of the declaration fit each other."""
        layer, _, rest = self.name.partition("/")
        if layer not in LAYERS or not rest or "/" in rest:
            raise TableError(f"Table name {self.name!r} is not '<layer>/<name>' with a layer of {', '.join(LAYERS)}.")
        columns = set(self.schema.fieldNames())
        wanted = {*self.keys, *self.days, *filter(None, (self.partition_by,))}
        wanted |= {self.write.newest_by} if isinstance(self.write, Merge | History) else set()
        if missing := sorted(wanted - columns):
            raise TableError(
                f"{self.name}: {', '.join(missing)} (key, partition, order or day column) not in contract "
                f"{self.contract.__name__}, which has {', '.join(sorted(columns))}."
            )
        if isinstance(self.write, Merge | History) != (self.records is not None):
            raise TableError(f"{self.name}: Merge and History tables name their `records`, others their `inputs`.")
        if len(self.days) > 1 and self.records is None:
            raise TableError(f"{self.name}: only a Silver table has several days; name one column as its `day`.")
        if isinstance(self.write, History) and self.keys != (self.write.of, self.write.newest_by):
            raise TableError(f"{self.name}: the keys of a History table are its `of` and `newest_by` columns.")
        if any(ref.within and ref.action is not Action.WARN for ref in self.references):
            # What waits for a parent is found by one column.
            raise TableError(f"{self.name}: a reference with `within` can only warn: give it action=WARN.")
        if isinstance(self.write, ReplaceDays) and self.write.day not in self.keys:
            raise TableError(f"{self.name}: the day column {self.write.day!r} is part of the keys of a daily table.")
        by_day = [
            name for name, item in self.inputs.items() if self.is_daily and not (item.whole or item.back or item.at)
        ]
        if wrong := sorted({each.of for each in self.conserves}.difference(by_day)):
            raise TableError(
                f"{self.name} conserves {', '.join(wrong)}: name an input that a daily table reads by the same day; "
                f"there is {', '.join(by_day) or 'none'}."
            )
        if self.measure is not None:
            self._check_measure(self.measure)

    def _check_measure(self, measure: str) -> None:
        if not self.is_daily:
            raise TableError(f"{self.name}: its measure {measure!r} is summed by day, and the table is not daily.")
        numbers = [item.name for item in self.schema.fields if isinstance(item.dataType, T.NumericType)]
        if measure not in numbers:
            raise TableError(f"{self.name}: measure {measure!r} is no column of numbers; it has {', '.join(numbers)}.")

    @property
    def layer(self) -> str:
        """`silver` or `gold`."""
        return self.name.split("/")[0]

    @property
    def short_name(self) -> str:
        """The name without its layer."""
        return self.name.split("/")[1]

    @property
    def is_daily(self) -> bool:
        """Whether Gold computes this table day by day."""
        return isinstance(self.write, ReplaceDays)

    @property
    def newest_by(self) -> str:
        """The instant by which a Silver table's versions are ordered."""
        assert isinstance(self.write, History | Merge), self.name
        return self.write.newest_by

    @property
    def is_dated(self) -> bool:
        """Whether rows hold from a date of their key on, as exchange rates do, until a later date says it all again."""
        return isinstance(self.write, Merge) and self.write.newest_by in self.keys

    @property
    def derived(self) -> tuple[str, ...]:
        """Columns that follow from the other versions of a key, and that no record gives."""
        return VALIDITY if isinstance(self.write, History) else ()

    @property
    def day_column(self) -> str | None:
        """The column with the rows' business day; None without one."""
        return next(iter(self.days), None)

    @property
    def days(self) -> tuple[str, ...]:
        """Every column by whose days the table may be read, its business day first."""
        if isinstance(self.write, ReplaceDays):
            return (self.write.day,)
        return (self.day,) if isinstance(self.day, str) else self.day or ()

    def days_in_notes(self, column: str, days: Iterable[str]) -> list[str]:
        """What the notes of commits call some days (ISO dates) of a column: by the business day, nothing is added."""
        return [day if column == self.day_column else f"{column}{OF_FURTHER}{day}" for day in days]

    @property
    def statistics(self) -> tuple[str, ...]:
        """Columns by whose smallest and largest value a reader may pass over a file: keys and days."""
        return tuple(dict.fromkeys((*self.keys, *self.days)))

    @cached_property
    def schema(self) -> T.StructType:
        """Names, types, nullability and comments of the contract's columns."""
        return schema_of(self.contract)

    @cached_property
    def version(self) -> str:
        """Changes when the transform's code or what is declared changes the rows: what makes a result out of date."""
        rules = contract_version(rules_of(self.contract, extra=self.rules))
        records = (self.records.name, self.records.kinds) if self.records else None
        declared = (self.keys, self.write, records, sorted(self.inputs.items()), self.references, self.min_score)
        return digest(rules, self.schema.simpleString(), str(declared), self.code_version)


def with_sisters(tables: Sequence[Table]) -> tuple[Table, ...]:
    """Name the `sister` of each history that judges the records of another table by the same rules.

    What they keep out is the same, so one of them has it in quarantine and reports it. A history without such a table,
    or with other rules, keeps its own. So does one whose records may wait for a parent: it has to know which do.
    """
    merged = [table for table in tables if isinstance(table.write, Merge) and not table.references]

    def of(table: Table) -> str:
        if not isinstance(table.write, History) or table.references:
            return ""
        same = (each.name for each in merged if each.records == table.records and _judges(each) == _judges(table))
        return min(same, default="")

    return tuple(replace(table, sister=of(table)) for table in tables)


def _judges(table: Table) -> tuple[object, ...]:
    """What decides about a record: rules on what the transform makes of it, and how many may break them."""
    rules = rules_of(table.contract, text_columns=table.records.columns if table.records else (), extra=table.rules)
    return table.code_version, [rule for rule in rules if rule.column not in table.derived], table.min_score


def from_module(module: ModuleType) -> Table:
    """Complete a module's `TABLE` with its `transform`, docstring and code version.

    Raises:
        TableError: the module has no `TABLE` or `transform`, or the transform's arguments are not the declared inputs.
    """
    table: Table | None = getattr(module, "TABLE", None)
    transform: Transform | None = getattr(module, "transform", None)
    if table is None or transform is None:
        raise TableError(f"{module.__name__} needs a TABLE and a function transform; found {sorted(vars(module))[:8]}…")
    arguments = inspect.signature(transform).parameters.values()
    found = tuple(each.name for each in arguments if each.kind != each.KEYWORD_ONLY)
    expected = tuple(table.inputs) if table.records is None else (table.records.name,)
    if found != expected:
        raise TableError(
            f"{module.__name__}: transform takes ({', '.join(found)}), {table.name} declares ({', '.join(expected)}); "
            "name the arguments as the inputs, in their order, and settings that it takes behind a `*`."
        )
    code = code_version(transform)
    return replace(table, transform=transform, description=inspect.getdoc(module) or "", code_version=code)
