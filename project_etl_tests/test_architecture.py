"""The shape of the package: imports point one way, importing is free, and no file grows past what one can read."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import project_etl
from project_etl.catalog import tables
from project_etl.orchestration.factory import parameters_of
from project_etl.settings import load_settings

PACKAGE = Path(project_etl.__file__).parent
MAX_LINES = 400

# What the modules of a folder (or a single module) may import of this package, beside the folder itself. Anything may
# import `core`, and nothing in `core` imports anything else.
MAY_IMPORT = {
    "core": set(),
    "sources": {"core", "silver"},
    "silver": {"core"},
    "gold": {"core"},
    "exports": {"core"},
    "demo": set(),
    "catalog": {"settings", "core", "sources", "silver", "gold", "exports"},
    "orchestration": {"core", "catalog", "settings", "setting_groups", "demo"},
    "standing": {"core", "catalog", "settings"},
    "commands": {"core", "catalog", "settings", "setting_types", "demo", "orchestration", "standing"},
    "dashboard": {"core", "catalog", "gold", "settings", "standing"},
    "definitions": {"orchestration", "settings"},
    "cli": {"commands", "core"},
    "settings": {"core", "setting_types", "setting_groups"},
    "setting_groups": {"setting_types"},
    # Names of the sources that there are, and the codes that are allowed.
    "setting_types": {"core", "sources"},
}
# The folders (and single modules) of the core, each of which may import those before it.
CORE = (
    "arrow",
    "digest",
    "meter",
    "engine",
    "lake",
    "transforms",
    "contracts",
    "model",
    "views",
    "export",
    "bronze",
    "extract",
    "staleness",
    "silver",
    "gold",
    "rows_kept",
    "trace",
)
# Only these layers know of the orchestrator.
KNOWS_DAGSTER = {"orchestration", "commands", "definitions", "cli"}

FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
MODULES = [path for path in FILES if path != Path("__init__.py")]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, also inside functions."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                folder = ("project_etl", *path.parts[:-1])
                base = ".".join(folder[: len(folder) - node.level + 1])
            else:
                base = ""
            origin = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def layer_of(path: Path) -> str:
    """The folder of a module, or the module itself where it stands at the top."""
    return path.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    layer = layer_of(path)
    assert layer in MAY_IMPORT, f"{path}: say in MAY_IMPORT of this test what {layer} may import"
    allowed = MAY_IMPORT[layer] | {layer}
    wrong = [
        f"{path}:{line} imports {name}, but {layer} may only import {', '.join(sorted(allowed))}"
        for line, name in imports_of(path)
        if name.split(".")[0] == "project_etl" and name.split(".")[1] not in allowed | {"__version__"}
    ]
    assert not wrong


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "core" and path.parts[1:2]], ids=str)
def test_imports_of_the_core_point_one_way(path: Path) -> None:
    folder = path.parts[1].removesuffix(".py")
    if folder == "__init__":
        return
    allowed = CORE[: CORE.index(folder) + 1]
    found = (name.split(".") for _, name in imports_of(path) if name.startswith("project_etl.core."))
    wrong = {".".join(name) for name in found if name[2] not in allowed}
    assert not wrong, f"{path} may only import {', '.join(allowed)} of the core"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_the_wiring_knows_dagster(path: Path) -> None:
    if layer_of(path) not in KNOWS_DAGSTER:
        found = [
            f"{path}:{line} imports {name}"
            for line, name in imports_of(path)
            if name.split(".")[0].startswith("dagster")
        ]
        assert not found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_the_patches_know_private_modules_of_dagster(path: Path) -> None:
    if "dagster_patches" not in path.parts:
        assert not [name for _, name in imports_of(path) if re.match(r"dagster\w*\._", name)]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_are_short_enough_to_read(path: Path) -> None:
    lines = len((PACKAGE / path).read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{path} has {lines} lines, {MAX_LINES} is the end: split it by what belongs together"


# The one shared step that is about a table of its own: exchange rates.
ABOUT_A_TABLE = {Path("core/transforms/money.py")}
# Keys of gold/dim_date and gold/validation, and words of any code.
ALSO_COMMON_WORDS = {"date", "name"}


def names_of_the_shop() -> set[str]:
    """Columns that identify rows or their day in any table, and the settings that transforms take."""
    columns = {name for table in tables() for name in table.statistics}
    return (columns | set(parameters_of(load_settings({}, PACKAGE.parent / "config")))) - ALSO_COMMON_WORDS


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(path) == "core"], ids=str)
def test_the_core_knows_no_column_of_a_shop_and_no_setting_of_a_table(path: Path) -> None:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    if path not in ABOUT_A_TABLE:
        assert not texts & names_of_the_shop()


# Ends with another code when a JVM, a network connection or a file was asked for that an import has no business with.
IMPORT_AND_WATCH = """
import sys
allowed = sys.argv[1]
def watch(event, args):
    if event == "subprocess.Popen" and "java" in str(args[0]):
        sys.exit(f"importing starts {args}")
    if event == "socket.connect":
        sys.exit(f"importing connects to {args[1:]}")
    if event == "os.mkdir" and str(args[0]).startswith(allowed):
        sys.exit(f"importing makes the folder {args[0]}")
sys.addaudithook(watch)
import project_etl.definitions
from pyspark.sql import SparkSession
if SparkSession.getActiveSession() is not None:
    sys.exit("importing starts a Spark session")
"""


def test_importing_the_code_location_has_no_effects_and_needs_no_secrets(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PROJECT_ETL_JARS_DIR") if name in os.environ}
    places = {"PROJECT_ETL_LAKE_ROOT": f"{tmp_path}/lake", "PROJECT_ETL_LANDING_ROOT": f"{tmp_path}/landing"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_AND_WATCH, str(tmp_path)],
        cwd=PACKAGE.parent,
        env=kept | places,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["status.run", "trace.run", "contracts.run", "quarantine.show", "shared.console"])
def test_commands_that_only_look_start_without_dagster(command: str) -> None:
    script = f"import sys, project_etl.commands.{command}; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=PACKAGE.parent, check=False).returncode == 0


def test_the_code_location_loads_the_event_log_only_with_an_instance() -> None:
    script = "import sys, project_etl.definitions; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=PACKAGE.parent, check=False).returncode == 0


# What shows pages in a browser, and is no part of any run.
FOR_BROWSERS = {"streamlit", "plotly", "playwright"}
IMPORT_ALL_COMMANDS = f"""
import importlib, pkgutil, sys
import project_etl.definitions
from project_etl import commands
for module in pkgutil.walk_packages(commands.__path__, "project_etl.commands."):
    importlib.import_module(module.name)
sys.exit(", ".join({FOR_BROWSERS} & set(sys.modules)) or 0)
"""


def test_no_run_and_no_command_imports_what_shows_pages_in_a_browser() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL_COMMANDS], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(path) != "dashboard"], ids=str)
def test_only_the_dashboard_knows_what_shows_pages_in_a_browser(path: Path) -> None:
    assert not [name for _, name in imports_of(path) if name.split(".")[0] in FOR_BROWSERS]
