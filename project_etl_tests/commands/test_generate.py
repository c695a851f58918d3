"""`project-etl generate`: its arguments reach the generator, its faults are told to people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from project_etl.commands.generate import run as generate
from project_etl.commands.shared.errors import UserError
from project_etl.demo import MANIFEST_NAME, Manifest
from project_etl_tests.commands.given import paper, text_of

SMALL: dict[str, Any] = {"days": 2, "start": date(2025, 3, 1), "scale": 0.005, "seed": 3}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("landing")
    generate.run(paper(), out, **SMALL)
    return out


def test_the_arguments_are_those_of_the_manifest(landing):
    manifest = Manifest.load(landing)
    assert (manifest.days, manifest.start, manifest.scale, manifest.seed) == (2, date(2025, 3, 1), 0.005, 3)


def test_a_landing_that_is_there_is_replaced_only_when_asked(landing):
    with pytest.raises(UserError, match=r"is there already.*On the command line: --out FOLDER, or --overwrite"):
        generate.run(paper(), landing, **SMALL)
    console = paper()
    generate.run(console, landing, **SMALL, overwrite=True)
    assert f"records in {sum(len(b.files) for b in Manifest.load(landing).datasets.values())} files" in text_of(console)


def test_an_argument_out_of_range_is_told(tmp_path):
    with pytest.raises(UserError, match="The shop was not generated: scale: found 0"):
        generate.run(paper(), tmp_path, **{**SMALL, "scale": 0})


def test_a_landing_is_recognized_by_its_arguments(landing, tmp_path):
    assert generate.is_generated(landing, **SMALL)
    assert not generate.is_generated(tmp_path / "nothing", **SMALL)
    with pytest.raises(UserError, match=r"holds 2 days from 2025-03-01 at scale 0.005, seed 3; asked for are 5 days"):
        generate.is_generated(landing, **{**SMALL, "days": 5})


def test_files_of_somebody_else_are_not_taken_for_a_demo(tmp_path):
    (tmp_path / "shop" / "orders").mkdir(parents=True)
    with pytest.raises(UserError, match="holds files that the generator did not make"):
        generate.is_generated(tmp_path, **SMALL)
    (tmp_path / MANIFEST_NAME).write_text("{}")
    with pytest.raises(UserError, match="or made in an older version"):
        generate.is_generated(tmp_path, **SMALL)
