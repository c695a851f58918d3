"""Columns of a contract: a Pandera model read and validated, column by column.

What Pandera knows and a table cannot use is refused here, when the contract is loaded, with a message that names
contract and column. Not here: what follows from the columns, rules and the Spark schema (`__init__.py`).
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Protocol, TypeAlias, cast

import pandera.pyspark as pa
from pyspark.sql import types as T

from project_etl.core.contracts.checks import CHECKS, FLOATS, CheckKind, sql_type
from project_etl.core.contracts.rules import ON_FAIL, Action, ContractError, OnFail

Contract: TypeAlias = "type[pa.DataFrameModel[Any]]"
"""A Pandera model of a Spark frame: the class, not an instance."""

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MAX_PRECISION = 38


class PanderaCheck(Protocol):
    """What is used of `pandera.Check`, which is not typed in full."""

    name: str
    registry_name: str | None
    statistics: Mapping[str, Any]
    description: str | None
    raise_warning: bool


class _PanderaColumn(Protocol):
    name: str
    dtype: Any
    nullable: bool
    required: bool
    coerce: bool
    regex: bool
    description: str | None
    metadata: Mapping[str, Any] | None
    checks: Sequence[PanderaCheck]


class _PanderaSchema(Protocol):
    columns: Mapping[str, _PanderaColumn]
    checks: Sequence[PanderaCheck]
    unique: Sequence[str] | None


@dataclass(frozen=True)
class ContractColumn:
    """One column of a contract, validated.

    Attributes:
        name: In snake_case.
        type: The Spark type.
        required: Whether a missing value breaks a rule.
        description: What the column means, for people.
        on_fail: What happens when one of its rules is broken.
        metadata: What else the field's metadata says, such as {"pii": True}.
        checks: Its Pandera checks with their kinds, in the order in which Pandera runs them.
    """

    name: str
    type: T.DataType
    required: bool
    description: str
    on_fail: OnFail
    metadata: Mapping[str, Any]
    checks: Sequence[tuple[CheckKind, PanderaCheck]]

    @property
    def nullable(self) -> bool:
        """Whether the published table may hold NULL here: not required, or a missing value is only a warning."""
        return not self.required or self.on_fail.to("null").action is Action.WARN


@cache
def columns_of(contract: Contract) -> tuple[ContractColumn, ...]:
    """Read and validate the columns of a contract, in its order.

    Raises:
        ContractError: When the contract cannot be used; names contract, column, what was found and what to do.
    """
    try:
        schema = cast("_PanderaSchema", contract.to_schema())
        hints = typing.get_type_hints(contract, include_extras=True)
    except Exception as error:
        raise ContractError(f"contract {contract.__name__} is not a valid Pandera model: {error}") from error
    if schema.checks:
        raise ContractError(
            f"contract {contract.__name__}: found the check {schema.checks[0].name!r} over the whole frame, which"
            " cannot be judged row by row; declare it with sql_rule(…)"
        )
    if schema.unique:
        raise ContractError(
            f"contract {contract.__name__}: found unique={schema.unique!r} in Config, which cannot be judged row by"
            " row; declare the key of the table instead"
        )
    return tuple(
        _read_column(column, hints.get(name), where=f"contract {contract.__name__}, column {name}")
        for name, column in schema.columns.items()
    )


def _read_column(column: _PanderaColumn, hint: object, *, where: str) -> ContractColumn:
    _refuse_unsupported(column, hint, where)
    of = _spark_type(column, hint, where)
    metadata = dict(column.metadata or {})
    reaction = metadata.pop(ON_FAIL, OnFail())
    if not isinstance(reaction, OnFail):
        raise ContractError(f"{where}: found metadata {ON_FAIL}={reaction!r}; write metadata=on_fail(…)")
    read = ContractColumn(
        name=column.name,
        type=of,
        required=not column.nullable,
        description=(column.description or "").strip(),
        on_fail=reaction,
        metadata=metadata,
        checks=[(_kind(check, of, where), check) for check in column.checks],
    )
    _refuse_idle_exceptions(read, where)
    return read


def _refuse_unsupported(column: _PanderaColumn, hint: object, where: str) -> None:
    """Refuse what Pandera knows and rules cannot say, and what people need and Pandera does not ask for."""
    if not _SNAKE_CASE.fullmatch(column.name):
        raise ContractError(f"{where}: the name is not in snake_case (a-z, 0-9, single underscores); rename it")
    if hint is None:
        raise ContractError(f"{where}: found an alias; give the attribute itself the name of the column")
    if not (column.description or "").strip():
        raise ContractError(f"{where}: it has no description; say in description=… what it means")
    options = {"regex": column.regex, "coerce": column.coerce, "required=False (or | None)": not column.required}
    for option, found in options.items():
        if found:
            raise ContractError(f"{where}: found {option}, which a contract does not support; drop it")


def _spark_type(column: _PanderaColumn, hint: object, where: str) -> T.DataType:
    annotated = typing.get_origin(hint) is Annotated
    bare = typing.get_args(hint)[0] if annotated else hint
    if bare is T.TimestampNTZType or isinstance(bare, T.TimestampNTZType):
        # Pandera takes it for TimestampType without a word.
        raise ContractError(f"{where}: found TimestampNTZType, but every instant is UTC; use T.TimestampType")
    if bare is T.DecimalType and not annotated:
        raise ContractError(
            f"{where}: found a decimal without precision and scale; write Annotated[T.DecimalType, 18, 4]"
        )
    of: T.DataType = column.dtype.type
    if isinstance(of, T.DecimalType) and not 0 <= of.scale <= of.precision <= _MAX_PRECISION:
        raise ContractError(
            f"{where}: {sql_type(of)} is not a decimal of Spark; the precision is at most {_MAX_PRECISION} and the"
            " scale at most the precision"
        )
    return of


def _kind(check: PanderaCheck, of: T.DataType, where: str) -> CheckKind:
    kind = CHECKS.get(check.registry_name or "")
    if kind is None:
        supported = ", ".join(known.keyword for known in CHECKS.values())
        raise ContractError(
            f"{where}: the check {check.name!r} has no meaning in SQL; supported are {supported}; say anything else"
            " with sql_rule(…)"
        )
    if not isinstance(of, kind.types):
        allowed = ", ".join(known.__name__ for known in kind.types)
        raise ContractError(
            f"{where}: the check {kind.keyword} is used on a column of type {sql_type(of)}; it works on {allowed}"
        )
    if check.raise_warning:
        raise ContractError(f"{where}: found raise_warning on {kind.keyword}; write metadata=on_fail(WARN)")
    return kind


def _refuse_idle_exceptions(column: ContractColumn, where: str) -> None:
    keywords = {kind.keyword for kind, _ in column.checks}
    keywords |= {"null"} if column.required else set()
    keywords |= {"nan"} if isinstance(column.type, FLOATS) else set()
    keywords |= set() if isinstance(column.type, T.StringType) else {"type"}
    idle = sorted(set(column.on_fail.by_check) - keywords)
    if idle:
        hint = " (a nullable column has no rule null; drop nullable=True)" if "null" in idle else ""
        raise ContractError(
            f"{where}: on_fail speaks of {', '.join(idle)}, but the column's rules are"
            f" {', '.join(sorted(keywords)) or 'none'}{hint}; change on_fail or the field"
        )
