"""The store: states that stay as they were found, commits that nobody overtakes, and what crashes leave behind."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import deltalake
import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, Conflict, LakeError, ReplaceWhere, TableStore, Upsert, delta_rs
from project_etl.core.lake.maintenance import tidy
from project_etl_tests.core.lake.given import (
    CHANGES,
    DAY,
    PARTITIONED,
    SCHEMA,
    WHOLE,
    another_writer,
    changed,
    ids_in,
    lake_in,
    rows,
)

MONTHS = 60 * 24 * 3600


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    """Both tables, empty, and no engine: delta-rs commits."""
    return lake_in(str(tmp_path))


def versions(lake: TableStore, name: str = PARTITIONED) -> list[tuple[int, Any]]:
    return [(commit.version, commit.note.get("run_id")) for commit in lake.commits(name)]


# --- where and which --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["file://", "file:"])
def test_a_local_root_may_be_written_as_a_url(tmp_path: Path, prefix: str) -> None:
    plain, url = lake_in(str(tmp_path)), TableStore(f"{prefix}{tmp_path}/")
    changed(url, "append", 1)
    assert url.is_local
    assert url.path(PARTITIONED) == plain.path(PARTITIONED)
    assert ids_in(plain) == [1]
    with plain.lock(PARTITIONED), pytest.raises(BlockingIOError):
        held(url)


def held(lake: TableStore) -> None:
    """Ask for the table's lock without waiting."""
    import fcntl

    (file,) = Path(lake.path(".locks")).glob("silver.things.lock")
    with file.open() as open_file:
        fcntl.flock(open_file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("root", ["s3://bucket/lake", "s3a://bucket/lake"])
def test_an_object_store_is_not_local(root: str) -> None:
    assert not TableStore(root).is_local


def test_tables_have_names_once_they_are_made(lake: TableStore, tmp_path: Path) -> None:
    (tmp_path / "silver" / "no_table").mkdir()
    assert lake.names("silver") == [WHOLE, PARTITIONED]
    assert lake.names("gold") == []


def test_looking_writes_nothing(lake: TableStore, tmp_path: Path) -> None:
    changed(lake, "append", 1)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    looking = TableStore(str(tmp_path))
    looking.create(PARTITIONED, SCHEMA, partition_by="day")
    pinned = looking.pinned([PARTITIONED, WHOLE])
    state = pinned.state(PARTITIONED)
    assert (state.row_count, state.journal.data_version, pinned.is_empty(WHOLE)) == (1, 1, True)
    assert looking.at(PARTITIONED, 0).is_empty
    assert looking.names("silver")
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


# --- states -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
def test_rows_outside_of_some_days_are_counted_by_day(lake: TableStore, name: str) -> None:
    for number, day in enumerate(["1900-01-01", DAY, "2025-01-03", "2025-01-03", "9998-12-31"]):
        lake.commit(name, Append(), rows(number, day=day), {})
    state = lake.state(name)
    outside = state.rows_outside("day", date(2025, 1, 1), date(2025, 1, 2))
    assert outside == {"1900-01-01": 1, "2025-01-03": 2, "9998-12-31": 1}
    assert state.rows_outside("day", date(1900, 1, 1), date(9998, 12, 31)) == {}


def test_a_pinned_table_is_as_it_was_found(lake: TableStore) -> None:
    changed(lake, "append", 1, 2, 3, run="first")
    found = lake.pinned([PARTITIONED, "silver/later"])
    changed(lake, "append", 4, 5, run="second")
    lake.create("silver/later", SCHEMA)
    assert not found.exists("silver/later")
    with pytest.raises(LakeError, match="silver/later is not in the lake"):
        found.state("silver/later")
    assert (found.version(PARTITIONED), found.data_version(PARTITIONED), ids_in(found)) == (1, 1, [1, 2, 3])
    assert found.state(PARTITIONED).partition_rows("day") == {DAY: 3}
    assert versions(found) == [(1, "first"), (0, None)]
    assert (ids_in(lake), lake.version(PARTITIONED)) == ([1, 2, 3, 4, 5], 2)


@pytest.mark.parametrize("how", CHANGES)
def test_a_state_stays_as_it_was_when_this_process_commits(lake: TableStore, how: str) -> None:
    changed(lake, "append", 1, 2)
    before = lake.state(PARTITIONED)
    changed(lake, how, 2, 3)
    assert (before.version, before.row_count, before.rows(["id"])["id"].to_pylist()) == (1, 2, [1, 2])
    assert before.journal.data_version == 1
    assert lake.state(PARTITIONED).version == 2


def test_the_state_after_a_commit_is_the_one_that_a_reader_finds(lake: TableStore, tmp_path: Path) -> None:
    for remembers in (False, True):
        if remembers:
            lake.commits(PARTITIONED)
        for how in CHANGES:
            commit = changed(lake, how, 1, 2)
            mine, read = lake.state(PARTITIONED), TableStore(str(tmp_path)).state(PARTITIONED)
            assert mine.commits == read.commits
            assert mine.commits[0] == commit
            assert (mine.version, mine.schema_json, mine.files) == (read.version, read.schema_json, read.files)


def test_a_kept_frame_says_the_same_after_the_table_was_written(tmp_path: Path, engine: Engine) -> None:
    lake = lake_in(str(tmp_path), engine)
    changed(lake, "append", 1, 2, 3)
    lazy = lake.read(PARTITIONED)
    with lake.keep(lake.read(PARTITIONED)) as kept:
        changed(lake, "replace", 4)
        assert (kept.count(), lazy.count(), lake.read(PARTITIONED).count()) == (3, 3, 1)


@pytest.mark.parametrize("name", ["my shop", "jürgen", "a+b'c"])
def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path: Path, engine: Engine, name: str) -> None:
    lake = lake_in(str(tmp_path / name), engine)
    for how in CHANGES:
        changed(lake, how, 1, 2)
        rows_now = lake.read(PARTITIONED)
        assert sorted(row["id"] for row in rows_now.collect()) == ids_in(lake)


def test_a_table_that_nobody_has_written_for_two_months_is_read(tmp_path: Path, engine: Engine) -> None:
    new = lake_in(str(tmp_path / "new"))
    changed(new, "append", 1, 2, 3)
    # A copy, for an engine may remember how old a log is.
    lake = TableStore(str(tmp_path / "old"), engine)
    shutil.copytree(new.path(PARTITIONED), lake.path(PARTITIONED))
    then = time.time() - MONTHS
    for number in (0, 1):
        os.utime(Path(lake.path(PARTITIONED)) / "_delta_log" / f"{number:020}.json", (then + number, then + number))
    assert lake.read(PARTITIONED).count() == 3
    # And as it was found, when somebody writes it in the meantime.
    found = lake.pinned([PARTITIONED])
    changed(lake, "append", 4, 5)
    assert (found.read(PARTITIONED).count(), lake.read(PARTITIONED).count()) == (3, 5)


def test_a_version_that_the_log_does_not_know_is_said(lake: TableStore) -> None:
    with pytest.raises(LakeError, match="Version 7 of table silver/things is not in its log"):
        lake.at(PARTITIONED, 7)


def test_two_processes_see_each_other_s_commits(lake: TableStore, tmp_path: Path) -> None:
    other = TableStore(str(tmp_path))
    for number in range(3):
        changed(lake, "append", 2 * number, run="one")
        changed(other, "append", 2 * number + 1, run="other")
    assert ids_in(lake) == ids_in(other) == [0, 1, 2, 3, 4, 5]
    assert [run for _, run in versions(lake)] == ["other", "one"] * 3 + [None]


@pytest.mark.parametrize("commits_before", [0, 1])
def test_commits_have_their_own_versions_also_when_one_is_made_meanwhile(
    lake: TableStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits_before: int
) -> None:
    for number in range(commits_before):
        changed(lake, "append", number, run=f"run-{number}")
    history = deltalake.DeltaTable.history

    def with_a_commit_before(table: deltalake.DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
        monkeypatch.undo()
        changed(TableStore(str(tmp_path)), "append", 9, run="meanwhile")
        return history(table, limit)

    monkeypatch.setattr(deltalake.DeltaTable, "history", with_a_commit_before)
    before = [(number + 1, f"run-{number}") for number in reversed(range(commits_before))]
    assert versions(lake) == [*before, (0, None)]
    assert versions(lake) == [(commits_before + 1, "meanwhile"), *before, (0, None)]


def test_a_commit_is_its_own_also_when_another_writer_follows_at_once(
    lake: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = delta_rs.commit

    def and_another(*args: Any) -> None:
        commit(*args)
        deltalake.write_deltalake(lake.path(PARTITIONED), rows(9), mode="append")

    monkeypatch.setattr(delta_rs, "commit", and_another)
    made = changed(lake, "append", 1, run="mine")
    assert (made.version, made.note) == (1, {"run_id": "mine"})
    assert versions(lake) == [(2, None), (1, "mine"), (0, None)]


# --- a table that is not the one that it was --------------------------------------------------------------------------


def test_a_table_that_was_deleted_and_made_again_is_another_one(lake: TableStore) -> None:
    changed(lake, "append", 1)
    found = lake.pinned([PARTITIONED])
    shutil.rmtree(lake.path(PARTITIONED))
    assert not lake.exists(PARTITIONED)
    with pytest.raises(LakeError, match="silver/things is not in the lake"):
        lake.state(PARTITIONED)
    with pytest.raises(Conflict, match="was removed or made anew while this run computed it"):
        changed(found, "append", 2)
    # As many versions as before.
    lake.create(PARTITIONED, SCHEMA, partition_by="day")
    changed(lake, "append", 7)
    assert ids_in(lake) == [7]
    with pytest.raises(Conflict, match="was removed or made anew while this run computed it"):
        changed(found, "append", 2)
    assert ids_in(lake) == [7]


def test_a_table_that_another_process_made_again_is_read_again(lake: TableStore, tmp_path: Path) -> None:
    changed(lake, "append", 1)
    assert ids_in(lake) == [1]
    shutil.rmtree(lake.path(PARTITIONED))
    other = TableStore(str(tmp_path))
    other.create(PARTITIONED, SCHEMA, partition_by="day")
    changed(other, "append", 7)
    assert (ids_in(lake), lake.version(PARTITIONED)) == ([7], 1)


def test_a_table_whose_making_died_is_made(lake: TableStore) -> None:
    name = "silver/begun"
    log = Path(lake.path(name)) / "_delta_log"
    log.mkdir(parents=True)
    # As delta-rs, Spark and object stores call what they have not put in its place yet.
    for left in ("_commit_1.json.tmp", ".00000000000000000000.json.1.tmp", "00000000000000000000.json#1"):
        (log / left).write_text('{"protocol":')
    assert not lake.exists(name)
    assert lake.names("silver") == [WHOLE, PARTITIONED]
    lake.create(name, SCHEMA)
    changed(lake, "append", 1, name=name)
    assert ids_in(lake, name) == [1]


# --- commits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
def test_a_commit_of_no_rows_is_made_and_changes_nothing_for_readers(lake: TableStore, name: str) -> None:
    changed(lake, "append", 1, 2, 3, name=name)
    note, other_day = {"run_id": "mine"}, ReplaceWhere("day = DATE'2025-01-02'")
    commits = [
        changed(lake, "append", name=name),
        lake.commit(name, other_day, rows(), note),
        changed(lake, "upsert", name=name),
        # One that finds nothing to do.
        lake.commit(name, CHANGES["upsert"], rows(9, op="delete"), note),
    ]
    assert [(commit.version, commit.note) for commit in commits] == [(number, note) for number in (2, 3, 4, 5)]
    assert lake.data_version(name) == 1
    changed(lake, "replace", name=name)
    assert (lake.data_version(name), ids_in(lake, name)) == (6, [])


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
@pytest.mark.parametrize(("op", "ids"), [("insert", [1, 2, 3]), ("update", [1, 2]), ("delete", [1])])
def test_an_upsert_that_changes_a_row_is_a_change(lake: TableStore, name: str, op: str, ids: list[int]) -> None:
    changed(lake, "append", 1, 2, name=name)
    lake.commit(name, CHANGES["upsert"], rows(3 if op == "insert" else 2, text="b", op=op), {})
    assert (lake.data_version(name), ids_in(lake, name)) == (2, ids)


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
def test_what_others_do_to_a_table_is_a_change(lake: TableStore, name: str) -> None:
    changed(lake, "append", 1, 2, name=name)
    another_writer(lake, name).delete("id = 1")
    assert (lake.data_version(name), ids_in(lake, name)) == (2, [2])
    another_writer(lake, name).update({"text": "'c'"}, predicate="id = 2")
    assert lake.data_version(name) == 3
    another_writer(lake, name).restore(1)
    assert (lake.data_version(name), ids_in(lake, name)) == (4, [1, 2])
    another_writer(lake, name).delete()
    assert (lake.data_version(name), ids_in(lake, name)) == (5, [])


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
def test_maintenance_is_no_change(lake: TableStore, name: str) -> None:
    for number in range(3):
        changed(lake, "append", number, name=name)
    held = lake.pinned([name])
    assert tidy(lake, name, keep_hours=0) == {"files_compacted": 3, "files_removed": 3}
    assert (lake.data_version(name), ids_in(lake, name)) == (3, [0, 1, 2])
    # The state of before says its own version, although its files are gone.
    assert (held.version(name), held.state(name).delta.version()) == (3, 3)
    assert changed(held, "append", 5, name=name).version == (lake.version(name) or 0)
    assert ids_in(lake, name) == [0, 1, 2, 5]


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("comes_between", ["nothing", "maintenance"])
def test_a_table_that_another_process_has_written_meanwhile_is_not_written(
    lake: TableStore, tmp_path: Path, how: str, comes_between: str
) -> None:
    changed(lake, "append", 1)
    theirs = TableStore(str(tmp_path)).pinned([PARTITIONED])
    if comes_between == "maintenance":
        another_writer(lake).alter.set_table_properties({"delta.checkpointInterval": "20"})
    mine = lake.pinned([PARTITIONED])
    changed(theirs, "append", 2, run="theirs")
    if comes_between == "maintenance":
        tidy(TableStore(str(tmp_path)), PARTITIONED, keep_hours=0)
    with pytest.raises(Conflict, match=r"silver/things was at version \d when this run read it and is at \d"):
        changed(mine, how, 3)
    assert ids_in(lake) == [1, 2]
    changed(lake.pinned([PARTITIONED]), how, 3)
    assert 3 in ids_in(lake)


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_commit_that_another_one_overtakes_at_the_last_moment_is_not_made(
    lake: TableStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, is_ours: bool
) -> None:
    changed(lake, "append", 1)
    commit = delta_rs.commit

    def overtaken(*args: Any) -> None:
        monkeypatch.undo()
        if is_ours:
            changed(TableStore(str(tmp_path)), "append", 2)
        else:
            deltalake.write_deltalake(lake.path(PARTITIONED), rows(2), mode="append")
        commit(*args)

    monkeypatch.setattr(delta_rs, "commit", overtaken)
    with pytest.raises(Conflict, match="silver/things was written by another process while this run computed it"):
        changed(lake, how, 3)
    assert (ids_in(lake), lake.version(PARTITIONED)) == ([1, 2], 2)
    changed(lake, how, 3)
    assert 3 in ids_in(lake)


@pytest.mark.parametrize("how", CHANGES)
def test_a_commit_that_fails_leaves_the_store_as_it_was(
    lake: TableStore, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    changed(lake, "append", 1)

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(delta_rs, "commit", full)
        with pytest.raises(OSError, match="No space left"):
            changed(lake, how, 2)
    assert (ids_in(lake), lake.version(PARTITIONED)) == ([1], 1)
    assert changed(lake, how, 2).version == 2


def test_a_pinned_store_commits_once(lake: TableStore) -> None:
    pinned = lake.pinned([PARTITIONED])
    changed(pinned, "append", 1)
    with pytest.raises(Conflict, match="was at version 0 when this run read it"):
        changed(pinned, "append", 2)


def test_threads_that_hold_the_lock_commit_one_after_the_other(lake: TableStore, tmp_path: Path) -> None:
    def commit(number: int) -> int:
        store = lake if number % 2 else TableStore(str(tmp_path))
        with store.lock(PARTITIONED):
            return changed(store, "append", number).version

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(commit, range(16)))
    assert sorted(made) == list(range(1, 17))
    assert ids_in(lake) == list(range(16))


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", CHANGES)
def test_a_row_without_a_required_value_is_refused(lake: TableStore, how: str) -> None:
    bad = rows(1, None, op="update" if how == "upsert" else None)
    with pytest.raises(LakeError, match="1 rows for silver/things have no id"):
        lake.commit(PARTITIONED, CHANGES[how], bad, {})
    assert (lake.version(PARTITIONED), ids_in(lake)) == (0, [])


def test_a_row_outside_of_what_is_replaced_is_refused(lake: TableStore) -> None:
    with pytest.raises(Exception, match=r"(?i)predicate|invalid|constraint"):
        lake.commit(PARTITIONED, CHANGES["replace"], rows(1, day="2025-01-02"), {})
    assert (lake.version(PARTITIONED), ids_in(lake)) == (0, [])


def test_two_changes_of_one_key_are_refused(lake: TableStore) -> None:
    changed(lake, "append", 1)
    with pytest.raises(Exception, match=r"(?i)multiple|cardinality|more than one"):
        lake.commit(PARTITIONED, Upsert(("id",), ("id", "day", "text")), rows(1, 1, op="update"), {})
    assert lake.version(PARTITIONED) == 1
