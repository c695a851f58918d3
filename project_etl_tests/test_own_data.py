"""docs/own-data.md is true: its tables are those of the contracts, its examples load, its source works as printed."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import own_data
import pytest
import yaml
from click.testing import CliRunner

from project_etl import setting_types, sources
from project_etl.cli import main
from project_etl_tests.commands.given import dagster_home_in, lake_in, settings_in

TEXT = own_data.PAGE.read_text(encoding="utf-8")
WORKED = TEXT.partition("\n## Add a source\n")[2]


def block(language: str) -> str:
    """The only block of a language in the worked example."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", WORKED, re.MULTILINE | re.DOTALL)
    return found


def test_the_tables_are_those_of_the_contracts_and_the_examples_break_no_rule(engine) -> None:
    assert engine
    assert own_data.page_of(TEXT) == TEXT, "run `make docs`"


def test_the_source_of_the_page_works_as_it_is_printed(engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine
    code = tmp_path / "code"
    code.mkdir()
    (code / "till.py").write_text(block("python"))
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(code)])
    monkeypatch.setattr(setting_types, "SOURCES", (*setting_types.SOURCES, "till"))
    settings = settings_in(tmp_path, block("yaml") + f"dagster_home: {tmp_path / 'home'}\nsettle_seconds: 0\n")
    assert yaml.safe_load(block("yaml"))["sources"] == ["shop", "till"]
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "articles.csv").write_text(block("csv"))
    for line in block("bash").splitlines():
        program, *arguments = shlex.split(line)
        if program == "project-etl":
            done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 0, done.output
        elif program == "mkdir":
            Path(arguments[-1]).mkdir(parents=True)
        else:
            assert program == "cp"
            shutil.copy(*arguments)
    found = lake_in(settings).state("silver/products").rows(["product_id", "name", "category", "price", "currency"])
    assert [tuple(map(str, row.values())) for row in sorted(found.to_pylist(), key=str)] == [
        ("till-4711", "Lamp", "Home", "24.9000", "EUR"),
        ("till-4712", "Chair", "Home", "89.0000", "EUR"),
    ]
