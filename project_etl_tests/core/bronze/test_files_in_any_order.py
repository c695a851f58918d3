"""Files land, are corrected, copied and removed, runs die: Bronze is what one says that saw all at once. No engine.

Belongs here: chance. Does not belong here: a case of its own (`test_file_table.py`), Silver and Gold (`promises/`).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import FILES, Status
from project_etl.core.lake.maintenance import tidy
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.promises.crash_points import crash_points
from project_etl_tests.small_shop import SmallShop

# In two months.
DAYS = ("2025-01-31", "2025-02-01")
NAMES = ("a.csv", "b.csv", "c.csv")
BODIES = [*(f"order_id\n{keys}\n" for keys in ("1", "2", "1\n2", "3")), "order_id\n", "", "x\n1\n", "order_id\n1,2\n"]
BRONZE = "bronze/shop/orders"


class Died(BaseException):
    """Stands for the death of the process."""


class Life:
    """A shop to which things happen by chance, and one that sees each file that the first has seen."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.shop, self.peer = SmallShop(folder / "shop"), SmallShop(folder / "peer")
        self.chance = random.Random(seed)
        self.clock = 1_700_000_000
        # Days of which nobody knows which files a run that died has seen.
        self.torn: set[str] = set()

    def happens(self) -> None:
        """One thing."""
        day = self.chance.choice(DAYS)
        action = self.chance.choice((self.land, self.land, self.land, self.copy, self.remove, self.die, self.tidy))
        action(day)
        if self.chance.random() < 0.3:
            self.load(self.chance.choice((DAYS, (day,))))

    def load(self, days: Iterable[str]) -> None:
        self.torn |= {*days}
        self.shop.bronze("orders", *days)
        for day in days:
            for file in self.files(day):
                seen = self.peer.landing / file.relative_to(self.shop.landing)
                seen.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, seen)
        self.torn -= {*days}

    def land(self, day: str) -> None:
        self.settle(day)
        self.written(self.shop.land("orders", day, self.chance.choice(BODIES), self.chance.choice(NAMES)))

    def copy(self, day: str) -> None:
        self.settle(day)
        for file in self.files(day)[:1]:
            copy = file.with_name(self.chance.choice(NAMES))
            copy.write_bytes(file.read_bytes())
            self.written(copy)

    def remove(self, day: str) -> None:
        self.settle(day)
        for file in self.files(day)[-1:]:
            file.unlink()

    def die(self, day: str) -> None:
        lives = self.chance.randint(0, 4)

        def at(point: str) -> None:
            nonlocal lives
            lives -= 1
            if lives < 0:
                raise Died(point)

        with crash_points(at), suppress(Died):
            self.load(self.chance.choice((DAYS, (day,))))

    def tidy(self, _: str) -> None:
        for name in (BRONZE, FILES):
            if self.shop.lake.exists(name):
                tidy(self.shop.lake, name, keep_hours=0)

    def settle(self, day: str) -> None:
        if day in self.torn:
            self.load((day,))

    def written(self, file: Path) -> None:
        self.clock += 1
        os.utime(file, (self.clock, self.clock))

    def files(self, day: str) -> list[Path]:
        return sorted((self.shop.landing / "shop/orders" / day).glob("*"))


@pytest.mark.parametrize("seed", range(12))
def test_bronze_and_the_file_table_are_right_whatever_happens(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path, seed)
    lake = life.shop.lake
    for _ in range(12):
        life.happens()
        if lake.exists(BRONZE):
            rows = file_table.files(lake, [BRONZE], DAYS).values()
            loaded = {row.path for row in rows if row.status is Status.LOADED}
            assert loaded == {path for (path,) in life.shop.rows(BRONZE, "_source_file")}
    life.load(DAYS)
    expected, found = life.peer.bronze("orders", *DAYS), life.shop.bronze("orders", *DAYS)
    assert_same(contents(lake), contents(life.peer.lake))
    assert found.days == expected.days
    assert [rule.by_day for rule in found.rules] == [rule.by_day for rule in expected.rules]
