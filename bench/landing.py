"""The data of the benchmark: what lands for each source, and which days each scenario loads.

Not here: loading them (`scenarios.py`).
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.measure import BenchError
from project_etl.demo import generate
from project_etl.demo.shop import FIRST_DAY

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_LANDING = REPOSITORY.parent / "shared" / "data" / "landing"
SHOP, ONLINE_RETAIL = "shop", "online_retail"
SOURCES = (ONLINE_RETAIL, SHOP)

COLD, DAY, LATE, NOTHING, AGAIN, DEMO = "cold", "day", "late", "nothing", "again", "demo"
# In this order, each on the lake that the ones before it have left; the demo makes its own.
SCENARIOS = {
    COLD: "cold full load",
    DAY: "one more day",
    LATE: "a late row",
    NOTHING: "nothing new",
    AGAIN: "nothing new, all days",
    DEMO: "demo",
}
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Data:
    """A source's landing.

    Attributes:
        source: the source.
        currency: its reporting currency.
        landing: the landing root.
        first: the first day of the cold load.
        last_cold: the last day of the cold load.
        last: the day that lands after it; the late row lands on the day after that.
        rows: records that each scenario finds new.
    """

    source: str
    currency: str
    landing: Path
    first: date
    last_cold: date
    last: date
    rows: Mapping[str, int]

    @property
    def late(self) -> date:
        """The landing day of the late row."""
        return self.last + ONE_DAY

    def landed(self, scenario: str) -> tuple[date, date]:
        """First and last landing day of what is new in a scenario."""
        return {COLD: (self.first, self.last_cold), DAY: (self.last, self.last)}.get(scenario, (self.late, self.late))

    def asked(self, scenario: str) -> tuple[date, date]:
        """First and last day that the platform is asked for: all, where it has to find out which ones are stale."""
        return (self.first, self.late) if scenario in (LATE, AGAIN) else self.landed(scenario)


def shop(folder: Path, scale: float, days: int) -> Data:
    """Generate the shop: `days` days, one more, and a line for an order of an old day."""
    manifest = generate(folder, days=days + 1, scale=scale)
    last_cold = FIRST_DAY + timedelta(days=days - 1)
    files = [file for books in manifest.datasets.values() for file in books.files if file.state == "loaded"]
    rows = {COLD: 0, DAY: 0, LATE: 1, NOTHING: 0, AGAIN: 0}
    for file in files:
        rows[COLD if file.path.split("/")[2] <= last_cold.isoformat() else DAY] += file.records
    data = Data(SHOP, "EUR", folder, FIRST_DAY, last_cold, last_cold + ONE_DAY, rows)
    items = folder / "shop" / "order_items"
    old = _lines(items / (FIRST_DAY + timedelta(days=days // 2)).isoformat() / "order_items.csv")[0]
    _land_late(items / data.late.isoformat(), old | {"order_item_id": f"{old['order_id']}-99"})
    return data


def online_retail(folder: Path, real: Path, repeat: int, days: int | None = None) -> Data:
    """Lay the real order lines out `repeat` times, the last day as the one more, and a late line of an old day.

    Args:
        folder: the landing root to make.
        real: landing root with the real lines.
        repeat: how many times, one span of days after the other.
        days: how many of the real days to take; None takes all.

    Raises:
        BenchError: there are fewer than two days.
    """
    found = sorted((real / ONLINE_RETAIL / ONLINE_RETAIL).glob("????-??-??"))[:days]
    if len(found) < 2:
        raise BenchError(
            f"{real} has {len(found)} days of online_retail, expected two or more at "
            "online_retail/online_retail/<YYYY-MM-DD>/*.csv: name its landing folder with --landing, or --sources shop."
        )
    command = [sys.executable, "-m", "bench.peers.make_landing", str(found[0].parent), str(folder)]
    command += ["--to", found[-1].name, "--repeat", str(repeat)]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if made.returncode:
        raise BenchError(f"the landing could not be made: {made.stderr}")
    root = folder / ONLINE_RETAIL / ONLINE_RETAIL
    landed = {date.fromisoformat(path.parent.name): _lines(path) for path in sorted(root.glob("*/*.csv"))}
    first, *_, last_cold, last = landed
    cold = sum(len(lines) for day, lines in landed.items() if day != last)
    rows = {COLD: cold, DAY: len(landed[last]), LATE: 1, NOTHING: 0, AGAIN: 0}
    data = Data(ONLINE_RETAIL, "GBP", folder, first, last_cold, last, rows)
    old = next(line for line in list(landed.values())[len(landed) // 2 - 1] if _is_sale(line))
    _land_late(root / data.late.isoformat(), old | {"InvoiceNo": f"{old['InvoiceNo']}99"})
    return data


def _is_sale(line: Mapping[str, str]) -> bool:
    is_cancelled = line["InvoiceNo"].startswith("C")
    return not is_cancelled and bool(line["CustomerID"]) and int(line["Quantity"]) > 0 and float(line["UnitPrice"]) > 0


def _lines(path: Path) -> Sequence[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _land_late(folder: Path, line: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    with (folder / "late.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(line), lineterminator="\n")
        writer.writeheader()
        writer.writerow(line)
