"""A message becomes a line that Bronze reads as what it was, or counts as malformed, with its place and its text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from project_etl.core.bronze.readers.records import read_batches
from project_etl.core.extract.kafka.messages import line_of

COLUMNS = ("event_id", "price", "_partition", "_offset", "_timestamp", "_key")
AT = 1_764_374_400_123


def rows(*values: bytes | None, key: bytes | None = b"v1", at: int = AT) -> list[dict[str, Any]]:
    """What Bronze reads of a file of messages."""
    lines = "".join(f"{line_of(2, 17 + number, at, key, value)}\n" for number, value in enumerate(values))
    batches = read_batches("", "c/e/2025-01-01/f.jsonl", COLUMNS, expect_version=None, content=lines.encode())
    found = [row for batch in batches for row in batch.to_pylist()]
    assert len(found) == len(values)
    return found


def test_values_keep_their_text_and_get_their_place() -> None:
    (row,) = rows(b'{"event_id": "E1", "price": 12.50}')
    assert {name: row[name] for name in COLUMNS} == {
        "event_id": "E1",
        "price": "12.50",
        "_partition": "2",
        "_offset": "17",
        "_timestamp": "2025-11-29T00:00:00.123Z",
        "_key": "v1",
    }
    assert row["_rescued_data"] is None


@pytest.mark.parametrize(
    "value",
    [
        b'\xef\xbb\xbf{"event_id":"E1","price":1}',
        b' {\r\n  "event_id": "E1",\n  "price": 1\n}\n',
        b'{\t"event_id":"E1","price":1}',
    ],
)
def test_white_space_and_a_mark_are_no_part_of_it(value: bytes) -> None:
    (row,) = rows(value)
    assert (row["event_id"], row["price"], row["_rescued_data"]) == ("E1", "1", None)


def test_what_names_no_event_has_its_place_alone() -> None:
    for row in rows(None, b"{}", b"{ \n }"):
        assert (row["event_id"], row["_partition"], row["_rescued_data"]) == (None, "2", None)


@pytest.mark.parametrize(
    ("value", "problem", "shown"),
    [
        (b"", "a string or number", "} "),
        (b"hello", "a string or number", "hello"),
        (b"[1]", "a string or number", "[1]"),
        (b'{"a":[', "a string or number", '{\\"a\\":['),
        (b'{"a":1}{"b":2}', "more than one document", '"a":1}{"b":2}'),
        (b'{"a":1,}', "not JSON", '"a":1,}'),
        (b"{bad}", "not JSON", "{bad}"[1:]),
        # Bytes that are no text, also behind a backslash, which would make one of them.
        (b'{"event_id":"\xff\xfe"}', "a string or number", r"\\xff\\xfe"),
        (b'{"event_id":"\\\xff"}', "a string or number", r"\\xff"),
        (b"\x00\x01" * 2_000, "a string or number", r"\\x00\\x01"),
        (b'{"event_id":"a\nb"}', "a string or number", r"a\\x0ab"),
        (b"{" + b'"a":[' * 3_000 + b"\n" + b"]" * 3_000 + b"}", "a string or number", "[["[:1]),
        (b'{"event_id":"\\u0000"}', "a NUL character", "u0000"),
        (b'{"_offset":99,"event_id":"E1"}', "the key '_offset' more than once", '"_offset":99'),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested more than 200 deep", '{"a":'),
        (b'{"event_id":"' + b"x" * 5_000_000 + b'"}', "more than 4,194,304 characters", "xxxxx"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_record_is_malformed_and_keeps_text_and_place(value: bytes, problem: str, shown: str) -> None:
    good = b'{"event_id":"E1","price":1}'
    for values in ((value, good), (good, value)):
        found = rows(*values)
        row = found[values.index(value)]
        rescued = json.loads(row["_rescued_data"])
        assert problem in rescued["_malformed"]
        assert shown in rescued["_record"]
        assert str(17 + values.index(value)) in rescued["_record"]
        assert found[values.index(good)]["event_id"] == "E1"


def test_keys_are_text_or_show_their_bytes() -> None:
    assert rows(b"{}", key=None)[0]["_key"] is None
    assert rows(b"{}", key=b"\x00\x00\x00\x07")[0]["_key"] == r"\x00\x00\x00\x07"
    assert rows(b"{}", key=b'"\xff\xc3\xa9')[0]["_key"] == '"\\xffé'


@pytest.mark.parametrize("at", [-1, 10**17])
def test_a_time_that_no_calendar_has_is_left_out(at: int) -> None:
    assert rows(b"{}", at=at)[0]["_timestamp"] is None
