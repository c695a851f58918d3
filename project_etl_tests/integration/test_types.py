"""Types that bite: what real servers print arrives as text, for Silver to judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_etl_tests.integration.pulled import VARIABLE, place
from project_etl_tests.integration.servers import Server

# Kind of column, its value in SQL → what lands. Every one of them would fail, or change, in Python's own types.
POSTGRESQL = {
    ("numeric", "'NaN'"): "NaN",
    ("numeric", "1e30"): "1000000000000000000000000000000",
    ("numeric(12,4)", "12.5"): "12.5000",
    ("double precision", "'-Infinity'"): "-Infinity",
    ("double precision", "0.1"): "0.1",
    ("real", "16777217"): "1.6777216e+07",
    ("bigint", "9223372036854775807"): 9223372036854775807,
    ("boolean", "true"): True,
    ("date", "'infinity'"): "infinity",
    ("date", "'0044-03-15 BC'"): "0044-03-15 BC",
    ("timestamptz", "'infinity'"): "infinity",
    ("timestamptz", "'2025-01-01 00:30:00.123456+05:30'"): "2024-12-31 19:00:00.123456+00",
    ("timestamp", "'2025-03-30 02:30:00'"): "2025-03-30 02:30:00",
    ("timestamp", "'12025-01-01'"): "12025-01-01 00:00:00",
    ("time", "'23:59:59.999999'"): "23:59:59.999999",
    ("interval", "'1 month -3 hours'"): "P1MT-3H",
    ("text[]", "array['a', null, 'b,\"']"): ["a", None, 'b,"'],
    ("int[]", "'{{1,2},{3,4}}'"): [[1, 2], [3, 4]],
    ("jsonb", """'{"a": [1, 1.10, null]}'"""): '{"a": [1, 1.10, null]}',
    ("json", """'{"a":1, "a":2}'"""): '{"a":1, "a":2}',
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"): "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ("bytea", r"'\x00ff'"): "\\x00ff",
    ("text", "E'tab\\tquote\" line\\n\u00e9\u2028'"): 'tab\tquote" line\né\u2028',
    ("char(5)", "'ab'"): "ab   ",
}
MARIADB = {
    ("bigint unsigned", "18446744073709551615"): "18446744073709551615",
    ("decimal(12,4)", "12.5"): "12.5000",
    ("double", "1e100"): "1e100",
    ("tinyint(1)", "1"): "1",
    ("date", "'0000-00-00'"): "0000-00-00",
    ("datetime", "'2025-00-00 00:00:00'"): "2025-00-00 00:00:00",
    ("datetime(6)", "'2025-03-30 02:30:00.000001'"): "2025-03-30 02:30:00.000001",
    ("timestamp(6) null", "'2025-01-01 10:00:00'"): "2025-01-01 10:00:00.000000",
    ("time(6)", "'-838:59:59.000001'"): "-838:59:59.000001",
    ("year", "2155"): "2155",
    ("json", """'{"a": [1, 1.10, null]}'"""): '{"a": [1, 1.10, null]}',
    ("enum('a','b')", "'b'"): "b",
    ("set('a','b')", "'a,b'"): "a,b",
    ("bit(9)", "b'100000001'"): "\\x0101",
    ("varbinary(4)", "x'00ff'"): "\\x00ff",
    ("varchar(20)", "'\u00e9\U0001f600'"): "é\U0001f600",
}


@pytest.mark.parametrize(("name", "kinds"), [("postgresql", POSTGRESQL), ("mariadb", MARIADB)])
def test_values_land_as_the_server_prints_them(
    name: str, kinds: dict, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Server = request.getfixturevalue(name)
    url = server.database()
    monkeypatch.setenv(VARIABLE, url)
    columns = ", ".join(f"c{number} {kind}" for number, (kind, _) in enumerate(kinds))
    values = ", ".join(value for _, value in kinds).replace(":", r"\:")
    with place(tmp_path, url, None) as shop:
        lax = ["SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"] if name == "mariadb" else []
        shop.execute(
            *lax,
            f"CREATE TABLE orders (order_id INT PRIMARY KEY, updated_at TIMESTAMP, {columns})",
            f"INSERT INTO orders VALUES (1, '2025-01-01', {values})",
        )
        shop.pull()
        (record,) = shop.landed()
    found = {kind: record[f"c{number}"] for number, kind in enumerate(kinds)}
    assert found == kinds
