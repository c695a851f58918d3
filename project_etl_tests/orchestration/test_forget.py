"""Dagster forgets records and a person's words, in its files too, and goes on reading all that it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from project_etl.orchestration import forget as forgetting
from project_etl.orchestration.forget import REMOVED, Scrubber, StillOpen, forget
from project_etl_tests.commands.given import dagster_home_in, memory_in
from project_etl_tests.traces import traces_of

WORDS = ["zelda.quist@example.org", "C777", "Ü-9"]
NAMES = [*WORDS, "zelda"]
DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-01-03")
KEY = dg.AssetKey(["silver", "customers"])


@dg.asset(key=KEY, partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("email_known", asset=KEY)])
def customers(context) -> dg.MaterializeResult:
    context.log.info("customer C777 is looked at")
    print("Ü-9 on the console")
    samples = dg.MetadataValue.md('- `{"first_name":"zelda"}`')
    return dg.MaterializeResult(
        metadata={
            "preview": dg.MetadataValue.table([dg.TableRecord({"first_name": "zelda", "city": "Bonn"})]),
            "rows": 7,
            "note": dg.MetadataValue.json({"of": ["C777", "Ü-9", "C8"]}),
        },
        check_results=[dg.AssetCheckResult(passed=True, metadata={"samples": samples, "broken": 1})],
    )


@dg.asset
def fails() -> None:
    raise dg.Failure("1 rows, for example {'email': 'Zelda.Quist@example.org'}")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    dagster_home_in(tmp_path)
    with memory_in(tmp_path) as instance:
        for day in ("2025-01-01", "2025-01-02"):
            assert dg.materialize([customers], instance=instance, partition_key=day).success
        assert not dg.materialize([fails], instance=instance, raise_on_error=False).success
        (tmp_path / "home" / "logs").mkdir(exist_ok=True)
        (tmp_path / "home" / "logs" / "spark.log").write_bytes(b"row C777 \xff\n")
        yield instance


def test_nothing_is_left_in_any_file(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert {trace.word for trace in traces_of(home, NAMES)} == {*NAMES}
    done = forget(instance, home, WORDS)
    assert done.values > 6
    assert done.files >= 1
    assert done.left == ()
    assert traces_of(home, NAMES) == []
    assert (home / "logs" / "spark.log").read_bytes() == b"row erased \xff\n"
    again = forget(instance, home, WORDS)
    assert (again.values, again.files) == (0, 0)


def test_dagster_reads_what_it_has(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    runs = [run.run_id for run in instance.get_runs()]
    before = {run: [entry.message for entry in instance.all_logs(run)] for run in runs}
    forget(instance, tmp_path / "home", WORDS)
    after = {run: instance.all_logs(run) for run in runs}
    assert {run: len(logs) for run, logs in after.items()} == {run: len(logs) for run, logs in before.items()}
    records = instance.fetch_materializations(KEY, limit=10).records
    assert {record.partition_key for record in records} == {"2025-01-01", "2025-01-02"}
    newest = instance.get_latest_materialization_event(KEY)
    assert newest is not None
    for event in (newest.asset_materialization, *(record.asset_materialization for record in records)):
        assert event is not None
        assert event.metadata["preview"].value == REMOVED["text"]
        assert event.metadata["note"].value == {"of": ["erased", "erased", "C8"]}
        assert event.metadata["rows"].value == 7
    (check,) = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(KEY, "email_known")]
    ).values()
    assert check.event is not None
    evaluation = check.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
    assert {name: value.value for name, value in evaluation.metadata.items()} == {
        "samples": REMOVED["text"],
        "broken": 1,
    }
    # The log takes new runs.
    assert dg.materialize([customers], instance=instance, partition_key="2025-01-01").success


def test_a_database_that_somebody_reads_is_named(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "WAIT_SECONDS", 0.1)
    index = tmp_path / "home" / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(index, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event_logs").fetchone()
        with pytest.raises(StillOpen, match=r"index\.db could not be rewritten: .*Stop the Dagster UI"):
            forget(instance, tmp_path / "home", WORDS)
    forget(instance, tmp_path / "home", WORDS)
    assert not traces_of(tmp_path / "home", ["zelda"])


def test_what_is_kept_elsewhere_is_said(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance.event_log_storage, "index_connection", None)
    monkeypatch.setattr(instance.event_log_storage, "connect", None, raising=False)
    (said,) = forget(instance, tmp_path / "home", WORDS).left
    assert said.startswith("Dagster keeps a part of its memory in PooledSqliteEventLogStorage, which was not looked at")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("C777", "erased"),
        ("c777: gone", "erased: gone"),
        ("C7770 or-C777 C777-1", "C7770 or-C777 C777-1"),
        ('{"a": {"C777": ["x C777"]}}', '{"a": {"C777": ["x erased"]}}'),
        ('{"run_id": "C777", "text": "C777", "n": 777}', '{"run_id": "C777", "text": "erased", "n": 777}'),
        ('{"text": "{\\"name\\": \\"\\\\u00dc-9\\"}"}', '{"text": "{\\"name\\": \\"erased\\"}"}'),
        ('{"label": "preview", "x": "y"}', '{"label": "preview", "x": "y"}'),
        ("{broken C777", "{broken erased"),
    ],
)
def test_words_are_taken_out_as_a_whole(text: str, clean: str) -> None:
    assert Scrubber(WORDS).text(text) == clean


def test_without_words_only_records_go() -> None:
    assert Scrubber([]).text('{"metadata": {"samples": {"__class__": "X"}}, "text": "C777"}') == (
        '{"metadata": {"samples": {"__class__": "TextMetadataEntryData", "text": "removed by an erasure"}}, '
        '"text": "C777"}'
    )
