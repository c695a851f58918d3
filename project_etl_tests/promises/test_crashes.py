"""A crash at any point is harmless: killed, run again, and the result is that of a run that nobody disturbed.

Two landings, and a night of maintenance, each in processes that are killed with their JVM, one crash point after the
other, until one comes through. `make soak` runs it: each death costs the start of a JVM. In every test run the state
machine of `test_any_order.py` stops at the same points; `orchestration/test_daemon.py` kills the daemon.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from project_etl.core.bronze.file_table import FILES
from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import REPOSITORY, memory_in, surroundings
from project_etl_tests.promises.commands import MAINTENANCE_JOB, everything
from project_etl_tests.promises.contents import assert_same, contents, table_names
from project_etl_tests.promises.two_landings import DAYS, land_first, land_second, undisturbed
from project_etl_tests.small_shop import SmallShop

LONG_AGO = time.time() - 30 * 86400
MORTAL = "project_etl_tests.promises.mortal"

# What lies between two commits is the same before the second as after the first, but for Dagster's events of the first.
EVERY_POINT = (
    "^after (?!the making)|^within (upsert|replacewhere)|^before .* (silver|quarantine)/"
    "|^before (compaction|vacuum|a check)"
    # On disk the end of a commit is what follows it; of these one of a kind is enough.
    "|^within the making of .*/orders|^at the end of .* to silver/orders"
)


@dataclass
class Victim:
    """A shop whose commands are killed."""

    shop: SmallShop
    folder: Path

    def survive(self, *command: str) -> list[str]:
        """Run a command again and again until it comes through; where it died, in order."""
        env, file = surroundings(self.folder), self.folder / "deaths.txt"
        file.write_text("")
        while True:
            died = len(file.read_text().splitlines())
            done = subprocess.run(
                [sys.executable, "-m", MORTAL, str(file), EVERY_POINT, "dagster", *command],
                cwd=REPOSITORY,
                env=env,
                capture_output=True,
                text=True,
                start_new_session=True,
                check=False,
            )
            deaths = file.read_text().splitlines()
            if done.returncode == 0:
                return deaths
            assert (done.returncode, len(deaths)) == (-signal.SIGKILL, died + 1), done.stderr[-3000:]


def changes(shop: SmallShop) -> dict[str, int]:
    """How many commits changed the rows of each table."""
    return {name: sum(commit.may_change_rows for commit in shop.lake.commits(name)) for name in table_names(shop.lake)}


def reported_versions(folder: Path, names: Iterable[str]) -> dict[str, object]:
    """The Delta version that Dagster's newest materialization of each table names."""
    with memory_in(folder) as instance:
        events = {name: instance.get_latest_materialization_event(dg.AssetKey(name.split("/"))) for name in names}
    return {
        name: event.asset_materialization.metadata["delta_version"].value
        for name, event in events.items()
        if event and event.asset_materialization
    }


def live(victim: Victim, peer: SmallShop, land: Callable[[SmallShop], None]) -> list[str]:
    """Let something land with both; one dies on its way, and says in the end what the other does; where it died."""
    for shop in (victim.shop, peer):
        land(shop)
    undisturbed(peer)
    deaths = victim.survive(*everything(*DAYS))
    assert_same(contents(victim.shop.lake), contents(peer.lake))
    # What was committed before a death was not committed again, and Dagster knows the commit that did it.
    known = [name for name in changes(peer) if not name.startswith(("quarantine/", FILES))]
    assert {name: changes(victim.shop)[name] for name in known} == {name: changes(peer)[name] for name in known}
    assert reported_versions(victim.folder, known) == {name: victim.shop.version(name) for name in known}
    return deaths


@pytest.mark.soak
def test_killed_at_every_point(tmp_path: Path, engine: Engine) -> None:
    peer = SmallShop(tmp_path / "peer", engine)
    victim = Victim(SmallShop(tmp_path / "victim", engine), tmp_path / "victim")
    first, second = live(victim, peer, land_first), live(victim, peer, land_second)
    # One of each kind, so that none is missed unnoticed.
    assert {
        "within the making of bronze/shop/orders",
        "after append to bronze/shop/orders",
        "after append to bronze/_files",
        "before append to silver/orders",
        "before append to quarantine/orders",
        "after append to gold/daily_aov",
    } <= set(first)
    assert {
        "after replacewhere to bronze/shop/order_items",
        "within upsert to silver/orders",
        "at the end of upsert to silver/orders",
        "after upsert to quarantine/order_items",
        "within replacewhere to gold/daily_aov",
    } <= set(second)


@pytest.mark.soak
def test_killed_in_maintenance(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine)
    for land in (land_first, land_second):
        land(shop)
        undisturbed(shop)
    before, left = contents(shop.lake), left_behind(shop)
    deaths = Victim(shop, tmp_path).survive(*MAINTENANCE_JOB)
    points = ("compaction", "vacuum", "a checkpoint")
    assert {f"{when} {point}" for when in ("before", "after") for point in points} <= set(deaths)
    assert not [file for file in left if file.exists()]
    assert_same(contents(shop.lake), before)


def left_behind(shop: SmallShop) -> list[Path]:
    """Leave a data file in each table that no version names, as a killed write does, long enough ago for a vacuum."""
    left: list[Path] = []
    for name in table_names(shop.lake):
        file = next(iter(sorted(Path(shop.lake.path(name)).rglob("[!.]*.parquet"))), None)
        if file and "_delta_log" not in file.parts:
            left.append(Path(shutil.copyfile(file, file.with_name(f"left-{file.name}"))))
            os.utime(left[-1], (LONG_AGO, LONG_AGO))
    return left
