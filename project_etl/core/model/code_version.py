"""The version of a function's code, which changes when the function may compute something else.

One rule says what counts: the function's own definition, and every definition that it names, directly or through other
definitions. Modules of the function's own package and of `project_etl` are followed, through every kind of import,
also one inside a function. So what a module has beside its transform does not count, and neither does the platform that
calls it: of that, `PLATFORM_VERSION` tells.

Docstrings, comments, formatting and annotations do not count either. What is not seen: installed packages, and names
that are looked up as text (`getattr`, `importlib`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, resolve_name
from typing import Any

from project_etl.core.digest import digest

# Raise it when the platform makes other rows of what transforms give it (how it judges, orders and merges them): every
# table is then computed again.
PLATFORM_VERSION = 5

HOME = __name__.partition(".")[0]
# The name that stands for everything in a module.
ALL = "*"
# Fields of the syntax tree that change no value. The tree's own dump differs between versions of Python.
IGNORED = frozenset({"ctx", "annotation", "returns", "type_comment", "type_params", "kind"})
DEFINES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

Name = tuple[str, str]
"""A module, and a name at its top."""


class CodeError(ValueError):
    """A function whose code cannot be found; the message says which and what to change."""


@dataclass(frozen=True)
class Source:
    """The source of a module.

    Attributes:
        text: its text.
        package: the package that its relative imports start from.
    """

    text: str
    package: str


@dataclass(frozen=True)
class Definition:
    """One or more statements that define a name.

    Attributes:
        text: the statements, alike for statements that do the same.
        names: the names in them, each in the module where it is looked up.
    """

    text: str
    names: frozenset[Name]


NOTHING = Definition("", frozenset())


def code_version(function: Callable[..., Any]) -> str:
    """The version of a function's code: twelve hex digits.

    Raises:
        CodeError: the function does not stand at the top of its module, so that its code cannot be followed.
    """
    start = (function.__module__, function.__qualname__)
    packages = {HOME, start[0].partition(".")[0]}
    found: dict[Name, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found or name[0].partition(".")[0] not in packages:
            continue
        definition = _definition(*name)
        found[name] = definition.text
        waiting += definition.names
    if not found[start]:
        raise CodeError(
            f"The code of {start[0]}.{start[1]} cannot be followed, so that a change of it would go unseen: write it "
            "as a function at the top of its module."
        )
    text = [f"{module} {name} {found[module, name]}" for module, name in sorted(found)]
    return digest(PLATFORM_VERSION, text)


@cache
def source_of(module: str) -> Source | None:
    """The source of a module as it was first read; None when there is no such module, or it has no source."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    loader: Any = spec and spec.loader
    text = loader.get_source(module) if hasattr(loader, "get_source") else None
    return Source(text, spec.parent or "") if spec and text is not None else None


def _definition(module: str, name: str) -> Definition:
    """What defines a name of a module; nothing for built-in and local names."""
    source = source_of(module)
    if source is None:
        return NOTHING
    definitions = definitions_of(module, source)
    if name == ALL:
        return Definition(ALL, frozenset((module, each) for each in definitions))
    is_module = name not in definitions and source.package == module and source_of(f"{module}.{name}") is not None
    return Definition(ALL, frozenset({(f"{module}.{name}", ALL)})) if is_module else definitions.get(name, NOTHING)


@cache
def definitions_of(module: str, source: Source) -> Mapping[str, Definition]:
    """By name, what defines it at the top of a module whose source is given.

    A definition, an import and an assignment to a name define what they bind. Any other statement may change whatever
    it names, so it belongs to all of these.
    """
    found: dict[str, Definition] = {}
    for statement in _without_docstrings(ast.parse(source.text).body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            defined = {name: Definition(str(it), frozenset({it})) for name, it in _imported(statement, source.package)}
        else:
            definition = _described(statement, module, source.package)
            defined = dict.fromkeys(_defined(statement, definition, source.package), definition)
        for name, definition in defined.items():
            before = found.get(name, NOTHING)
            found[name] = Definition(before.text + definition.text, before.names | definition.names)
    return found


def _defined(statement: ast.stmt, definition: Definition, package: str) -> Collection[str]:
    """The names that a statement which is no import defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
            return {name}
        case _:
            bound = {name for node in ast.walk(statement) for name, _ in _imported(node, package)}
            bound |= {node.name for node in ast.walk(statement) if isinstance(node, DEFINES)}
            return {*bound, *(name for _, name in definition.names)}


def _described(statement: ast.stmt, module: str, package: str) -> Definition:
    nodes = tuple(_counted(statement))
    names = {(module, node.id) for node in nodes if isinstance(node, ast.Name)}
    imported = {target for node in nodes for _, target in _imported(node, package)}
    return Definition(_text(statement), frozenset(names | imported))


def _imported(node: ast.AST, package: str) -> Iterator[tuple[str, Name]]:
    """What an import binds, and what that stands for; nothing for other nodes."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, ALL)
    elif isinstance(node, ast.ImportFrom):
        origin = resolve_name("." * node.level + (node.module or ""), package)
        for alias in node.names:
            yield alias.asname or alias.name, (origin, alias.name)


def _counted(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all nodes in it, without those that change no value."""
    yield node
    for field, value in ast.iter_fields(node):
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST) and field not in IGNORED:
                yield from _counted(inner)


def _text(node: object) -> str:
    """A syntax tree as text, alike for code that does the same in every version of Python."""
    if isinstance(node, list):
        return f"[{','.join(_text(each) for each in _without_docstrings(node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if name not in IGNORED and value not in (None, [])]
    return f"{type(node).__name__}({','.join(f'{name}={_text(value)}' for name, value in fields)})"


def _without_docstrings(nodes: Iterable[Any]) -> list[Any]:
    """Statements without bare constants, which is what docstrings are."""
    return [node for node in nodes if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
