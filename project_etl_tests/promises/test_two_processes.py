"""Two processes materialize one lake at once, the same days and others, in any order: no commit is lost, Gold is right.

Each round lands something new, and both are told to go at the same moment.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import REPOSITORY, plain_environment, with_memory
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

DAYS = tuple(f"2025-01-{number:02}" for number in range(1, 7))
# Both all of it; the same day; a day each; newest first; a range around a gap of the other's.
PAIRS = (
    ((DAYS[0], DAYS[-1]), (DAYS[0], DAYS[-1])),
    ((DAYS[2], DAYS[2]), (DAYS[2], DAYS[2])),
    ((DAYS[1], DAYS[1]), (DAYS[4], DAYS[4])),
    ((DAYS[3], DAYS[5]), (DAYS[0], DAYS[2])),
    ((DAYS[0], DAYS[-1]), (DAYS[3], DAYS[3])),
)


@contextmanager
def rival(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, with its own Spark, that waits for orders."""
    with (folder / "rivals.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "project_etl_tests.promises.rival", str(folder)],
            cwd=REPOSITORY,
            env=plain_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def told(process: subprocess.Popen[str], days: tuple[str, str]) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{' '.join(days)}\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str], folder: Path) -> dict:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (folder / "rivals.log").read_text()[-5000:]
    return json.loads(line)


def land(shop: SmallShop, number: int) -> None:
    """An order of a day in a file of another, and a correction of one that came before."""
    chance = random.Random(number)
    day, landing = chance.choice(DAYS), chance.choice(DAYS)
    at = f"{day}T10:00:00Z"
    order = {**ORDER, "order_id": f"O{number}", "order_ts": at, "updated_at": at}
    corrected = {"order_id": f"O{max(number - 3, 1)}", "updated_at": f"{DAYS[-1]}T{number % 24:02}:00:00Z"}
    newer = {**ORDER, **corrected, "status": chance.choice(("PAID", "CANCELLED"))}
    item = {**ITEM, "order_item_id": f"I{number}", "order_id": f"O{number}", "updated_at": at}
    shop.land_rows("orders", landing, order, newer, name=f"{number}.csv")
    shop.land_rows("order_items", landing, item, name=f"{number}.csv")


def race(rounds: int, folder: Path, engine: Engine) -> None:
    """Let two processes run for some rounds, and compare with one that did it all at once."""
    shop = SmallShop(folder, engine)
    shop.land_rows("customers", DAYS[0], CUSTOMER)
    shop.land_rows("products", DAYS[0], PRODUCT)
    answers: list[dict] = []
    with_memory(folder)
    with ExitStack() as stack:
        rivals = [stack.enter_context(rival(folder)) for _ in range(2)]
        for number in range(1, rounds + 1):
            land(shop, number)
            for process, days in zip(rivals, PAIRS[number % len(PAIRS)], strict=True):
                told(process, days)
            answers += [answer(process, folder) for process in rivals]
        told(rivals[0], (DAYS[0], DAYS[-1]))
        answers.append(answer(rivals[0], folder))
    assert all(given["is_success"] for given in answers), (folder / "rivals.log").read_text()[-5000:]
    assert any(given["versions"] for given in answers)
    assert_no_commit_is_lost(shop, answers)
    alone = SmallShop(folder / "alone", engine)
    alone.landing = shop.landing
    alone.everything(*DAYS)
    assert_same(contents(shop.lake), contents(alone.lake))


def assert_no_commit_is_lost(shop: SmallShop, answers: list[dict]) -> None:
    """Every version that a run says it has written is in the log, and is that run's."""
    for given in answers:
        for name, version in given["versions"].items():
            logged = {commit.version: commit.note.get("run_id") for commit in shop.lake.commits(name)}
            assert logged.get(version) == given["run_id"], (name, version, given)


@pytest.mark.soak
def test_two_processes_at_once_fifty_times(tmp_path: Path, engine: Engine) -> None:
    race(50, tmp_path, engine)
