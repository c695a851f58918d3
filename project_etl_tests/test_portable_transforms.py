"""Transforms and shared steps use only what has the same meaning on every engine.

Here: the one list of what does not, with what to use instead. That what is used is the same is shown by `parity/`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import project_etl
from project_etl.core.transforms.patterns import portable

PACKAGE = Path(project_etl.__file__).parent

# What builds frames or columns. The engines themselves, and what reads and commits tables, stand elsewhere.
STEPS = (
    "contracts/judge",
    "contracts/rules",
    "model/records",
    "silver/frames",
    "silver/quarantine",
    "silver/rank",
)
FILES = [
    *sorted(PACKAGE.glob("silver/*.py")),
    *sorted(PACKAGE.glob("gold/*.py")),
    *sorted(PACKAGE.glob("sources/*.py")),
    *sorted(PACKAGE.glob("core/transforms/*.py")),
    *(PACKAGE / "core" / f"{name}.py" for name in STEPS),
]

# Name of a function of `F` or method of a frame or column → what to use instead.
INSTEAD = {
    "initcap": "casts.capitalized (other engines begin a word after a hyphen)",
    "try_divide": "money.share or money.average or exact.quotient (not every engine divides decimals with it)",
    "weekday": "dayofweek (not every engine has a Sunday in it)",
    "try_add": "try_cast of the sum to a type that holds it",
    "try_multiply": "money.convert or exact.scaled_product",
    "try_sum": "money.total",
    "avg": "money.share or money.average of money.total by F.count (the last place is not always rounded)",
    "mean": "money.share or money.average of money.total by F.count (the last place is not always rounded)",
    "round": "try_cast to a decimal, or money.to_money (the type of the result differs)",
    "bround": "try_cast to a decimal (halves go away from zero here)",
    "negative": "F.lit(0) - column (Spark rounds the negative of a decimal to 34 digits)",
    "create_map": "casts.looked_up for literals",
    "map_from_arrays": "two arrays, or a CASE",
    "map_from_entries": "two arrays, or a CASE",
    "map_entries": "two arrays, or a CASE (exploding a map ends the embedded engine's answer)",
    "map_keys": "two arrays",
    "map_values": "two arrays",
    "map_concat": "two arrays, or a CASE",
    "map_filter": "two arrays, or a CASE",
    "map_zip_with": "two arrays, or a CASE",
    "try_element_at": "casts.looked_up for literals (a literal map is made anew for each row)",
    "zip_with": "F.transform with an index (not every engine has it)",
    "to_json": "json_text.json_object (nulls, instants, decimals are written differently)",
    "from_json": "json_text.read_texts (what is not quite JSON is read differently)",
    "to_timestamp": "casts.to_utc",
    "try_to_timestamp": "casts.to_utc",
    "format_number": "a cast to text of a decimal",
    "observe": "a query of its own that counts (not every engine has it)",
    "persist": "Engine.keep (elsewhere it does nothing, without a word)",
    "cache": "Engine.keep (elsewhere it does nothing, without a word)",
    "checkpoint": "Engine.keep",
    "localCheckpoint": "Engine.keep",
    "unpersist": "Engine.keep, which lets go at the end of its block",
    "sparkContext": "nothing: Spark Connect has none",
    "rdd": "columns and functions: Spark Connect has none",
    "_jvm": "nothing: an embedded engine has no JVM",
    "_jdf": "nothing: an embedded engine has no JVM",
    "_jc": "nothing: an embedded engine has no JVM",
    "mergeInto": "Lake.merge",
    "toPandas": "Engine.arrow",
    "udf": "columns and functions",
    "pandas_udf": "columns and functions",
}
# A shared step that is proven in `parity/` may use what it stands for; so may code that is going to be rewritten.
MAY_USE = {
    "core/transforms/json_text.py": {"from_json"},
    "core/silver/frames.py": {"from_json"},
}
# Divides whole numbers that leave no rest.
MAY_DIVIDE = {"core/transforms/exact.py"}
# Functions whose text is a pattern, and at which place it stands.
PATTERNS = {
    "rlike": 0,
    "regexp_like": 1,
    "regexp_replace": 1,
    "regexp_extract": 1,
    "regexp_count": 1,
    "regexp_substr": 1,
}
# In SQL text, where it stands for a function or an operator.
IN_SQL = (
    "initcap(",
    "avg(",
    "mean(",
    "round(",
    "try_divide(",
    "to_json(",
    "from_json(",
    "map(",
    " / ",
    " RLIKE ",
    " rlike ",
)


def is_literal(node: ast.expr) -> bool:
    """Whether it is a whole number, as such or in `F.lit`."""
    if isinstance(node, ast.Call) and name_of(node.func) == "lit" and len(node.args) == 1:
        node = node.args[0]
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool)


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def pieces_of(node: ast.expr) -> Iterator[str]:
    """The fixed parts of a text."""
    if isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield from pieces_of(value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def of_name(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and node.attr in INSTEAD:
        yield f"{node.attr}: use {INSTEAD[node.attr]}"
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyspark"):
        yield from (f"{alias.name}: use {INSTEAD[alias.name]}" for alias in node.names if alias.name in INSTEAD)


def of_division(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield "/: use money.share or money.average or exact.quotient (engines differ in the places of a quotient)"


def of_negative(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Call)):
        return
    if name_of(node.operand.func) in ("col", "sum", "total", "divide"):
        yield f"-: use {INSTEAD['negative']}"


def of_case(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "when"):
        return
    if name_of(node.func.value) == "F" and len(node.args) == 2 and is_literal(node.args[1]):
        yield "F.when(…, whole number): put the decimal branch first (a CASE may take its first branch's type)"


def of_array(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and name_of(node.func) == "array_except"):
        return
    if not (isinstance(node.args[1], ast.Call) and name_of(node.args[1].func) == "cast"):
        yield "array_except: cast the second array to the type of the first (one may hold nulls)"


def of_pattern(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and name_of(node.func) in PATTERNS:
        at = PATTERNS[name_of(node.func)]
        for piece in pieces_of(node.args[at]) if at < len(node.args) else ():
            yield from differences(piece)


def of_sql(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and name_of(node.func) in ("sql_rule", "expr", "where", "filter"):
        for argument in node.args[:2]:
            for piece in pieces_of(argument):
                yield from (
                    f"{found.strip()} in SQL: use columns and the shared steps" for found in IN_SQL if found in piece
                )


def differences(pattern: str) -> Iterator[str]:
    """What is read differently in a pattern, or in a part of one."""
    for found in (r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\b", "(?=", "(?!", "(?<", "$"):
        if found in pattern.replace(r"\\", "").replace(r"\$", ""):
            yield rf"{found} in a pattern: use patterns.portable, or [0-9], patterns.BLANK and \z"


LOOKS: tuple[Callable[[ast.AST], Iterator[str]], ...] = (
    of_name, of_division, of_negative, of_case, of_array, of_pattern, of_sql,
)  # fmt: skip


def found_in(source: str, may_use: frozenset[str] = frozenset(), *, may_divide: bool = False) -> list[str]:
    """Everything in a module that engines take differently, with its line and what to use instead."""
    return [
        f"line {getattr(node, 'lineno', '?')}: {message}"
        for node in ast.walk(ast.parse(source))
        for look in LOOKS
        for message in look(node)
        if message.partition(":")[0] not in may_use and not (may_divide and message.startswith("/:"))
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_what_engines_share_is_used(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    found = found_in(path.read_text(encoding="utf-8"), frozenset(MAY_USE.get(name, ())), may_divide=name in MAY_DIVIDE)
    assert not found, f"{name} may mean something else on another engine:\n" + "\n".join(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_exception_is_needed(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    found = {line.partition(": ")[2].partition(":")[0] for line in found_in(path.read_text(encoding="utf-8"))}
    assert MAY_USE.get(name, set()) <= found


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('F.initcap("a")', "initcap: use casts.capitalized"),
        ('F.col("a") / F.col("b")', "/: use money.share or money.average"),
        ("rows.persist()", "persist: use Engine.keep"),
        ("spark.sparkContext", "sparkContext: use nothing"),
        ('F.when(F.col("a") > 0, 0).otherwise(F.col("b"))', "put the decimal branch first"),
        ('F.when(F.col("a") > 0, F.lit(0)).otherwise(F.col("b"))', "put the decimal branch first"),
        ('F.array_except("a", F.array(F.lit("b")))', "cast the second array"),
        ('F.col("a").rlike(r"^\\d+")', r"\d in a pattern"),
        ('F.regexp_replace("a", r"\\.0$", "")', "$ in a pattern"),
        ('F.col("a").rlike(rf"^{DAY}(?=T)")', "(?= in a pattern"),
        ('rows.where("a RLIKE b")', "RLIKE in SQL"),
        ('sql_rule("r", "a / b > 1", description="d")', "/ in SQL"),
        ('-F.sum("a")', "-: use F.lit(0) - column"),
    ],
)
def test_what_differs_is_found_and_says_what_to_use(code: str, message: str) -> None:
    assert any(message in line for line in found_in(code)), found_in(code)


def test_patterns_of_steps_are_portable_as_they_stand() -> None:
    from project_etl.core.transforms import casts, json_text

    for module in (casts, json_text):
        for name, value in vars(module).items():
            if isinstance(value, str) and value.startswith("^"):
                assert not list(differences(value)), name
    assert portable(r"^[a-z]+\.[0-9]\z") == r"^[a-z]+\.[0-9]\z"
