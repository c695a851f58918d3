"""A table is whole wherever a commit dies: with its rows of before or of after, for who died and for everybody else."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pytest

from project_etl.core.lake import TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl_tests.core.lake.given import CHANGES, PARTITIONED, SCHEMA, WHOLE, changed, ids_in, lake_in
from project_etl_tests.promises.crash_points import At, crash_points

AFTER = {"append": [1, 2], "replace": [2], "overwrite": [2], "upsert": [1, 2]}


class Died(BaseException):
    """Stands for the death of the process: nothing in the platform catches it."""


def dying(at: str) -> At:
    def die(point: str) -> None:
        if point == at:
            raise Died(point)

    return die


def unnamed(lake: TableStore, name: str) -> set[Path]:
    """Data files that the newest version does not name, nor any before it."""
    table = deltalake.DeltaTable(lake.path(name))
    named: set[Path] = set()
    for version in range(table.version() + 1):
        table.load_as_version(version)
        named |= {Path(file) for file in table.file_uris()}
    found = {file for file in Path(lake.path(name)).rglob("*.parquet") if "_delta_log" not in file.parts}
    return {file for file in found if file not in named and "_change_data" not in file.parts}


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("when", ["before", "within", "at the end of", "after"])
def test_a_table_is_whole_wherever_a_commit_dies(tmp_path: Path, when: str, how: str, name: str) -> None:
    lake = lake_in(str(tmp_path))
    changed(lake, "append", 1, name=name)
    point = f"{when} {type(CHANGES[how]).__name__.lower()} to {name}"
    with crash_points(dying(point)), pytest.raises(Died, match=point):
        changed(lake, how, 2, name=name)
    is_made = when in ("at the end of", "after")
    for found in (lake, TableStore(str(tmp_path))):
        assert (found.version(name), ids_in(found, name)) == (1 + is_made, AFTER[how] if is_made else [1])
        assert len(found.commits(name)) == 2 + is_made
    left = unnamed(lake, name)
    assert bool(left) == (when == "within")
    if not is_made:
        assert changed(lake, how, 2, name=name).version == 2
    assert ids_in(TableStore(str(tmp_path)), name) == AFTER[how]
    # What the dead left goes with the next vacuum.
    tidy(lake, name, keep_hours=0)
    assert not any(file.exists() for file in left)
    assert ids_in(lake, name) == AFTER[how]


@pytest.mark.parametrize("when", ["within", "after"])
def test_a_table_whose_making_died_is_made_again(tmp_path: Path, when: str) -> None:
    lake, name = TableStore(str(tmp_path)), "silver/new"
    with crash_points(dying(f"{when} the making of {name}")), pytest.raises(Died):
        lake.create(name, SCHEMA)
    for found in (lake, TableStore(str(tmp_path))):
        assert found.exists(name) == (when == "after")
    lake.create(name, SCHEMA)
    changed(lake, "append", 1, name=name)
    assert ids_in(lake, name) == [1]


def test_nothing_is_left_where_nobody_dies(tmp_path: Path) -> None:
    points: list[str] = []
    with crash_points(points.append):
        lake = lake_in(str(tmp_path))
        changed(lake, "append", 1)
    whens = ("before", "within", "at the end of", "after")
    assert points[-4:] == [f"{when} append to {PARTITIONED}" for when in whens]
    assert points[:2] == [f"{when} the making of {PARTITIONED}" for when in ("within", "after")]
    assert not unnamed(lake, PARTITIONED)
    assert not list(tmp_path.rglob("*.tmp"))
