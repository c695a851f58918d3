"""`python -m bench.age`: whether an old lake plans its next day as quickly and as narrowly as a young one.

One shop is loaded, and its lake is copied: as it is (young); with logs whose old entries were cleaned away; with 20,000
commits to each table of Bronze and Silver; and cleaned with its journals lost. Then one more day lands, and each lake
takes it in. What happened since its last load, it has to look at once. Then a late row lands: the load after that.

Not here: the comparison with scripts (`scenarios.py`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from bench.landing import COLD, DAY, LATE, REPOSITORY, shop
from bench.measure import BenchError, require_linux
from bench.scenarios import PLATFORM, Side
from project_etl.core.lake import TableStore
from project_etl.core.lake.maintenance import tidy

COMMITS = 20_000
# Of a cleaned log, so many entries are left.
LEFT = 5
YOUNG, CLEANED, LOST = "young", "log cleaned", "log cleaned, journals lost"
LONG = f"{COMMITS:,} commits to each table of Bronze and Silver"
STEPS = (DAY, LATE)


def main() -> int:
    """Make the lakes, let each take in a day, and write what that cost."""
    options = _options()
    try:
        require_linux()
        with tempfile.TemporaryDirectory(prefix="age-") as folder:
            text = _markdown(_measured(Path(folder), options))
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


@dataclass
class Step:
    """What a load of an old lake took, in each round, and which days it computed."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    computed: str = ""


def _measured(folder: Path, options: argparse.Namespace) -> dict[str, list[Step]]:
    """Kind of lake → what the next day took, and the load after that."""
    data = shop(folder / "landing", options.scale, options.days)
    loaded = Side(PLATFORM, data, folder / "loaded")
    loaded.run(COLD)
    found = {kind: [Step() for _ in STEPS] for kind in AGES}
    for number in range(options.rounds):
        for kind, grow_old in AGES.items():
            side = replace(loaded, folder=folder / f"{number}")
            shutil.copytree(loaded.folder, side.folder)
            lake = TableStore(str(side.lake))
            tables = list(_tables(lake))
            for name in tables:
                grow_old(lake, name)
            for scenario, step in zip(STEPS, found[kind], strict=True):
                before = {name: TableStore(str(side.lake)).version(name) or 0 for name in tables}
                usage = side.run(scenario).usage
                step.wall.append(usage.wall_seconds)
                step.cpu.append(usage.cpu_seconds)
                step.computed = _days_computed(TableStore(str(side.lake)), before)
                sys.stderr.write(f"{kind}, {scenario}: {usage.wall_seconds:.1f} s, {step.computed}\n")
            shutil.rmtree(side.folder)
    return found


# --- growing old ------------------------------------------------------------------------------------------------------


def _stay_young(lake: TableStore, name: str) -> None:
    """Nothing happens."""


def _clean(lake: TableStore, name: str) -> None:
    """Some empty batches and a night of maintenance, and Delta forgets all but the last entries of the log."""
    _add_commits(lake, name, 50)
    tidy(lake, name, keep_hours=24)
    log = Path(lake.path(name)) / "_delta_log"
    newest = TableStore(lake.root).version(name) or 0
    for version in range(newest - LEFT):
        (log / f"{version:020}.json").unlink(missing_ok=True)


def _live_long(lake: TableStore, name: str) -> None:
    """Empty batches for years, and a night of maintenance now and then."""
    if not name.startswith(("bronze/", "silver/")):
        return
    _add_commits(lake, name, COMMITS)
    tidy(lake, name, keep_hours=24)
    _add_commits(lake, name, LEFT)


def _lose(lake: TableStore, name: str) -> None:
    _clean(lake, name)
    shutil.rmtree(Path(lake.path(name)) / "_journal")


AGES: Mapping[str, Callable[[TableStore, str], None]] = {
    YOUNG: _stay_young,
    CLEANED: _clean,
    LONG: _live_long,
    LOST: _lose,
}


def _add_commits(lake: TableStore, name: str, number: int) -> None:
    """Put commits of no rows into the log, as a load leaves them that found nothing; quicker than to make them."""
    log = Path(lake.path(name)) / "_delta_log"
    first = (TableStore(lake.root).version(name) or 0) + 1
    entry = {
        "operation": "WRITE",
        "operationParameters": {"mode": "Append"},
        "operationMetrics": {"num_added_rows": 0, "num_added_files": 0, "num_removed_files": 0},
        "userMetadata": json.dumps({"table": "", "run_id": "age", "report": {"days": {}, "totals": {}, "rules": []}}),
    }
    started = TableStore(lake.root).state(name).made_by.timestamp
    for version in range(first, first + number):
        line = json.dumps({"commitInfo": {"timestamp": started + version - first + 1, **entry}})
        (log / f"{version:020}.json").write_text(f"{line}\n", encoding="utf-8")
    # As a writer does now and then.
    lake.known.clear()
    lake.state(name).delta.create_checkpoint()


# --- looking ----------------------------------------------------------------------------------------------------------


def _tables(lake: TableStore) -> Iterator[str]:
    for layer in ("bronze", "silver", "gold", "quarantine"):
        yield from lake.names(layer)


def _days_computed(lake: TableStore, before: Mapping[str, int]) -> str:
    """How many days the commits since some versions computed, by layer."""
    days: dict[str, int] = {}
    for name, version in before.items():
        layer = name.split("/")[0]
        commits = lake.state(name).commits_since(version)
        days[layer] = days.get(layer, 0) + sum(len(commit.note.get("days") or ()) for commit in commits)
    return ", ".join(f"{layer} {number}" for layer, number in days.items() if number)


def _markdown(found: Mapping[str, list[Step]]) -> str:
    lines = [
        "# One more day on an old lake",
        "",
        "`python -m bench.age`: the whole command, Dagster's start included; medians.",
        "",
        "| lake | load | wall s | CPU s | days computed, all tables together |",
        "|---|---|---|---|---|",
        *(
            f"| {kind} | {load} | {median(step.wall):.1f} | {median(step.cpu):.1f} | {step.computed} |"
            for kind, steps in found.items()
            for load, step in zip(("the next day", "a late row after it"), steps, strict=True)
        ),
    ]
    return "\n".join(lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.age", description="Measure the next day of old lakes.")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each lake (default: %(default)s)")
    parser.add_argument("--days", type=int, default=30, help="days of the shop (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=0.2, help="size of the shop (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "bench" / "results" / "age.md", help="the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
