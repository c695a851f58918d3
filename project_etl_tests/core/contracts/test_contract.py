"""Contracts become rules and a schema, and a contract that cannot be used says why when it is loaded."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pandera.pyspark as pa
import pytest
from pyspark.sql import types as T

from project_etl.core.contracts import (
    FAIL,
    QUARANTINE,
    WARN,
    ContractError,
    OnFail,
    columns_of,
    contract_version,
    on_fail,
    rules_of,
    schema_of,
    sql_rule,
)
from project_etl.core.contracts.checks import CHECKS, literal

IMPORT_WITHOUT_SPARK = """
from project_etl_tests.core.contracts.test_contract import Items
from project_etl.core.contracts import contract_version, rules_of, schema_of
contract_version(rules_of(Items, text_columns=["quantity"])), schema_of(Items)
from pyspark import SparkContext
from pyspark.sql import SparkSession
assert SparkContext._gateway is None, "a JVM was started"
assert SparkSession.getActiveSession() is None
print("no JVM")
"""


class Items(pa.DataFrameModel):
    """One row per line of an order."""

    item_id: T.StringType = pa.Field(nullable=False, description="Line number.", metadata=on_fail(FAIL))
    quantity: T.IntegerType = pa.Field(gt=0, le=100_000, description="Pieces.")
    price: Annotated[T.DecimalType, 18, 4] = pa.Field(
        gt={"min_value": 0, "name": "price_positive", "description": "price must be positive"},
        le=Decimal("100000"),
        nullable=True,
        description="Price of one piece.",
        metadata=on_fail(QUARANTINE, at_most=0.05, le=WARN),
    )
    email: T.StringType = pa.Field(
        str_matches="^[^@]+@[^@]+$", description="Address.", metadata=on_fail(QUARANTINE, null=WARN) | {"pii": True}
    )
    weight: T.DoubleType = pa.Field(nullable=True, description="Kilograms.")


def only(**fields: Any) -> type[pa.DataFrameModel[Any]]:
    """Make a contract `Bad` from columns, each an annotation and a field."""
    annotations = {name: annotation for name, (annotation, _) in fields.items()}
    values = {name: field for name, (_, field) in fields.items()}
    return type("Bad", (pa.DataFrameModel,), {"__annotations__": annotations, "__module__": __name__, **values})


def described(**options: Any) -> Any:
    options.setdefault("description", "Something.")
    return pa.Field(**options)


def test_rules_come_column_by_column_with_names_actions_and_sentences() -> None:
    rules = rules_of(Items, text_columns=["item_id", "quantity", "unknown"])
    assert [(rule.name, rule.action, rule.at_most, rule.description) for rule in rules] == [
        ("item_id_not_null", FAIL, None, "item_id must not be missing"),
        ("quantity_type", QUARANTINE, None, "quantity must be readable as INT"),
        ("quantity_not_null", QUARANTINE, None, "quantity must not be missing"),
        ("quantity_greater_than", QUARANTINE, None, "quantity must be greater than 0"),
        ("quantity_less_than_or_equal_to", QUARANTINE, None, "quantity must be at most 100000"),
        ("price_positive", QUARANTINE, 0.05, "price must be positive"),
        ("price_less_than_or_equal_to", WARN, None, "price must be at most 100000"),
        ("email_not_null", WARN, None, "email must not be missing"),
        ("email_str_matches", QUARANTINE, None, "email must match the pattern '^[^@]+@[^@]+$'"),
        ("weight_not_nan", QUARANTINE, None, "weight must not be NaN"),
    ]
    assert {rule.column for rule in rules} == {"item_id", "quantity", "price", "email", "weight"}


def test_extra_rules_come_last() -> None:
    extra = sql_rule("cheap", "quantity * price < 1000", description="an item must cost less than 1000", action=WARN)
    assert rules_of(Items, extra=[extra])[-1] == extra


def test_schema_has_types_comments_and_not_null_only_where_no_null_is_published() -> None:
    schema = schema_of(Items)
    # What masks it wherever it is shown.
    assert schema["email"].metadata["pii"]
    assert schema.simpleString() == (
        "struct<item_id:string,quantity:int,price:decimal(18,4),email:string,weight:double>"
    )
    assert [field.nullable for field in schema] == [False, False, True, True, True]
    assert schema["price"].metadata == {"comment": "Price of one piece."}


def test_other_metadata_of_a_field_is_kept_apart() -> None:
    metadata = {column.name: column.metadata for column in columns_of(Items)}
    assert metadata["email"] == {"pii": True}
    assert metadata["price"] == {}


def test_nested_on_fail_gives_one_check_its_own_tolerance() -> None:
    contract = only(a=(T.IntegerType, described(gt=0, metadata=on_fail(FAIL, gt=on_fail(QUARANTINE, at_most=0.5)))))
    assert [(rule.action, rule.at_most) for rule in rules_of(contract)] == [(FAIL, None), (QUARANTINE, 0.5)]


def test_arrays_are_columns_too() -> None:
    contract = only(tags=(Annotated[T.ArrayType, T.StringType(), True], described(nullable=True)))
    assert schema_of(contract)["tags"].dataType == T.ArrayType(T.StringType(), True)
    assert [rule.name for rule in rules_of(contract, text_columns=["tags"])] == ["tags_type"]


def test_version_follows_what_a_rule_says_and_not_how_it_is_worded() -> None:
    rule = sql_rule("r", "a > 0", description="a is positive")
    same = [sql_rule("r", "a > 0", description="other words")]
    other = [
        sql_rule("q", "a > 0", description="a is positive"),
        sql_rule("r", "a > 1", description="a is positive"),
        sql_rule("r", "a > 0", description="a is positive", action=FAIL),
        sql_rule("r", "a > 0", description="a is positive", at_most=0.1),
        sql_rule("r", "a > 0", description="a is positive", column="a"),
    ]
    assert [each.version for each in same] == [rule.version]
    assert len({each.version for each in [rule, *other]}) == 6
    assert re.fullmatch("[0-9a-f]{16}", rule.version)
    assert contract_version([rule, other[0]]) == contract_version([other[0], rule]) != contract_version([rule])


def test_version_of_a_list_ignores_its_order_and_of_a_type_rule_follows_the_type() -> None:
    def version(annotation: Any, **options: Any) -> str:
        rules = rules_of(only(a=(annotation, described(nullable=True, **options))), text_columns=["a"])
        return contract_version(rules)

    assert version(T.StringType, isin=["x", "y"]) == version(T.StringType, isin={"y", "x"})
    assert version(T.StringType, isin=["x", "y"]) != version(T.StringType, isin=["x"])
    assert version(T.IntegerType) != version(T.LongType)


def test_long_lists_are_shortened_in_the_sentence_only() -> None:
    contract = only(a=(T.IntegerType, described(nullable=True, isin=list(range(20)))))
    (rule,) = rules_of(contract)
    assert rule.description == "a must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (20 values)"
    assert rule.condition.count(",") == 19


def test_loading_a_contract_starts_no_jvm() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_WITHOUT_SPARK], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "no JVM", done.stderr


CET = timezone(timedelta(hours=1))


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "of", "sql"),
    [
        ("it's \\ ${HOME}", T.StringType(), "'it\\'s \\\\ $\\u007bHOME}'"),
        (Colour.RED, T.StringType(), "'red'"),
        (True, T.BooleanType(), "TRUE"),
        (-(2**63), T.LongType(), "-9223372036854775808"),
        (Decimal("1E+2"), T.DecimalType(18, 4), "100BD"),
        (0, T.DecimalType(4, 4), "0BD"),
        (1, T.DoubleType(), "1.0D"),
        (float("-inf"), T.DoubleType(), "double('-inf')"),
        (date(1, 1, 1), T.DateType(), "DATE '0001-01-01'"),
        (datetime(2025, 1, 1, tzinfo=CET), T.TimestampType(), "TIMESTAMP '2024-12-31 23:00:00+00:00'"),
    ],
)
def test_literals_are_exact(value: Any, of: T.DataType, sql: str) -> None:
    assert literal(value, of) == sql


@pytest.mark.parametrize(
    ("value", "of", "expected"),
    [
        (None, T.StringType(), "compared with text"),
        (1, T.StringType(), "compared with text"),
        (1, T.BooleanType(), "compared with a bool"),
        (True, T.IntegerType(), "compared with an int"),
        (2**63, T.LongType(), "at most 64 bits"),
        (1.5, T.IntegerType(), "compared with an int"),
        (0.1, T.DecimalType(18, 4), "that fits in DECIMAL\\(18,4\\)"),
        (Decimal("0.00001"), T.DecimalType(18, 4), "fits in"),
        (1, T.DecimalType(4, 4), "fits in"),
        (2**63, T.DecimalType(38, 0), "a Decimal \\(or an int of at most 64 bits\\)"),
        (Decimal("NaN"), T.DecimalType(4, 4), "fits in"),
        (float("nan"), T.DoubleType(), "not NaN"),
        (datetime(2025, 1, 1), T.TimestampType(), "with a time zone"),
        (datetime(2025, 1, 1, tzinfo=UTC), T.DateType(), "compared with a date"),
    ],
)
def test_a_value_that_would_compare_inexactly_is_refused(value: Any, of: T.DataType, expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        literal(value, of)


def whole_frame_check(**_: Any) -> type[pa.DataFrameModel[Any]]:
    class Bad(pa.DataFrameModel):
        a: T.StringType = described()

        @pa.dataframe_check
        def adds_up(cls, _frame: Any) -> bool:  # noqa: N805 - Pandera makes it a class method
            return True

    return Bad


def unique_key(**_: Any) -> type[pa.DataFrameModel[Any]]:
    class Bad(pa.DataFrameModel):
        a: T.StringType = described()

        class Config(pa.DataFrameModel.Config):
            unique = ["a"]  # noqa: RUF012 - as in Pandera's documentation

    return Bad


def own_check(**_: Any) -> type[pa.DataFrameModel[Any]]:
    class Bad(pa.DataFrameModel):
        a: T.StringType = described()

        @pa.check("a")
        def looks_good(cls, _frame: Any) -> bool:  # noqa: N805 - Pandera makes it a class method
            return True

    return Bad


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (whole_frame_check, "contract Bad: found the check 'adds_up' over the whole frame.*sql_rule"),
        (unique_key, "contract Bad: found unique=\\['a'\\] in Config.*key of the table"),
        (own_check, "contract Bad, column a: the check 'looks_good' has no meaning in SQL; supported are eq, ne, gt"),
    ],
)
def test_what_cannot_be_judged_row_by_row_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        rules_of(make())


BAD_FIELDS: dict[str, tuple[Any, Any, str]] = {
    "not snake_case": (T.StringType, described(alias="orderId"), "column orderId: the name is not in snake_case"),
    "alias": (T.StringType, described(alias="order_id"), "column order_id: found an alias"),
    "no description": (T.StringType, pa.Field(), "column a: it has no description"),
    "blank description": (T.StringType, pa.Field(description=" "), "column a: it has no description"),
    "regex": (T.StringType, described(regex=True), "column a: found regex"),
    "coerce": (T.StringType, described(coerce=True), "column a: found coerce"),
    "optional": (T.StringType | None, described(), "column a: found required=False"),
    "bare decimal": (T.DecimalType, described(), "without precision and scale; write Annotated\\[T.DecimalType, 18, 4"),
    "wide decimal": (Annotated[T.DecimalType, 39, 2], described(), "DECIMAL\\(39,2\\) is not a decimal of Spark"),
    "no time zone": (T.TimestampNTZType, described(), "found TimestampNTZType, but every instant is UTC"),
    "struct": (T.StructType, described(), " is not a valid Pandera model: .*StructType"),
    "unknown check": (T.StringType, described(unique_values_eq=["x"]), "'unique_values_eq' has no meaning in SQL"),
    "check of another type": (T.StringType, described(gt=0), "gt is used on a column of type STRING; it works on Byte"),
    "raise_warning": (T.IntegerType, described(gt=0, raise_warning=True), "raise_warning on gt; write .*on_fail.WARN"),
    "float for decimal": (Annotated[T.DecimalType, 9, 2], described(gt=0.5), "column a, check gt: found the value 0.5"),
    "tuple of one": (T.StringType, described(isin=("GBP",)), "column a, check isin: found 'GBP' as the list of values"),
    "no values": (T.StringType, described(isin=[]), "check isin: found \\[\\] as the list of values"),
    "null in a list": (T.StringType, described(notin=["x", None]), "check notin: found the value None"),
    "open alternation": (T.StringType, described(str_matches="GBP|EUR"), "write '\\^\\(GBP\\|EUR\\)'"),
    "bare action": (T.StringType, described(metadata={"on_fail": WARN}), "found metadata on_fail=.*write metadata="),
    "misspelt check": (
        T.IntegerType,
        described(gt=0, metadata=on_fail(ge=WARN)),
        "speaks of ge, but .* gt, null, type",
    ),
    "null of nullable": (T.StringType, described(nullable=True, metadata=on_fail(null=WARN)), "drop nullable=True"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_an_unusable_field_is_refused_by_contract_and_column(case: str) -> None:
    annotation, field, message = BAD_FIELDS[case]
    with pytest.raises(ContractError, match=f"^contract Bad.*{message}"):
        rules_of(only(a=(annotation, field)))


@pytest.mark.parametrize("pattern", ["^(a|b)$", "[|]", "a\\|b", "(?:a|b)c"])
def test_alternatives_inside_a_group_are_fine(pattern: str) -> None:
    (rule,) = rules_of(only(a=(T.StringType, described(nullable=True, str_matches=pattern))))
    assert "RLIKE '^" in rule.condition


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ContractError, match="contract Items: more than one rule is named quantity_not_null"):
        rules_of(Items, extra=[sql_rule("quantity_not_null", "true", description="always")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a-b"}, "rule 'a-b': .* only letters, digits and underscores"),
        ({"condition": " "}, "rule r: condition is empty"),
        ({"description": ""}, "rule r: description is empty"),
        ({"action": "warn"}, "rule r: found 'warn' as the action; give one of WARN, ERROR, QUARANTINE, FAIL"),
        ({"action": WARN, "at_most": 0.1}, "rule r: at_most=0.1 .* the action is WARN"),
        ({"at_most": 5}, "rule r: at_most=5 must be a share"),
        ({"at_most": 0}, "rule r: at_most=0 must be a share .* use FAIL"),
    ],
)
def test_an_unusable_rule_is_refused(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"name": "r", "condition": "true", "description": "always"} | options
    with pytest.raises(ContractError, match=message):
        sql_rule(**given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: on_fail("warn"), "on_fail\\(…\\): found 'warn' as the action"),  # pyright: ignore[reportArgumentType]
        (lambda: on_fail(FAIL, at_most=0.1), "at_most=0.1 says when QUARANTINE becomes FAIL"),
        (lambda: on_fail(gt=0.1), "on_fail\\(gt=…\\): found 0.1 as the action"),  # pyright: ignore[reportArgumentType]
        (lambda: on_fail(gt={"action": WARN}), "on_fail\\(gt=…\\): found {'action'"),
        (lambda: on_fail(gt=on_fail(gt=WARN)), "on_fail\\(gt=…\\): found "),
    ],
)
def test_an_unusable_reaction_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        make()


def test_every_check_is_known_to_pandera_under_its_keyword() -> None:
    assert on_fail() == {"on_fail": OnFail(QUARANTINE)}
    known = set(pa.Check.CHECK_FUNCTION_REGISTRY)
    assert set(CHECKS) <= known
