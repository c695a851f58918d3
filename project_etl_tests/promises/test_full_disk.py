"""A full disk is harmless: the cause is named, older versions stay readable, and running again is all that it takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.lake import TableStore
from project_etl_tests.commands.given import REPOSITORY
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.promises.small_disk import KEPT, SECOND
from project_etl_tests.promises.two_landings import land_first, land_second, undisturbed
from project_etl_tests.small_shop import SmallShop


def live(folder: Path, disk: str) -> dict:
    """Live with a small disk in a mount namespace of its own, so that nothing is left of it."""
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable]
    command += ["-m", "project_etl_tests.promises.small_disk", str(folder), str(folder / disk)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.soak
@pytest.mark.parametrize(("disk", "cause"), [("lake", "No space left on device"), ("home", "database or disk is full")])
def test_a_full_disk_is_harmless(disk: str, cause: str, tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    land_first(shop)
    later = SmallShop(tmp_path / "later", engine)
    land_second(later)
    later.landing.rename(tmp_path / SECOND)
    lived = live(tmp_path, disk)
    assert [code == 0 for code in lived["codes"]] == [True, False, True], lived
    assert cause in lived["said"]
    assert lived["left"] == []
    # Some of it was written, and what was there before can still be read.
    assert lived["tables"] or disk == "home"
    before, after = lived["rows"]
    assert after == before
    peer = SmallShop(tmp_path / "peer", engine)
    shutil.copytree(shop.landing, peer.landing)
    undisturbed(peer)
    lake = TableStore(str(tmp_path / KEPT), shop.lake.engine) if disk == "lake" else shop.lake
    assert_same(contents(lake), contents(peer.lake))
