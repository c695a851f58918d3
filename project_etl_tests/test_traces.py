"""The search for traces finds a word wherever it hides; and after a purge it finds none in a lake and its Dagster."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project_etl_tests.traces import Trace, traces_of

WORD = "zelda@example.org"
# As JSON may spell it.
SPELLED = json.dumps({"a": [WORD]}).replace("z", "\\u007a")


def parquet(file: Path, values: list[Any], **options: Any) -> None:
    schema = options.pop("schema", None)
    pq.write_table(pa.table({"kind": ["a"] * len(values), "who": values}, schema=schema), file, **options)


def in_statistics(file: Path) -> None:
    parquet(file, [WORD, "a"], compression="NONE", use_dictionary=False)


def in_metadata(file: Path) -> None:
    schema = pa.schema([("kind", pa.string()), ("who", pa.string())], metadata={"note": WORD})
    parquet(file, ["a"], schema=schema)


def in_sqlite(file: Path, *, is_deleted: bool = False) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE t (id INTEGER, value)")
        database.execute("INSERT INTO t VALUES (1, ?)", ((WORD if is_deleted else SPELLED),))
        database.commit()
        if is_deleted:
            database.execute("DELETE FROM t")
            database.commit()


def in_sqlite_blob(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (value BLOB)")
        database.execute("INSERT INTO t VALUES (?)", (zlib.compress(WORD.encode() * 9),))
        database.commit()


def in_duckdb(file: Path) -> None:
    with duckdb.connect(str(file)) as database:
        database.execute("CREATE SCHEMA s")
        database.execute(f"CREATE TABLE s.t AS SELECT '{WORD}' || range AS who FROM range(5000)")


# What plants the word in a file, the file, and where it is found.
PLANTED: tuple[tuple[Callable[[Path], object], str, set[str]], ...] = (
    (lambda file: file.write_text(f"id,who\n1,{WORD.upper()}\n"), "a.csv", {"bytes"}),
    (lambda file: file.write_bytes(b"\xff\x00" + WORD.encode()), "run.err", {"bytes"}),
    (lambda file: file.write_text("x"), f"of {WORD}.txt", {"name"}),
    (Path.mkdir, f"day={WORD}", {"name"}),
    (lambda file: file.write_text(f'{{"b": 1}}\n{SPELLED}\n'), "a.json", {"json"}),
    (lambda file: file.write_bytes(gzip.compress(SPELLED.encode())), "a.json.gz", {"gzip json"}),
    (lambda file: file.write_bytes(gzip.compress(WORD.encode())), "a", {"gzip bytes"}),
    (lambda file: parquet(file, [WORD] * 9, compression="ZSTD", write_statistics=False), "a.parquet", {"who"}),
    (lambda file: parquet(file, [[{"b": WORD}]] * 9, write_statistics=False), "b.parquet", {"who"}),
    (in_statistics, "c.parquet", {"bytes", "statistics", "who"}),
    (in_metadata, "d.parquet", {"metadata", "bytes"}),
    (in_sqlite, "a.db", {"t.value"}),
    (lambda file: in_sqlite(file, is_deleted=True), "b.db", {"bytes"}),
    (in_sqlite_blob, "c.db", {"t.value"}),
    (in_duckdb, "a.duckdb", {"s.t"}),
)


@pytest.mark.parametrize(("plant", "name", "places"), PLANTED, ids=[name for _, name, _ in PLANTED])
def test_a_planted_word_is_found(tmp_path: Path, plant: Callable[[Path], object], name: str, places: set[str]) -> None:
    (tmp_path / "deep").mkdir()
    plant(tmp_path / "deep" / name)
    assert traces_of(tmp_path, ["nobody"]) == []
    found = traces_of(tmp_path, ["nobody", WORD])
    assert {(trace.file, trace.word) for trace in found} == {(f"deep/{name}", WORD)}
    assert {trace.place for trace in found} >= places


def test_a_file_that_cannot_be_read_is_no_file_without_traces(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 half a file")
    with pytest.raises(pa.ArrowInvalid):
        traces_of(tmp_path, [WORD])
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    (tmp_path / "a.txt").write_text(WORD)
    assert traces_of(tmp_path, [WORD]) == [Trace("a.txt", "bytes", WORD)]
