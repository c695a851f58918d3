"""The journal: what was computed from what, also when the log has been cleaned; its files may be lost at any time."""

from __future__ import annotations

import gzip
import shutil
import time
from pathlib import Path

import pytest

from project_etl.core.lake import Append, Held, Journal, TableStore
from project_etl.core.lake.journal import KEPT_FILES, MOST_COMMITS
from project_etl_tests.core.lake.given import PARTITIONED, lake_in, rows

# Bytes in the middle are other ones.
DAMAGED = gzip.compress(bytes(range(256)) * 9, mtime=0)
DAMAGED = DAMAGED[:40] + bytes(byte ^ 255 for byte in DAMAGED[40:80]) + DAMAGED[80:]
D1, D2 = "2025-01-01", "2025-01-02"


def compute(lake: TableStore, *days: str, of: str = "a", **more: object) -> int:
    """Leave a commit that computed some days; its version."""
    note = {"table": PARTITIONED, "days": dict.fromkeys(days, of), "touched": days, "report": {"days": {}}, **more}
    return lake.commit(PARTITIONED, Append(), rows(1), note).version


def fresh(lake: TableStore) -> Journal:
    """The journal as another process reads it."""
    return TableStore(lake.root).journal(PARTITIONED)


def files(lake: TableStore) -> list[Path]:
    return sorted((Path(lake.path(PARTITIONED)) / "_journal").glob("*"))


def clean_log(lake: TableStore, until: int) -> None:
    """Remove the entries of the log before a version, as Delta does after a year."""
    lake.state(PARTITIONED).delta.create_checkpoint()
    for version in range(until):
        (Path(lake.path(PARTITIONED)) / "_delta_log" / f"{version:020}.json").unlink()
    lake.known.clear()


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    return lake_in(str(tmp_path))


@pytest.fixture
def old(lake: TableStore) -> TableStore:
    """The first day was computed once, and the second so often that the journal is stored."""
    compute(lake, D1, of="first")
    for number in range(MOST_COMMITS + 3):
        compute(lake, D2, of=f"{number}")
    return lake


def test_the_newest_commit_that_computed_a_day_speaks_for_it(lake: TableStore) -> None:
    first, second = compute(lake, D1, D2, of="a"), compute(lake, D2, of="b")
    lake.commit(PARTITIONED, Append(), rows(), {"table": PARTITIONED, "days": {}, "touched": ()})
    journal = fresh(lake)
    assert {day: entry.version for day, entry in journal.units.items()} == {D1: first, D2: second}
    assert (journal.fingerprint(D1), journal.fingerprint(D2), journal.fingerprint("2025-01-03")) == ("a", "b", None)
    assert (journal.changed_on([D1]), journal.changed_on([D2]), journal.data_version) == (first, second, second)
    assert journal.is_complete
    assert lake.journal("silver/nothing") == Journal()


def test_what_is_held_back_is_remembered_until_it_is_computed(lake: TableStore) -> None:
    compute(lake, D1, D2)
    why = {"from": "b", "rules": {"positive": 2}}
    version = compute(lake, of="b", held={D2: why})
    for journal in (lake.journal(PARTITIONED), fresh(lake), Journal.from_json(fresh(lake).to_json())):
        assert {unit: entry.version for unit, entry in journal.held.items()} == {D2: version}
        assert journal.held[D2].held == {D2: Held("b", {"positive": 2})}
        assert str(journal.held[D2].held[D2]) == "positive 2"
        # Its rows are those of the commit before.
        assert journal.fingerprint(D2) == "a"
    compute(lake, D1, of="c")
    assert fresh(lake).held.keys() == {D2}
    compute(lake, D2, of="c")
    assert fresh(lake).held == {}


def test_a_commit_that_does_not_say_which_days_it_changed_may_have_changed_all(lake: TableStore) -> None:
    compute(lake, D1)
    version = lake.commit(PARTITIONED, Append(), rows(1), {"text": "by hand"}).version
    journal = fresh(lake)
    assert (journal.changed_on([D1]), journal.data_version, journal.fingerprint(D1)) == (version, version, "a")


def test_what_is_kept_in_the_process_is_what_another_one_reads(old: TableStore) -> None:
    assert old.journal(PARTITIONED).to_json() == fresh(old).to_json()


def test_a_stored_journal_outlives_the_log(old: TableStore) -> None:
    before = fresh(old)
    assert files(old)
    stored = int(files(old)[-1].name.split(".")[0])
    clean_log(old, stored + 1)
    after = fresh(old)
    assert after.is_complete
    assert {day: after.fingerprint(day) for day in (D1, D2)} == {D1: "first", D2: before.fingerprint(D2)}
    assert (after.by_day, after.data_version, after.oldest) == (before.by_day, before.data_version, 0)


def test_a_journal_that_is_lost_is_read_from_the_log(old: TableStore) -> None:
    before = fresh(old)
    for file in files(old):
        file.unlink()
    assert fresh(old).to_json() == before.to_json()
    compute(old, D2, of="later")
    assert files(old)


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", b"\x1f\x8b\x08\x00", DAMAGED, gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0)],
    ids=["nothing", "no gzip", "cut off", "other bytes", "no mapping", "no keys"],
)
def test_a_damaged_journal_is_as_good_as_none(old: TableStore, content: bytes) -> None:
    before = fresh(old)
    for file in files(old):
        file.write_bytes(content)
    assert fresh(old).to_json() == before.to_json()


def test_without_journal_and_log_nobody_knows_what_was_computed(old: TableStore) -> None:
    clean_log(old, 10)
    for file in files(old):
        file.unlink()
    journal = fresh(old)
    assert (journal.is_complete, journal.fingerprint(D1), journal.oldest) == (False, None, 10)
    # Until a commit says that it computed all there is.
    compute(old, D1, D2, is_all=True)
    assert fresh(old).is_complete


def test_a_log_that_was_put_back_from_a_copy_and_went_on_otherwise_is_read_anew(old: TableStore) -> None:
    log = Path(old.path(PARTITIONED)) / "_delta_log"
    stored = int(files(old)[-1].name.split(".")[0])
    for entry in log.glob("*.json"):
        if int(entry.stem) >= stored:
            entry.unlink()
    old.known.clear()
    for number in range(4):
        compute(old, D1, of=f"otherwise {number}")
    assert fresh(old).fingerprint(D1) == "otherwise 3"


def test_another_table_of_the_name_has_a_journal_of_its_own(old: TableStore) -> None:
    (kept, *_) = files(old)
    content = kept.read_bytes()
    shutil.rmtree(old.path(PARTITIONED))
    old.known.clear()
    lake_in(old.root)
    kept.parent.mkdir()
    kept.with_name(f"{0:020}.json.gz").write_bytes(content)
    assert fresh(old).units == {}


def test_few_small_files_are_kept(lake: TableStore) -> None:
    for number in range(MOST_COMMITS * (KEPT_FILES + 2)):
        compute(lake, D1 if number % 2 else D2, files=["x" * 100], report={"days": {D1: {"read": 1}}, "rules": []})
    assert len(files(lake)) == KEPT_FILES
    assert all(file.stat().st_size < 1000 for file in files(lake))


def test_old_commits_are_stored_before_the_log_forgets_them(lake: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    compute(lake, D1)
    assert not files(lake)
    in_two_months = time.time() + 60 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: in_two_months)
    compute(lake, D2)
    (stored,) = files(lake)
    assert stored.name == f"{1:020}.json.gz"
