"""CSV files as they come: each a real file, read against its listed version."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project_etl.core.bronze.landing import content_version
from project_etl.core.bronze.readers import records, rescued, text_lines
from project_etl.core.bronze.readers.records import batch_schema, read_batches
from project_etl.core.bronze.unreadable import UnreadableFile
from project_etl_tests.core.bronze.landing_files import land, listed, read, values
from project_etl_tests.oracle.landing import read_dataset

AB = ("a", "b")


def rows_of(tmp_path, content, columns=AB, name="f.csv"):
    return read(tmp_path, land(tmp_path, name, content), columns)


def malformed_of(rows) -> dict[int, tuple[str, str]]:
    """Row number → what is wrong and the raw text."""
    found = {}
    for row in rows:
        rest = row["_rescued_data"] or {}
        if "_malformed" in rest:
            found[row["_row_number"]] = (rest["_malformed"], rest["_record"])
    return found


def unreadable(tmp_path, content, columns=AB, name="f.csv") -> tuple[str, str]:
    with pytest.raises(UnreadableFile) as caught:
        rows_of(tmp_path, content, columns, name)
    return caught.value.rule, caught.value.detail


# Columns


def test_values_are_text_as_received_and_empty_is_null(tmp_path):
    rows = rows_of(tmp_path, 'a,b\n 007 ,1e400\n"",\n"x",""\n')
    assert values(rows, AB) == [(" 007 ", "1e400"), (None, None), ("x", None)]
    assert [(row["_row_number"], row["_rescued_data"]) for row in rows] == [(1, None), (2, None), (3, None)]


def test_a_batch_has_the_promised_schema(tmp_path):
    path = land(tmp_path, "f.csv", "b,a\n1,2\n")
    (batch,) = read_batches(tmp_path, path, AB, expect_version=None)
    assert batch.schema == batch_schema(AB)
    assert batch.schema.names == ["a", "b", "_rescued_data", "_row_number"]


def test_columns_are_matched_by_name_not_position(tmp_path):
    assert values(rows_of(tmp_path, " b ,a\n2,1\n"), AB) == [("1", "2")]


def test_a_dropped_column_is_null(tmp_path):
    assert values(rows_of(tmp_path, "b\n2\n"), AB) == [(None, "2")]


def test_names_are_case_sensitive(tmp_path):
    rows = rows_of(tmp_path, "A,b\n1,2\n")
    assert values(rows, AB) == [(None, "2")]
    assert rows[0]["_rescued_data"] == {"A": "1"}


def test_an_added_column_is_rescued_where_it_says_something(tmp_path):
    rows = rows_of(tmp_path, 'a,loyalty_tier,b,\n1,gold,2,\n1,,2,\n1,"g,""ö",2,z\n')
    assert [row["_rescued_data"] for row in rows] == [
        {"loyalty_tier": "gold"},
        None,
        {"loyalty_tier": 'g,"ö', "_c3": "z"},
    ]
    assert values(rows, AB) == [("1", "2")] * 3


def test_a_header_alone_is_a_file_without_records(tmp_path):
    assert rows_of(tmp_path, "a,b\n") == []
    assert rows_of(tmp_path, "a,b") == []


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("x,y\n1,2\n", "expected at least one of a, b"),
        ("a;b\n1;2\n", "found 'a;b'"),
        ("a,b,a\n1,2,3\n", "names a more than once"),
        ("a,x, x \n1,2,3\n", "names x more than once"),
        ("a,_malformed\n1,2\n", "name of our own"),
        ("\n \r\n\n", "no header"),
        ("a,\0b\n1,2\n", "NUL character"),
        ('"a,b\n1,2\n', "line 2: found '\"a,b'"),
        ('a, "b"\n1,2\n', "blanks before an opening quote"),
        ("x\u00a0y,\u200bb\n1,2\n", r"found 'x\u00a0y, \u200bb'"),
        ("a," + "x" * rescued.MAX_RECORD_CHARS, "a header of more than 4,194,304 characters"),
        ('\n\na,"' + "x\n" * rescued.MAX_RECORD_CHARS, "found 'a,\"x' (field larger"),
        (",,\n1,2,3\n", "found '_c0, _c1, _c2'"),
    ],
)
def test_a_header_that_does_not_name_the_columns_makes_the_file_unreadable(tmp_path, header, said):
    rule, detail = unreadable(tmp_path, header)
    assert rule == "file_header"
    assert said in detail


# Text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_work_and_blank_lines_are_not_records(tmp_path, end):
    rows = rows_of(tmp_path, end.join(["", "a,b", "1,2", "", "   ", '3,"x', 'y"', "5,6"]))
    assert values(rows, AB) == [("1", "2"), ("3", f"x{end}y"), ("5", "6")]
    assert [row["_row_number"] for row in rows] == [1, 2, 3]


def test_a_byte_order_mark_is_stripped(tmp_path):
    assert values(rows_of(tmp_path, "\ufeffa,b\n1,2\n"), AB) == [("1", "2")]
    assert values(rows_of(tmp_path, '\ufeff"a",b\n1,2\n'), AB) == [("1", "2")]


def test_joined_files_are_read_as_one(tmp_path: Path) -> None:
    text = '\ufeff\ufeffa,b\n1,2\n\ufeffa,b\r\n3,"x\ny"\n\n a ,b\n\ufeff"4",5\n"a","b"\na,c\n\ufeff'
    assert values(rows_of(tmp_path, text), AB) == [("1", "2"), ("3", "x\ny"), ("4", "5"), ("a", "c")]


def test_quoted_newlines_commas_and_quotes_are_values(tmp_path):
    text = 'a,b\n"1,\n2","say ""hi"""\n6" pipe,x\n'
    assert values(rows_of(tmp_path, text), AB) == [("1,\n2", 'say "hi"'), ('6" pipe', "x")]


def test_line_ends_that_only_unicode_knows_are_text(tmp_path):
    odd = "x\x0b\x0c\x1c\x85\u2028\u2029y"
    assert values(rows_of(tmp_path, f"a,b\n{odd},2\n"), AB) == [(odd, "2")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,caf\xe9\n2,x\n".encode("latin-1"), "line 2, byte 9: found e9, which is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "begins with the bytes ff fe, which is UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-be"), "looks like UTF-16"),
        ("a,b\n1,2\n".encode("utf-32"), "which is UTF-32"),
        ("a,b\n1,ö".encode()[:-1], "line 2, byte 6: found c3"),
    ],
)
def test_what_is_not_utf8_makes_the_file_unreadable(tmp_path, content, said):
    rule, detail = unreadable(tmp_path, content)
    assert rule == "file_encoding"
    assert said in detail


def test_the_place_of_a_wrong_byte_is_exact_far_into_a_file(tmp_path):
    good = "a,b\n" + "1,ö\n" * 200_000
    rule, detail = unreadable(tmp_path, good.encode() + b"1,\xff\n")
    assert rule == "file_encoding"
    assert f"line 200,002, byte {len(good.encode()) + 2:,}: found ff" in detail


@pytest.mark.parametrize(
    ("name", "content"), [("f.csv", b""), ("f.csv.gz", b""), ("g.csv.gz", ""), ("h.csv", "\ufeff")]
)
def test_a_file_without_a_character_is_unreadable(tmp_path, name, content):
    assert unreadable(tmp_path, content, name=name)[0] == "file_not_empty"


# Compression


def test_gzip_of_several_members_with_padding_reads_as_one(tmp_path):
    content = gzip.compress(b"a,b\n1,") + gzip.compress(b"") + gzip.compress(b"2\n3,4\n") + b"\0" * 100
    assert values(rows_of(tmp_path, content, name="f.csv.gz"), AB) == [("1", "2"), ("3", "4")]


def test_a_large_gzip_reads_like_its_text(tmp_path):
    text = "a,b\n" + "".join(f"{number},{'x' * (number % 50)}\n" for number in range(100_000))
    zipped = rows_of(tmp_path, text, name="f.csv.gz")
    assert zipped == rows_of(tmp_path, text)
    assert len(zipped) == 100_000


WHOLE = gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WHOLE[:-9], "cut off"),
        (WHOLE[:5], "cut off"),
        (b"a,b\n1,2\n", "begins with the bytes 61 2c, expected the gzip mark"),
        (WHOLE[:-8] + bytes([WHOLE[-8] ^ 1]) + WHOLE[-7:], "incorrect data check"),
        (WHOLE + b"garbage", "damaged at or before byte"),
    ],
)
def test_damaged_gzip_makes_the_file_unreadable(tmp_path, content, said):
    rule, detail = unreadable(tmp_path, content, name="f.csv.gz")
    assert rule == "file_decompresses"
    assert said in detail


def test_a_bomb_is_refused_and_a_file_that_just_shrinks_well_is_not():
    zipped = gzip.compress(b"\0" * 3_000_000)
    limits = {"compressed_bytes": len(zipped), "max_ratio": 10}
    with pytest.raises(UnreadableFile, match=r"grows from .* to more than 1,000,000"):
        sum(map(len, text_lines.gunzip([zipped], "f.gz", max_suspect_bytes=1_000_000, **limits)))
    assert sum(map(len, text_lines.gunzip([zipped], "f.gz", max_suspect_bytes=3_000_000, **limits))) == 3_000_000


# Malformed records


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1", "1 fields; expected 2"),
        ("1,2,3", "3 fields; expected 2"),
        ('1,"2"x', "text after a closing quote"),
        ('1,"2', "is not closed"),
        ("1,\0", "a NUL character at position 3"),
        ("1," + "x" * 131_073, "a field of more than 131,072 characters"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_malformed_record_keeps_its_raw_text_and_the_rest_is_read(tmp_path, line, said, end):
    rows = rows_of(tmp_path, end.join(["a,b", "7,8", line, "9,10", ""]))
    assert [row["_row_number"] for row in rows] == [1, 2, 3]
    assert values(rows, AB) == [("7", "8"), (None, None), ("9", "10")]
    problem, raw = malformed_of(rows)[2]
    assert said in problem
    assert raw == line


def test_a_ragged_record_over_two_lines_is_one_malformed_record(tmp_path):
    rows = rows_of(tmp_path, 'a,b\n1,"x\ny",3\n4,5\n')
    assert malformed_of(rows) == {1: ("3 fields; expected 2, as many as the header has", '1,"x\ny",3')}
    assert values(rows, AB)[1:] == [("4", "5")]


def test_an_unclosed_quote_costs_its_own_line_only(tmp_path):
    rows = rows_of(tmp_path, 'a,b\n1,"oops\n2,x\n3,"fine, and\nlong"\n4,y\n')
    assert malformed_of(rows).keys() == {1}
    assert values(rows, AB)[1:] == [("2", "x"), ("3", "fine, and\nlong"), ("4", "y")]


STRAY = "a quote in an unquoted field, after a quote that was not closed; expected none"


def test_the_tail_of_a_record_that_broke_off_does_not_pass_for_a_record(tmp_path):
    rows = rows_of(tmp_path, 'a,b\n1,"multi\nline" x,3\n4,5\n6,7" pipe\n8,9\n')
    malformed = malformed_of(rows)
    assert malformed[1][1] == '1,"multi'
    assert malformed[2] == (STRAY, 'line" x,3')
    assert "stands between two quotes out of place" in malformed[3][0]
    assert malformed[4] == (STRAY, '6,7" pipe')
    assert values(rows, AB)[4:] == [("8", "9")]


@pytest.mark.parametrize("tail", ['x,b",2', 'x,b ""y"" c",2', '"x"",b",2', 'b"\n,2', '",2', '"x" y,b",2', 'x"y",2,3'])
@pytest.mark.parametrize("evil", [[], ["666,evil,6"], ["666,evil,6"] * 97])
def test_text_whose_quotes_are_not_doubled_makes_no_row(tmp_path, tail, evil):
    lines = ['7,"one ""two""",8', '1,"say "hi"', *evil, *tail.split("\n"), '3,"four",5', '6,5" pipe,7', "8,9,10"]
    rows = rows_of(tmp_path, "\n".join(["a,b,c", *lines, *["11,12,13"] * 200, '14,15" pipe,16']), ("a", "b", "c"))
    published = [row["a"] for row in rows if not row["_rescued_data"]]
    assert published in (["7", "8", *["11"] * 200, "14"], ["7", "3", "8", *["11"] * 200, "14"])


def test_one_stray_quote_does_not_cost_the_rest_of_a_file(tmp_path):
    inches = [f'{number},5" pipe' if number % 9 == 0 else f"{number},x" for number in range(1000)]
    rows = rows_of(tmp_path, "\n".join(["a,b", '1,"oops', *inches]))
    malformed = malformed_of(rows)
    assert len(rows) == 1001
    assert max(malformed) <= 101
    assert len(malformed) >= 90


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('1"x, y",2', "quotes in several unquoted fields"),
        ('5" pipe,6" pipe,7', "quotes in several unquoted fields"),
        ('1, "x", 2', "blanks before an opening quote"),
        ('1,\t"x",2', "blanks before an opening quote"),
    ],
)
def test_quotes_out_of_place_are_malformed(tmp_path, line, said):
    rows = rows_of(tmp_path, f'a,b,c\n7,"8",9\n{line}\n9,9,9\n', ("a", "b", "c"))
    assert values(rows, ("a", "b", "c")) == [("7", "8", "9"), (None,) * 3, ("9",) * 3]
    problem, raw = malformed_of(rows)[2]
    assert said in problem
    assert raw == line


def test_inches_and_the_guards_of_spreadsheets_are_ordinary(tmp_path):
    text = 'a,b\n5" pipe,1\nsay "hi",2\n="001",="002"\n="003",6" pipe\n'
    expected = [('5" pipe', "1"), ('say "hi"', "2"), ('="001"', '="002"'), ('="003"', '6" pipe')]
    assert values(rows_of(tmp_path, text), AB) == expected


def test_a_quote_that_is_not_closed_is_named_as_such_however_long_the_file(tmp_path):
    rows = rows_of(tmp_path, 'a,b\n1,"oops\n' + "2,x\n" * 50_000)
    assert len(rows) == 50_001
    assert malformed_of(rows) == {
        1: (
            "a quote that is opened here is not closed within 131,072 characters; expected a closing quote",
            '1,"oops',
        )
    }


def test_an_unclosed_quote_far_from_the_end_of_a_large_file_costs_its_own_line_only(tmp_path):
    lines = [f"{number},{number % 7}" for number in range(120_000)]
    lines[10] = '10,"3'
    lines[60_000] = '60000,"4'
    rows = rows_of(tmp_path, "\n".join(["a,b", *lines]))
    assert malformed_of(rows).keys() == {11, 60_001}
    assert len(rows) == len(lines)
    assert rows[-1]["a"] == "119999"


def test_a_file_of_open_quotes_is_read_in_time_that_grows_with_its_size(tmp_path):
    lines = 60_000
    path = land(tmp_path, "f.csv", "a,b\n" + 'x","\n' * lines)
    started = time.process_time()
    rows = read(tmp_path, path, AB)
    assert len(malformed_of(rows)) == lines
    assert time.process_time() - started < 20  # Without a bound it reads 1,800,000,000 lines.


def test_a_record_beyond_the_limit_is_cut_and_the_next_is_read(tmp_path):
    limit = rescued.MAX_RECORD_CHARS
    for size in (limit + 10, 2 * limit):
        rows = rows_of(tmp_path, f"a,b\n1,2\n{'x,' * (size // 2)}\r\n3,4\n")
        assert values(rows, AB) == [("1", "2"), (None, None), ("3", "4")]
        problem, raw = malformed_of(rows)[2]
        assert "more than 4,194,304 characters" in problem
        assert len(raw) == limit


def test_a_record_of_many_lines_beyond_the_limit_is_malformed(tmp_path):
    wide = ",".join('"' + "x" * 99_999 + '\n"' for _ in range(50))
    rows = rows_of(tmp_path, f"a,b\n1,2\n{wide}\n3,4\n")
    assert rows[0]["a"] == "1"
    assert rows[-1]["b"] == "4"
    assert all(row["_rescued_data"] for row in rows[1:-1])


# Work that is bounded


def test_a_name_that_comes_twice_among_many_is_found_at_once(tmp_path):
    names = ",".join(f"n{number}" for number in range(100_000))
    started = time.process_time()
    assert "names n7 more than once" in unreadable(tmp_path, f"a,{names},n7\n")[1]
    assert time.process_time() - started < 5  # Counting each name takes minutes.


@pytest.mark.parametrize("line", ["x\n", '"x"y\n'])
def test_a_file_of_malformed_records_is_not_read_to_its_end(tmp_path, monkeypatch, line):
    monkeypatch.setattr(records, "MAX_MALFORMED", 1000)
    good = ["1,2\n"] * 1000
    assert len(rows_of(tmp_path, "".join(["a,b\n", *good, *[line] * 1000]))) == 2000
    rule, detail = unreadable(tmp_path, "".join(["a,b\n", *good, *[line] * 1001]))
    assert rule == "file_well_formed"
    assert detail.startswith(
        "1,001 of the first 2,001 records are malformed; expected few. The first is record 1,001: "
    )


@pytest.mark.parametrize("blank", ["\n", "\r", " \n"])
def test_blank_lines_are_skipped_at_speed(tmp_path, blank):
    path = land(tmp_path, "f.csv", "a,b\n1,2\n" + blank * 5_000_000 + f'3,"4{blank}{blank}5"')
    started = time.process_time()
    rows = read(tmp_path, path, AB)
    assert [row["b"] for row in rows] == ["2", f"4{blank}{blank}5"]
    assert time.process_time() - started < 4


def test_blank_lines_inside_quotes_are_text(tmp_path):
    blank = "\n" * (2 * text_lines.BLOCK_BYTES)
    with_limit = blank[: csv.field_size_limit() - 2]
    text = f'a,b\n1,"x{with_limit}y"\n{blank}2,"x{blank}y"\n{blank}3,4\n'
    rows = rows_of(tmp_path, text)
    assert rows[0]["b"] == f"x{with_limit}y"
    assert rows[-1]["b"] == "4"
    assert "not closed within" in malformed_of(rows)[2][0]


# The file as a whole


@pytest.mark.parametrize("header", ["b,a,c,d", "a, b ,c,x", '"d","a","c","b"'])
def test_a_second_table_makes_the_file_unreadable(tmp_path, header):
    rule, detail = unreadable(tmp_path, f"a,b,c,d\n1,2,3,4\na,b,c,d\na,b,x,y\n{header}\n5,6,7,8\n")
    assert rule == "file_header"
    assert "after 2 records: found" in detail
    assert "header of another table; expected one table a file" in detail


def test_a_header_with_an_unnamed_column_that_comes_again_is_no_record(tmp_path):
    assert values(rows_of(tmp_path, ",a,b\n0,1,2\n,a,b\n0,3,4\n"), AB) == [("1", "2"), ("3", "4")]


def test_batches_are_at_most_as_long_as_asked_and_rows_count_through(tmp_path):
    path = land(tmp_path, "f.csv", "a,b\n" + "1,2\n" * 25_000)
    batches = list(read_batches(tmp_path, path, AB, expect_version=None, batch_rows=999))
    assert max(map(len, batches)) == 999
    numbers = [number for batch in batches for number in batch.column("_row_number").to_pylist()]
    assert numbers == list(range(1, 25_001))


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz"])
@pytest.mark.parametrize("new", ["a,b\n1,3\n", "x,y\n1,2\n"])
def test_new_bytes_under_the_listed_version_are_refused(tmp_path, name, new):
    path = land(tmp_path, name, "a,b\n1,2\n")
    version = content_version(tmp_path, listed(tmp_path, path))
    land(tmp_path, name, new)
    with pytest.raises(UnreadableFile, match="changed while it was read") as caught:
        list(read_batches(tmp_path, path, AB, expect_version=version))
    assert caught.value.rule == "file_stable"


def test_a_file_that_is_gone_is_not_stable(tmp_path):
    path = land(tmp_path, "f.csv", "a,b\n")
    (tmp_path / path).unlink()
    with pytest.raises(UnreadableFile, match="is gone") as caught:
        list(read_batches(tmp_path, path, AB, expect_version=None))
    assert caught.value.rule == "file_stable"


def test_the_error_survives_the_way_from_an_executor():
    error = pickle.loads(pickle.dumps(UnreadableFile("shop/f.csv", "file_header", "line 1: found nothing")))
    assert (error.path, error.rule, error.detail) == ("shop/f.csv", "file_header", "line 1: found nothing")
    assert str(error) == "shop/f.csv: file_header: line 1: found nothing"


@pytest.mark.parametrize(
    ("columns", "name", "batch_rows", "said"),
    [
        ((), "f.csv", 1, "expected one or more"),
        (("a", "a"), "f.csv", 1, "different names"),
        (("a", "_rescued_data"), "f.csv", 1, "our own"),
        (("a",), "f.parquet", 1, "no reader for '.parquet'"),
        (("a",), "f.csv", 0, "batch_rows is 0"),
    ],
)
def test_a_wrong_call_is_refused_at_once(tmp_path, columns, name, batch_rows, said):
    with pytest.raises(ValueError, match=said):
        read_batches(tmp_path, f"shop/orders/2025-01-15/{name}", columns, expect_version=None, batch_rows=batch_rows)


def test_the_reader_needs_no_spark_and_no_dagster():
    module = "project_etl.core.bronze.readers.records"
    code = f"import sys, {module}; print({{'pyspark', 'dagster', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Properties

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
TRICKY = st.text(st.sampled_from('a,"\n\r é'), max_size=6)


@settings(max_examples=60, deadline=None)
@given(table=st.lists(st.tuples(TEXT | TRICKY, TEXT | TRICKY, TRICKY), max_size=20), zipped=st.booleans())
def test_what_the_csv_module_writes_comes_back(table, zipped):
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *table])
    columns = ("c", "a", "b")
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), text.getvalue(), columns, "f.csv.gz" if zipped else "f.csv")
    assert malformed_of(rows) == {}
    assert values(rows, columns) == [(c or None, a or None, b or None) for a, b, c in table]


@settings(max_examples=40, deadline=None)
@given(st.lists(TRICKY | TEXT, min_size=1, max_size=20))
def test_a_table_of_one_column_comes_back(column):
    text = io.StringIO()
    csv.writer(text).writerows([("a",), *((value,) for value in column)])
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), text.getvalue(), ("a",))
    assert [row["a"] for row in rows] == [value or None for value in column]


@settings(max_examples=150, deadline=None)
@given(
    table=st.lists(st.tuples(st.sampled_from(["1", "x y", 'q"z', "k,l"]), st.sampled_from(["", "7"])), max_size=30),
    damage=st.dictionaries(st.integers(0, 29), st.tuples(st.integers(0, 9), st.sampled_from('",x\0')), max_size=6),
)
def test_every_line_of_a_damaged_file_is_in_a_row_or_in_a_malformed_record(table, damage):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    lines = text.getvalue().splitlines()
    for index, (position, character) in damage.items():
        if index < len(lines):
            lines[index] = lines[index][:position] + character + lines[index][position:]

    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), "\n".join(["a,b", *lines, ""]))

    malformed = malformed_of(rows)
    covered = 0
    for row in rows:
        raw = malformed.get(row["_row_number"], ("", (row["a"] or "") + (row["b"] or "")))[1]
        covered += raw.count("\n") + 1
    assert covered == len([line for line in lines if line.strip()])
    assert [row["_row_number"] for row in rows] == list(range(1, len(rows) + 1))


PARTS = st.sampled_from(
    [
        "1",
        '"x"',
        '"a,b"',
        '"a\nb"',
        '"say ""hi"""',
        '5" p',
        ' "x"',
        '="01"',
        '""',
        '"',
        "\n",
        "é",
        "\0",
        '"x "y" z"',
        'z",2',
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.lists(PARTS, min_size=1, max_size=4), max_size=12),
    rest=st.integers(0, 3),
    block=st.sampled_from([20, 64, 1 << 18]),
)
def test_a_plain_reading_finds_the_same_records(lines, rest, block):
    body = "\n".join([*(",".join(line) for line in lines), *["5,6"] * rest * 40, 'x",y', "7,8"])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", block)
        rows = rows_of(Path(folder), f"head,b\n{body}", ("head", "b"))
        plain = read_dataset(Path(folder), "shop", "orders", ("head", "b"))
    malformed = malformed_of(rows)
    assert [(row["head"], row["b"]) for row in rows if row["_row_number"] not in malformed] == [
        (record["head"], record["b"]) for record in plain.records
    ]
    assert [number for _, number in plain.malformed] == [*malformed]


@settings(max_examples=60, deadline=None)
@given(
    before=st.integers(0, 3),
    text=st.lists(
        st.sampled_from(["666,evil,6", "words", 'he "said" so', 'and ""more"" of it', "", "a,b"]), max_size=40
    ),
    end=st.sampled_from(["bye", 'by "e', "a,b", ""]),
    start=st.sampled_from(['say "hi"', 'say "hi', '"hi" he said', '24" wide']),
)
def test_text_with_quotes_and_lines_makes_no_row_where_quotes_are_not_doubled(before, text, end, start):
    free = "\n".join([start, *text, end])
    lines = ["7,x,8"] * before + [f'1,"{free}",2'] + ["7,y,8"] * 5
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(Path(folder), "\n".join(["a,b,c", *lines]), ("a", "b", "c"))
    published = [row for row in rows if row["_row_number"] not in malformed_of(rows)]
    assert [row["b"] for row in published] == ["x"] * before + ["y"] * 5
