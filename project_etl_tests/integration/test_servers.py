"""The servers themselves: what tests may rely on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from project_etl_tests.integration import servers
from project_etl_tests.integration.servers import Server


def test_each_database_is_empty_and_asks_for_the_password(server: Server) -> None:
    first, second = make_url(server.database()), make_url(server.database())
    assert first != second
    with create_engine(first).begin() as connection:
        connection.execute(text("CREATE TABLE orders (name varchar(20))"))
        connection.execute(text("INSERT INTO orders VALUES ('Wójcik ☕')"))
    with create_engine(first).connect() as connection:
        assert connection.execute(text("SELECT name FROM orders")).scalar() == "Wójcik ☕"
    with pytest.raises(OperationalError), create_engine(first.set(password="wrong")).connect():
        pass
    # The name is free in the other one.
    with create_engine(second).begin() as connection:
        connection.execute(text("CREATE TABLE orders (name varchar(20))"))


def test_a_server_that_was_stopped_has_what_was_committed(server: Server) -> None:
    url = server.database()
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE kept (n int)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    server.stop()
    with pytest.raises(OperationalError), create_engine(url).connect():
        pass
    server.start()
    server.start()
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT n FROM kept")).scalars().all() == [1]


@pytest.mark.parametrize("start", [servers.postgresql, servers.mariadb], ids=["postgresql", "mariadb"])
def test_a_server_is_gone_when_a_test_fails(start: servers.Starter) -> None:
    kept: list[Server] = []

    def fail() -> None:
        with start() as server:
            kept.append(server)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not kept[0].log.parent.exists()
    with pytest.raises(OperationalError), create_engine(kept[0].admin).connect():
        pass


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(servers, "POSTGRESQL_FOLDERS", tmp_path)
    monkeypatch.setattr(servers, "PATH", os.fspath(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql"), servers.postgresql():
        pass
    with pytest.raises(pytest.fail.Exception, match="apt-get install mariadb-server"), servers.mariadb():
        pass
