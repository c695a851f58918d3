"""A process that is killed at any statement of a push does no harm: readers find the old rows or the new ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from project_etl.core.export import SQLITE, TARGETS
from project_etl.core.export.aside import replacing
from project_etl_tests.core.export.given import D2, D3, sale, shop_in
from project_etl_tests.core.export.killed import EXPORTS


def behind_in(folder: Path, name: str) -> None:
    """A shop whose target is behind: a day is new, one has changed, and so has the other table."""
    shop = shop_in(folder)
    shop.push(name, EXPORTS)
    shop.sales(D2, sale(D2, "s4"), sale(D2, "s5"))
    shop.sales(D3, *(sale(D3, f"s{number}") for number in (6, 7, 8)))
    shop.sellers("ann", "bob", "eve")


def deaths(folder: Path, *arguments: str) -> int:
    """How many processes died until one did not; each time readers found the old rows or the new ones."""
    command = [sys.executable, "-m", "project_etl_tests.core.export.killed", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr
    # What those left behind who died is gone.
    assert not list((folder / "exports").rglob("*.tmp*"))
    return int(done.stdout)


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_a_kill_at_any_statement_is_harmless(name: str, tmp_path: Path) -> None:
    behind_in(tmp_path, name)
    assert deaths(tmp_path, name) > 40


def test_a_kill_between_writing_and_renaming_is_harmless(tmp_path: Path) -> None:
    behind_in(tmp_path, SQLITE)
    assert deaths(tmp_path, SQLITE, replacing.__name__) > 5
