"""JSON Lines files as they come: each a real file, read against its listed version."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project_etl.core.bronze.readers import rescued
from project_etl.core.bronze.readers.json_records import MAX_NESTING
from project_etl.core.bronze.readers.records import read_batches
from project_etl.core.bronze.unreadable import UnreadableFile
from project_etl_tests.core.bronze.landing_files import land, read, values

AB = ("a", "b")


def rows_of(tmp_path, content, columns=AB, name="f.jsonl"):
    return read(tmp_path, land(tmp_path, name, content), columns)


def rescued_text(tmp_path, line, columns=AB) -> str | None:
    path = land(tmp_path, "f.jsonl", line)
    (batch,) = read_batches(tmp_path, path, columns, expect_version=None)
    (text,) = batch.column("_rescued_data").to_pylist()
    return text


# Values


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('"caf\\u00e9 \\ud83d\\ude00 \\"x\\"\\n"', 'café 😀 "x"\n'),
        ('"raw é"', "raw é"),
        ('""', ""),
        ("null", None),
        ("true", "true"),
        ("false", "false"),
        ("1.10", "1.10"),
        ("-0", "-0"),
        ("1e400", "1e400"),
        ("12345678901234567890.123", "12345678901234567890.123"),
        ("1" * 5000, "1" * 5000),
        ("[]", "[]"),
        ('[ "x",1.10,\t"]" ]', '[ "x",1.10,\t"]" ]'),
        ('[[1],{"k":"}"}]', '[[1],{"k":"}"}]'),
        ('{"k" : [1.0, null], "a":"\\u00e9"}', '{"k" : [1.0, null], "a":"\\u00e9"}'),
    ],
)
@pytest.mark.parametrize(
    "shape", ['{"a":%s,"b":"x"}', ' { "b" : "x" ,\t"a"\t: %s } ', '{"z":{"a":[9]},"\\u0061":%s,"b":"x"}']
)
def test_a_value_is_its_exact_source_text(tmp_path, source, value, shape):
    (row,) = rows_of(tmp_path, shape % source)
    assert (row["a"], row["b"]) == (value, "x")


def test_a_changed_type_is_still_text(tmp_path):
    rows = rows_of(tmp_path, '{"a":1,"b":"x"}\n{"a":"1","b":["x"]}\n{"a":{"v":1},"b":false}\n')
    assert values(rows, AB) == [("1", "x"), ("1", '["x"]'), ('{"v":1}', "false")]


def test_a_missing_key_is_null(tmp_path):
    assert values(rows_of(tmp_path, '{"b":"2"}\n{}\n'), AB) == [(None, "2"), (None, None)]


def test_unknown_keys_are_rescued_with_their_exact_values(tmp_path):
    line = '{"a":1,"tier":"gö\\"ld","n":1.10,"no":null,"deep":{"x": [1, {}]},"A":true,"k\\n":[ 1 ]}'
    assert rescued_text(tmp_path, line) == (
        '{"tier":"gö\\"ld","n":1.10,"no":null,"deep":{"x": [1, {}]},"A":true,"k\\n":[ 1 ]}'
    )
    assert rescued_text(tmp_path, '{"a":1,"b":[2]}') is None


# Lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_work_and_blank_lines_are_not_records(tmp_path, end):
    rows = rows_of(tmp_path, end.join(["\ufeff", '{"a":1}', "  ", "", '{"a":2}']), name="f.json")
    assert [(row["a"], row["_row_number"]) for row in rows] == [("1", 1), ("2", 2)]


def test_only_line_ends_of_files_end_a_line(tmp_path):
    assert values(rows_of(tmp_path, '{"a":"x\u2028\x85y"}\n'), AB) == [("x\u2028\x85y", None)]


def test_a_file_of_blank_lines_has_no_records(tmp_path):
    assert rows_of(tmp_path, "\n\n  \n") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a":1', "not JSON at character 7"),
        ('{"a":1,}', "expected one object"),
        ("a,b", "not JSON at character 1"),
        ('{"a":01}', "not JSON at character 7"),
        ("{'a':1}", "not JSON at character 2"),
        ('{"a":"x\ty"}', "Invalid control character"),
        ('{"a":"x\0y"}', "Invalid control character"),
        ('{"a":1}{"a":2}', "more than one document, the second at character 8"),
        ('{"a":1} {"a":2}', "more than one document"),
        ('"text"', "a string or number; expected an object"),
        ("12", "expected an object"),
        ("null", "null; expected an object"),
        ("true", "true or false; expected an object"),
        ('[{"a":1}]', "a list; expected an object"),
        ('{"a":1,"a":2}', "the key 'a' more than once"),
        ('{"a":1,"\\u0061":1}', "the key 'a' more than once"),
        ('{"a":{"k":1,"k":1}}', "the key 'k' more than once"),
        ('{"\\ud800":1,"\\ud800":2}', "the key '\\ud800' more than once"),
        ('{"a":NaN}', "NaN, which is not JSON"),
        ('{"a":[-Infinity]}', "-Infinity, which is not JSON"),
        ('{"a":"\\ud800"}', "half of a surrogate pair"),
        ('{"x":["\\uDFFF"]}', "half of a surrogate pair"),
        ('{"a":"x\\u0000"}', "a NUL character"),
        ('{"x":{"y\\\\\\u0000":1}}', "a NUL character"),
        ('{"a":["x"] tail}', "not JSON at character 12"),
        ('{"a":1} tail', "more than one document, the second at character 9"),
        ('{"\u200b":1,"\u200b":2}', "the key '\\u200b' more than once"),
        ('{"_malformed":"x"}', "the key _malformed, which is a name of our own"),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", "nested more than 200 deep"),
        ('{"a":' * 100_000, "nested more than 200 deep"),
    ],
)
def test_a_malformed_line_keeps_its_raw_text_and_the_rest_is_read(tmp_path, line, said):
    rows = rows_of(tmp_path, f'{{"a":"first"}}\n\n{line}\r\n{{"a":"last"}}\n')
    assert values(rows, AB) == [("first", None), (None, None), ("last", None)]
    assert [row["_row_number"] for row in rows] == [1, 2, 3]
    assert said in rows[1]["_rescued_data"]["_malformed"]
    assert rows[1]["_rescued_data"]["_record"] == line


def test_nesting_up_to_the_limit_and_brackets_in_strings_are_fine(tmp_path):
    deep = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    brackets = "[{" * 500
    rows = rows_of(tmp_path, f'{{"a":{deep},"b":"{brackets}"}}')
    assert values(rows, AB) == [(deep, brackets)]


def test_an_escaped_backslash_before_u_is_no_surrogate_and_no_nul(tmp_path):
    assert values(rows_of(tmp_path, '{"a":"\\\\ud800","b":"\\\\u0000"}'), AB) == [("\\ud800", "\\u0000")]


def test_a_line_beyond_the_limit_is_cut_and_the_next_is_read(tmp_path):
    limit = rescued.MAX_RECORD_CHARS
    rows = rows_of(tmp_path, f'{{"a":1}}\n{{"a":"{"x" * 2 * limit}"}}\n{{"a":3}}\n', name="f.jsonl.gz")
    assert values(rows, AB) == [("1", None), (None, None), ("3", None)]
    assert "more than 4,194,304 characters" in rows[1]["_rescued_data"]["_malformed"]
    assert len(rows[1]["_rescued_data"]["_record"]) == limit


def test_a_last_line_beyond_the_limit_is_one_record(tmp_path):
    rows = rows_of(tmp_path, '{"a":1}\n' + "x" * (rescued.MAX_RECORD_CHARS + 300_000))
    assert [row["_row_number"] for row in rows] == [1, 2]


# The file as a whole


@pytest.mark.parametrize(
    "content",
    [
        '[{"a":1},{"a":2}]',
        '\n [\n{"a":1}\n]\n',
        '{\n  "a": 1,\n  "b": 2\n}\n',
        "[1,2]\n",
        '{"a": 1,\n "b": 2}\n',
        '{"data": [\n{"a":1},\n{"a":2}\n]}\n',
        '{"data":\n [{"a":1}]}',
    ],
)
def test_one_document_over_the_whole_file_is_unreadable(tmp_path, content):
    with pytest.raises(UnreadableFile, match="expected one object a line") as caught:
        rows_of(tmp_path, content, name="f.json")
    assert caught.value.rule == "file_json_lines"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"data":[{"a":1},{"a":2}]}', '."data"[]'),
        ('{"count":1,"orders":[{"a":1}],"next":null}\n{"count":0,"orders":[]}\n', '."orders"[]'),
        ('{"a":"ok","orders":[{"a":1}]}', '."orders"[]'),
        ('{"data":{"orders":{"nodes":[{"a":1}]}}}', '."data"."orders"."nodes"[]'),
        ('{"data":[{"a":"' + "x" * rescued.MAX_RECORD_CHARS + '"}]}', '."data"[]'),
    ],
)
def test_the_envelope_of_an_api_is_unreadable_and_says_where_the_records_are(tmp_path, content, where):
    with pytest.raises(UnreadableFile, match="the envelope of an API") as caught:
        rows_of(tmp_path, content, name="f.json")
    assert caught.value.rule == "file_json_lines"
    assert f"as jq -c '{where}' does" in caught.value.detail


def test_records_with_lists_of_objects_are_records(tmp_path):
    rows = rows_of(tmp_path, '{"a":1,"lines":[{"x":1}]}\n{"b":2}\n{"data":[{"a":1}]}\n{"zzz":[1]}\n')
    assert [row["_row_number"] for row in rows] == [1, 2, 3, 4]
    assert len(rows_of(tmp_path, '{"a":1,"b":2,"lines":[{"x":1}]}', name="one.json")) == 1


def test_a_key_that_comes_twice_among_many_is_found_at_once(tmp_path):
    keys = ",".join(f'"n{number}":1' for number in range(100_000))
    started = time.process_time()
    (row,) = rows_of(tmp_path, f'{{{keys},"n7":2}}')
    assert "the key 'n7' more than once" in row["_rescued_data"]["_malformed"]
    assert time.process_time() - started < 5  # Counting each key takes minutes.


def test_a_first_line_that_broke_off_is_not_taken_for_a_document(tmp_path):
    rows = rows_of(tmp_path, '{\n{"a":2}\n')
    assert values(rows, AB) == [(None, None), ("2", None)]


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("f.json", b"", "file_not_empty"),
        ("f.json", '{"a":"é"}'.encode("latin-1"), "file_encoding"),
        ("f.json", '{"a":1}'.encode("utf-16"), "file_encoding"),
        ("f.jsonl.gz", gzip.compress(b'{"a":1}\n' * 100, mtime=0)[:-4], "file_decompresses"),
        ("f.jsonl.gz", b'{"a":1}\n', "file_decompresses"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_which_rule(tmp_path, name, content, rule):
    with pytest.raises(UnreadableFile) as caught:
        rows_of(tmp_path, content, name=name)
    assert caught.value.rule == rule
    assert name in str(caught.value)


# Properties

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
DECLARED = st.sampled_from(["a", "b", "c\n", "é"])
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)


def expected_text(value) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


@settings(max_examples=100, deadline=None)
@given(
    records=st.lists(
        st.dictionaries(DECLARED | TEXT.filter(lambda key: key[:1] != "_"), VALUE, max_size=5), max_size=8
    ),
    is_ascii=st.booleans(),
)
def test_what_the_json_module_writes_comes_back(records, is_ascii):
    # A first record without any known column could be the envelope of an API.
    records = [{"a": "first"}, *records]
    columns = ("a", "b", "c\n", "é")
    text = "".join(json.dumps(record, ensure_ascii=is_ascii) + "\n" for record in records)
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), text, columns)
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        for column in columns:
            if isinstance(record.get(column), list | dict):
                assert json.loads(row[column]) == record[column]
            else:
                assert row[column] == expected_text(record.get(column))
        unknown = {key: value for key, value in record.items() if key not in columns}
        assert row["_rescued_data"] == (unknown or None)


@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(1, 20),
    damage=st.dictionaries(
        st.integers(0, 19), st.tuples(st.integers(0, 30), st.sampled_from('"{}[],\\\0x ')), max_size=6
    ),
)
def test_every_line_of_a_damaged_file_is_a_row(count, damage):
    lines = [json.dumps({"a": f"v{number}", "b": [1, {"x": number}]}) for number in range(count)]
    for index, (position, character) in damage.items():
        if 0 < index < count:
            lines[index] = lines[index][:position] + character + lines[index][position:]
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), "\n".join(lines))
    assert len(rows) == count
    for index, row in enumerate(rows):
        if "_malformed" in (row["_rescued_data"] or {}):
            assert row["_rescued_data"]["_record"] == lines[index]
        elif index not in damage:
            assert row["a"] == f"v{index}"
            assert row["b"] == json.dumps([1, {"x": index}])


def test_joined_files_are_read_as_one(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, '\ufeff{"a":1}\n\ufeff\ufeff{"a":2}\n\ufeff\n', name="f.jsonl")
    assert [row["a"] for row in rows] == ["1", "2"]
