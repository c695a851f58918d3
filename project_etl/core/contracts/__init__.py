"""Contracts: Pandera models of tables, turned into rules and a Spark schema.

A contract says what a table is: its columns, their types and meaning, the checks every row passes, and what happens
when one does not. Loading one needs no Spark session. This is the module to import from; what it is made of lies in
`contract_columns.py` (reading a model), `checks.py` (what a check says in SQL) and `rules.py` (rules).
Not here: judging rows (`judge.py`).

    class OrderItems(pa.DataFrameModel):
        order_item_id: T.StringType = pa.Field(description="Line number given by the shop.")
        quantity: T.IntegerType = pa.Field(gt=0, le=100_000, description="Pieces.", metadata=on_fail(QUARANTINE))
        unit_price: Annotated[T.DecimalType, 18, 4] = pa.Field(gt=0, description="Price of one piece, order currency.")
        note: T.StringType = pa.Field(str_length={"max_value": 80}, description="…", metadata=on_fail(null=WARN))

A Pandera field is required unless it says `nullable=True`. A check may have its own name and sentence, in Pandera's
way: `gt={"min_value": 0, "name": "quantity_positive", "description": "quantity must be positive"}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from pyspark.sql import types as T

from project_etl.core.contracts.checks import FLOATS, sql_type
from project_etl.core.contracts.columns import Contract, ContractColumn, columns_of
from project_etl.core.contracts.rules import (
    ERROR,
    FAIL,
    NOT_MISSING,
    QUARANTINE,
    READABLE,
    WARN,
    Action,
    ContractError,
    OnFail,
    Rule,
    broken_rules,
    contract_version,
    on_fail,
    sql_rule,
)

__all__ = [
    "ERROR",
    "FAIL",
    "NOT_MISSING",
    "QUARANTINE",
    "READABLE",
    "TEXT_COLUMN",
    "WARN",
    "Action",
    "Contract",
    "ContractColumn",
    "ContractError",
    "OnFail",
    "Rule",
    "broken_rules",
    "columns_of",
    "contract_version",
    "on_fail",
    "rules_of",
    "schema_of",
    "sql_rule",
]

TEXT_COLUMN = "_text"
"""Struct column of a judged frame: the text from which each typed column was read, under the column's own name."""


def schema_of(contract: Contract) -> T.StructType:
    """Return names, types, nullability, comments and other metadata of a contract's columns, such as `pii`.

    A column is NOT NULL where the contract requires it and does more than warn when it is missing.

    Raises:
        ContractError: When the contract cannot be used.
    """
    return T.StructType(
        [
            T.StructField(column.name, column.type, column.nullable, {"comment": column.description, **column.metadata})
            for column in columns_of(contract)
        ]
    )


def rules_of(contract: Contract, *, text_columns: Collection[str] = (), extra: Sequence[Rule] = ()) -> tuple[Rule, ...]:
    """Derive the rules of a contract, column by column, each from its most basic rule on.

    Args:
        contract: The Pandera model.
        text_columns: Fields of the struct `_text` that the judged frame has; a column of another type than text that
            is among them gets a rule `<column>_type`: broken where there was text but no value could be read from it.
        extra: Rules over several columns, put at the end.

    Raises:
        ContractError: When the contract cannot be used or two rules have one name.
    """
    columns = columns_of(contract)
    rules: list[Rule] = []
    for column in columns:
        where = f"contract {contract.__name__}, column {column.name}"
        rules += _column_rules(column, has_text=column.name in text_columns, where=where)
    rules += extra
    repeated = [name for name, times in Counter(rule.name for rule in rules).items() if times > 1]
    if repeated:
        raise ContractError(
            f"contract {contract.__name__}: more than one rule is named {', '.join(repeated)}; give one of them"
            " another name (a check of a field takes one in its dict form: {…, 'name': …})"
        )
    return tuple(rules)


def _column_rules(column: ContractColumn, *, has_text: bool, where: str) -> Iterator[Rule]:
    quoted = f"`{column.name}`"

    def rule(keyword: str, name: str, condition: str, sentence: str) -> Rule:
        reaction = column.on_fail.to(keyword)
        return Rule(
            name=name,
            condition=condition,
            action=reaction.action,
            description=reaction.description or sentence,
            column=column.name,
            at_most=reaction.at_most,
            max_share=reaction.max_share,
        )

    is_read = has_text and not isinstance(column.type, T.StringType)
    text = f"{TEXT_COLUMN}.{quoted}"
    if is_read:
        # The comment makes the version of the rule change with the type: text refused as INT may be a good BIGINT.
        condition = f"{quoted} IS NOT NULL OR {text} IS NULL /* {sql_type(column.type)} */"
        yield rule("type", f"{column.name}_type", condition, f"{column.name} {READABLE} {sql_type(column.type)}")
    if column.required:
        condition = f"{quoted} IS NOT NULL"
        if is_read and _type_covers_null(column):
            condition += f" OR {text} IS NOT NULL"
        yield rule("null", f"{column.name}_not_null", condition, f"{column.name} {NOT_MISSING}")
    if isinstance(column.type, FLOATS):
        yield rule("nan", f"{column.name}_not_nan", f"NOT isnan({quoted})", f"{column.name} must not be NaN")
    for kind, check in column.checks:
        try:
            condition, sentence = kind.says(quoted, column.type, check.statistics)
        except ContractError as error:
            raise ContractError(f"{where}, check {kind.keyword}: {error}") from error
        own_name = check.name if check.name != check.registry_name else None
        yield rule(
            kind.keyword,
            own_name or f"{column.name}_{check.registry_name}",
            condition,
            check.description or f"{column.name} {sentence}",
        )


def _type_covers_null(column: ContractColumn) -> bool:
    """Whether text that cannot be read is reported by the type rule alone: one cause, one rule.

    Not where the type rule only warns and a missing value does more: the NULL would get into the table unseen.
    """
    only_warns = column.on_fail.to("type").action is Action.WARN
    return not only_warns or column.on_fail.to("null").action is Action.WARN
