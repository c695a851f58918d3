"""A run that is stopped on its way leaves no process and nothing half done, and running again is all it takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import surroundings
from project_etl_tests.promises.commands import everything, left_over
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.promises.two_landings import DAYS, land_first, undisturbed
from project_etl_tests.small_shop import SmallShop

Stop = Callable[[subprocess.Popen[bytes]], None]
DAGSTER = str(Path(sys.executable).parent / "dagster")


def as_a_terminal(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C: everything of the command hears it."""
    os.killpg(process.pid, signal.SIGINT)


def as_a_supervisor(process: subprocess.Popen[bytes]) -> None:
    """What `timeout`, CI and systemd send, to the process that they have started."""
    process.send_signal(signal.SIGTERM)


@pytest.mark.soak
@pytest.mark.parametrize("stop", [as_a_terminal, as_a_supervisor])
def test_a_stopped_run_is_harmless(stop: Stop, tmp_path: Path, engine: Engine) -> None:
    shop, peer = SmallShop(tmp_path, engine), SmallShop(tmp_path / "peer", engine)
    for each in (shop, peer):
        land_first(each)
    command, env = [DAGSTER, *everything(*DAYS)], surroundings(tmp_path)
    log = tmp_path / "stopped.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        end = time.monotonic() + 120
        while not list(tmp_path.glob("lake/silver/*/_delta_log/*1.json")):
            assert time.monotonic() < end, "Silver was never reached"
            time.sleep(0.05)
        stop(process)
        process.wait(timeout=60)
    assert process.returncode != 0, log.read_text()[-3000:]
    assert left_over(tmp_path) == []
    contents(shop.lake)
    again = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr[-3000:]
    undisturbed(peer)
    assert_same(contents(shop.lake), contents(peer.lake))
