"""How the oracle reads landing files and values, judged by hand."""

from __future__ import annotations

import gzip
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl_tests.oracle import values
from project_etl_tests.oracle.given import DAY, NEXT_DAY, land
from project_etl_tests.oracle.landing import read_dataset


class TestLanding:
    def read(self, root: Path) -> list[tuple[str, str | None]]:
        records = read_dataset(root, "s", "d", ("a", "b")).records
        return [(record["a"] or "", record["b"]) for record in records]

    def test_columns_go_by_name_and_unfinished_files_do_not_count(self, tmp_path: Path) -> None:
        land(tmp_path, f"s/d/{DAY}/x.csv", "\ufeffb,a\r\n2,1\r\n")
        land(tmp_path, f"s/d/{DAY}/y.json.gz", gzip.compress(b'{"a": "3", "b": 4.50}\n'))
        for name in (".x.csv", "_x.csv", "x.csv.tmp", "x.csv.part", "x.txt"):
            land(tmp_path, f"s/d/{DAY}/{name}", "a,b\n8,8\n")
        land(tmp_path, "s/d/2025-02-30/x.csv", "a,b\n9,9\n")
        assert self.read(tmp_path) == [("1", "2"), ("3", "4.50")]

    def test_the_same_bytes_count_once_a_day_and_again_on_another_day(self, tmp_path: Path) -> None:
        for path in (f"{DAY}/x.csv", f"{DAY}/y.csv", f"{NEXT_DAY}/x.csv"):
            land(tmp_path, f"s/d/{path}", "a,b\n1,2\n")
        found = read_dataset(tmp_path, "s", "d", ("a", "b"))
        assert [record.source_file for record in found.records] == [f"s/d/{DAY}/x.csv", f"s/d/{NEXT_DAY}/x.csv"]
        assert found.repeated_files == [f"s/d/{DAY}/y.csv"]

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("cut.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 99, mtime=0)[:-6]),
            ("plain.csv.gz", b"a,b\n1,2\n"),
            ("latin.csv", "a,b\n1,é\n".encode("latin-1")),
            ("empty.csv", b""),
            ("other.csv", b"x,y\n1,2\n"),
            ("twice.csv", b"a,a\n1,2\n"),
            ("second.csv", b"a,b\n1,2\nb,a\n3,4\n"),
            ("array.json", b'[{"a": 1}]'),
        ],
    )
    def test_a_file_that_cannot_be_read_as_a_whole_gives_nothing(
        self, name: str, content: bytes, tmp_path: Path
    ) -> None:
        land(tmp_path, f"s/d/{DAY}/{name}", content)
        found = read_dataset(tmp_path, "s", "d", ("a", "b"))
        assert (found.records, list(found.unreadable)) == ([], [f"s/d/{DAY}/{name}"])

    def test_malformed_csv_records_are_left_out_and_the_rest_stays(self, tmp_path: Path) -> None:
        bad = '1\n1,2,3\n"1"x,2\n1,\0\n"1,2\n'
        land(tmp_path, f"s/d/{DAY}/x.csv", 'a,b\n1,"x,""y""\r\nz"\n\n' + bad + "5,6\n")
        found = read_dataset(tmp_path, "s", "d", ("a", "b"))
        assert self.read(tmp_path) == [("1", 'x,"y"\r\nz'), ("5", "6")]
        assert [row for _, row in found.malformed] == [2, 3, 4, 5, 6]

    def test_quotes_out_of_place_are_malformed_with_what_stands_between_them(self, tmp_path: Path) -> None:
        text = 'a,b\n5" pipe,1\n="01",="02"\n1"x, y"\n3, "4"\n5,6\n7,"say "hi"\n8,9\nx,y"\n10,11\n'
        land(tmp_path, f"s/d/{DAY}/x.csv", text)
        assert self.read(tmp_path) == [('5" pipe', "1"), ('="01"', '="02"'), ("10", "11")]

    def test_malformed_json_lines_are_left_out_and_the_rest_stays(self, tmp_path: Path) -> None:
        bad = [
            '{"a": "\\u0000"}',
            '{"a": ["x"] tail}',
            '{"a": 1',
            '{"a": 1, "a": 2}',
            '{"a": NaN}',
            '{"a": 1} {"a": 2}',
            "3",
            '{"a": "\\ud800"}',
        ]
        land(
            tmp_path,
            f"s/d/{DAY}/x.jsonl",
            "\n".join(['{"a": 1e400, "b": null}', *bad, '{"a": true, "b": {"x": ["y", 1, 2.50, null]}}']),
        )
        assert self.read(tmp_path) == [("1e400", None), ("true", '{"x": ["y", 1, 2.50, null]}')]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2010-12-01 08:26:00", datetime(2010, 12, 1, 8, 26)),
        ("2025-01-15T08:26:31Z", datetime(2025, 1, 15, 8, 26, 31)),
        ("2025-01-15T00:26:31.5+02:00", datetime(2025, 1, 14, 22, 26, 31, 500_000)),
        ("2025-01-15", datetime(2025, 1, 15)),
        ("2025-02-30T10:00:00Z", None),
        ("15/01/2025", None),
        ("2025-01-15T08:26:31Q", None),
    ],
)
def test_instants_are_utc_or_do_not_cast(text: str, instant: datetime | None) -> None:
    assert values.to_instant(text) == instant


def test_numbers_cast_exactly_or_not_at_all() -> None:
    assert [values.to_int(text) for text in (" 6 ", "-1", "6.0", "two", "", None)] == [6, -1, 6, None, None, None]
    amounts = [values.to_amount(text) for text in ("2.1", "0.00005", "1e2", "100000000000000", "NaN", "1_0")]
    assert amounts == [Decimal("2.1"), Decimal("0.0001"), Decimal(100), None, None, None]
