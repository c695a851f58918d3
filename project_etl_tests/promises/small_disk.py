"""A shop of which one folder is a disk of its own that is full for a while.

    unshare --user --map-root-user --mount python -m project_etl_tests.promises.small_disk FOLDER DISK

DISK is the lake or Dagster's home below FOLDER. Two landings are materialized: the first with room, the second without
and then, with room, again. Standard output is JSON, see `Outcome`; the disk's files are kept in `FOLDER/kept`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from project_etl.core.lake import TableStore
from project_etl_tests.commands.given import surroundings
from project_etl_tests.promises.commands import everything, left_over
from project_etl_tests.promises.contents import contents, table_names
from project_etl_tests.promises.two_landings import DAYS

# Room for a commit or two and not for all.
ROOM_KIB = 96
KEPT = "kept"
SECOND = "second_landing"


@dataclass(frozen=True)
class Outcome:
    """What happened.

    Attributes:
        codes: exit codes of the three runs.
        said: what the run without room said.
        rows: rows by table before it, and what the same versions of them hold after it.
        left: processes that it left behind.
        tables: tables that it committed to before it failed.
    """

    codes: list[int]
    said: str
    rows: list[dict[str, int]]
    left: list[str]
    tables: list[str]


def live(folder: Path, disk: Path) -> Outcome:
    """Let the disk run full and have room again."""
    resize(disk, "size=1g", is_new=True)
    lake = TableStore(str(folder / "lake"))
    first = materialize(folder)
    before, versions = rows_of(lake), versions_of(lake)
    shutil.copytree(folder / SECOND, folder / "landing", dirs_exist_ok=True)
    used = int(subprocess.run(["du", "-sk", disk], capture_output=True, text=True, check=True).stdout.split()[0])
    resize(disk, f"size={used + ROOM_KIB}k")
    full = materialize(folder)
    left = [str(process) for process in left_over(folder)]
    moved = [name for name in versions if lake.state(name).version != versions[name]]
    older = {name: lake.at(name, version or 0).row_count for name, version in versions.items()}
    resize(disk, "size=1g")
    again = materialize(folder)
    shutil.copytree(disk, folder / KEPT)
    codes = [run.returncode for run in (first, full, again)]
    return Outcome(
        codes, full.stdout + full.stderr, [before, {name: rows for name, rows in older.items() if rows}], left, moved
    )


def materialize(folder: Path) -> subprocess.CompletedProcess[str]:
    """Materialize everything, in a process of its own."""
    command = [str(Path(sys.executable).parent / "dagster"), *everything(*DAYS)]
    return subprocess.run(command, env=surroundings(folder), capture_output=True, text=True, check=False)


def resize(disk: Path, size: str, *, is_new: bool = False) -> None:
    """Put a disk in memory in the folder's place, or give the one that is there another size."""
    options = ["-t", "tmpfs", "-o", size, "none"] if is_new else ["-o", f"remount,{size}"]
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, str(disk)], check=True)


def rows_of(lake: TableStore) -> dict[str, int]:
    """Rows by table, all of them read."""
    return {name: rows.total() for name, rows in contents(lake).items()}


def versions_of(lake: TableStore) -> dict[str, int | None]:
    """Delta versions by table."""
    return {name: lake.version(name) for name in table_names(lake)}


def no_session() -> NoReturn:
    """The lake is only looked at."""
    raise AssertionError("no Spark here")


if __name__ == "__main__":
    print(json.dumps(asdict(live(Path(sys.argv[1]), Path(sys.argv[2])))))
