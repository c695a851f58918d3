"""A purge leaves the newest version alone: nothing shows what rows there were, and all else goes on as before."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import deltalake
import pytest
from pyspark.sql import SparkSession

from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, Conflict, Journal, LakeError, Overwrite, TableStore, store
from project_etl.core.lake import purge as purging
from project_etl.core.lake.journal import JournalFiles
from project_etl.core.lake.log import PURGED
from project_etl.core.lake.maintenance import tidy
from project_etl.core.lake.purge import purge
from project_etl_tests.core.lake.given import CHANGES, DAY, PARTITIONED, WHOLE, changed, ids_in, lake_in, rows
from project_etl_tests.traces import traces_of

GONE = "zelda"
RULE = {"name": "known", "by_day": {DAY: 1}, "samples": [f'{{"email":"{GONE}@example.org"}}']}


def note(name: str, of: str, *samples: dict[str, Any]) -> dict[str, Any]:
    """The note of a commit that computed a day, and held another one back."""
    held = {"2025-01-02": {"from": of, "rules": {"known": 1}}}
    report = {"days": {DAY: {"read": 2}}, "rules": [*samples]}
    return {"table": name, "days": {DAY: of}, "held": held, "touched": [DAY], "report": report, "checked": {"a/b": 4}}


def fill(lake: TableStore, name: str) -> None:
    """Rows of somebody in files, change data, statistics, notes and stored journals; and then without them."""
    lake.commit(name, Append(), rows(1, 2, text=GONE), note(name, "first", RULE))
    lake.commit(name, CHANGES["upsert"], rows(1, 3, text=f"{GONE}!", op="update"), note(name, "second", RULE))
    lake.state(name).delta.create_checkpoint()
    lake.state(name)._journals.store(lake.journal(name))
    journals = Path(lake.path(name)) / "_journal"
    shutil.copy(next(journals.glob("*.gz")), journals / f"{9:020}.json.gz.new")
    lake.commit(name, Overwrite(), rows(1, 2, 3, text="b"), {"table": name, "touched": [DAY]})


@pytest.fixture(params=[PARTITIONED, WHOLE])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def lake(tmp_path: Path, name: str) -> TableStore:
    lake = lake_in(str(tmp_path / "lake"))
    fill(lake, name)
    return lake


def said(journal: Journal) -> dict[str, Any]:
    """What a journal says, without its own version and time, and without samples."""
    value = journal.without_samples().to_json()
    return {key: item for key, item in value.items() if key not in ("version", "timestamp")}


def fresh(lake: TableStore) -> TableStore:
    """The lake as another process reads it."""
    return TableStore(lake.root)


def test_nothing_shows_what_was_there(lake: TableStore, name: str) -> None:
    folders = {part for found in traces_of(Path(lake.root), [GONE]) for part in Path(found.file).parts}
    assert folders >= {"_delta_log", "_journal", "_change_data"}
    assert purge(lake, name) >= 3
    assert traces_of(Path(lake.root), [GONE]) == []
    folder = Path(lake.path(name))
    version = f"{lake.version(name):020}"
    assert sorted(file.name for file in (folder / "_delta_log").iterdir()) == [
        f"{version}.checkpoint.parquet",
        f"{version}.json",
        "_last_checkpoint",
    ]
    assert [file.name for file in (folder / "_journal").iterdir()] == [f"{version}.json.gz"]
    live = {Path(uri) for uri in deltalake.DeltaTable(str(folder)).file_uris()}
    assert {file for file in folder.rglob("*.parquet") if "_delta_log" not in file.parts} == live


def test_the_table_stays_the_same(lake: TableStore, name: str) -> None:
    state, journal = lake.state(name), lake.journal(name)
    config = state.delta.metadata().configuration
    purge(lake, name)
    for after in (lake, fresh(lake)):
        assert after.state(name).table_id == state.table_id
        assert after.state(name).delta.metadata().configuration == config
        assert said(after.journal(name)) == said(journal)
        assert after.journal(name).fingerprint(DAY) == "second"
        assert after.journal(name).held.keys() == {"2025-01-02"}
        assert after.data_version(name) == state.version
        assert ids_in(after, name) == [1, 2, 3]


def test_a_purge_of_a_purged_table_changes_no_file(lake: TableStore, name: str) -> None:
    def files() -> set[str]:
        return {str(file) for file in Path(lake.root).rglob("*")}

    purge(lake, name)
    before, version = files(), lake.version(name)
    assert purge(lake, name) == 0
    assert (files(), lake.version(name)) == (before, version)


STEPS = ("vacuum", "commit", "store_alone", "create_checkpoint", "_clean_log", "_remove_checksums")


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_two_steps_is_harmless(
    lake: TableStore, name: str, step: str, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = {"commit": TableStore, "store_alone": JournalFiles, "create_checkpoint": deltalake.DeltaTable}
    owner = owners.get(step, purging)
    real = getattr(owner, step)

    def dies(*args: Any, **named: Any) -> Any:
        if is_done:
            real(*args, **named)
        raise KeyboardInterrupt

    journal = lake.journal(name)
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(KeyboardInterrupt):
            purge(fresh(lake), name)
    assert said(fresh(lake).journal(name)) == said(journal)
    assert ids_in(fresh(lake), name) == [1, 2, 3]
    purge(fresh(lake), name)
    assert said(fresh(lake).journal(name)) == said(journal)
    assert traces_of(Path(lake.root), [GONE]) == []


def test_later_commits_feeds_and_maintenance_go_on(lake: TableStore, name: str) -> None:
    before = lake.state(name).version
    purge(lake, name)
    # Who had read the newest version before the purge follows what changes from then on.
    assert lake.state(name).changes(before).num_rows == 0
    changed(lake, "upsert", 3, 4, name=name)
    assert {(row["_change_type"], row["id"]) for row in lake.state(name).changes(before).to_pylist()} == {
        ("update_preimage", 3),
        ("update_postimage", 3),
        ("insert", 4),
    }
    with pytest.raises(LakeError, match="does not go back to version"):
        lake.state(name).changes(before - 1)
    tidy(lake, name, keep_hours=0)
    assert ids_in(fresh(lake), name) == [1, 2, 3, 4]
    assert fresh(lake).journal(name).fingerprint(DAY) == "second"
    # A lost journal is read from the log, which knows nothing of what was before.
    shutil.rmtree(Path(lake.path(name)) / "_journal")
    assert (fresh(lake).journal(name).is_complete, fresh(lake).journal(name).units) == (False, {})
    changed(fresh(lake), "append", 5, name=name)
    purge(fresh(lake), name)
    assert ids_in(fresh(lake), name) == [1, 2, 3, 4, 5]


def test_a_run_that_read_the_table_before_cannot_bring_rows_back(lake: TableStore, name: str) -> None:
    running = fresh(lake).pinned([name])
    changed(lake, "overwrite", 1, name=name)
    purge(lake, name)
    with pytest.raises(Conflict, match="another process has written it"):
        changed(running, "overwrite", 1, 2, 3, name=name)
    assert ids_in(lake, name) == [1]


def test_a_run_that_began_after_the_purge_is_let_alone(lake: TableStore, name: str) -> None:
    purge(lake, name)
    running = fresh(lake).pinned([name])
    purge(lake, name)
    changed(running, "append", 4, name=name)
    assert ids_in(lake, name) == [1, 2, 3, 4]


def test_the_log_says_that_it_was_purged(lake: TableStore, name: str) -> None:
    version = lake.data_version(name)
    purge(lake, name)
    assert [commit.note for commit in lake.commits(name)] == [{PURGED: version}]
    (file,) = (Path(lake.path(name)) / "_journal").iterdir()
    assert b"samples" in gzip.decompress(file.read_bytes())


def test_a_table_that_is_not_there_cannot_be_purged(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="is not in the lake"):
        purge(TableStore(str(tmp_path)), PARTITIONED)


def test_spark_takes_turns_with_purges(
    tmp_path: Path, jvm: SparkSession, jvm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_in(str(tmp_path / "lake"), jvm_engine)
    monkeypatch.setattr(store, "MAX_BATCH_BYTES", -1)

    def commit(how: str, *ids: int, text: str) -> None:
        given = jvm.createDataFrame(rows(*ids, text=text, op="update" if how == "upsert" else None))
        lake.commit(WHOLE, CHANGES[how], given, note(WHOLE, text, RULE))

    commit("append", 1, 2, text=GONE)
    commit("upsert", 1, 3, text=f"{GONE}!")
    commit("overwrite", 1, 2, 3, text="b")
    purge(lake, WHOLE)
    assert traces_of(Path(lake.root), [GONE]) == []
    assert not list(Path(lake.path(WHOLE)).rglob("*.crc"))

    def read(**options: Any) -> list[int]:
        frame = jvm.read.format("delta").options(**options).load(lake.path(WHOLE))
        return sorted(row.id for row in frame.collect())

    assert read() == [1, 2, 3]
    version = lake.version(WHOLE)
    assert version is not None
    commit("upsert", 3, 4, text="c")
    assert read(readChangeFeed=True, startingVersion=version + 1) == [3, 3, 4]
    purge(lake, WHOLE)
    commit("append", 5, text="d")
    assert read() == ids_in(lake, WHOLE) == [1, 2, 3, 4, 5]
