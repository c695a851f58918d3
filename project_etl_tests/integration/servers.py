"""Real PostgreSQL and MariaDB on loopback: an own cluster in a temporary folder, with a password, gone afterwards.

Belongs here: starting, stopping and emptying them. Does not belong here: any table.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

USER = "shop"
# What a URL must quote, and what a shell or a format would take for its own.
PASSWORD = "s3cr@t/%:word"
# Below those that the kernel gives to connections: one of these could connect to itself.
PORTS = range(20_000, 32_000)
START_SECONDS = 60
STOP_SECONDS = 30
POSTGRESQL_FOLDERS = Path("/usr/lib/postgresql")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

Starter = Callable[[], AbstractContextManager["Server"]]


class _Process:
    """The server's process while it runs. It ends with the tests, also when these are killed."""

    running: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class Server:
    """A database server.

    Attributes:
        admin: URL of the database that is there from the start.
        log: What the server has to say.
    """

    admin: URL
    log: Path
    command: Sequence[str]
    _process: _Process = field(default_factory=_Process)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def database(self) -> str:
        """Make an empty database, and give its SQLAlchemy URL with the password."""
        name = f"shop_{next(self._numbers)}"
        with self._engine() as engine, engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(f"CREATE DATABASE {name}"))
        return self.admin.set(database=name).render_as_string(hide_password=False)

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        if self._process.running:
            return
        with self.log.open("ab") as log:
            process = self._process.running = subprocess.Popen(
                self.command, cwd=self.log.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                self.stop()
                said = self.log.read_text(errors="replace")[-4000:]
                pytest.fail(f"{self.admin.drivername}: the server does not start:\n{said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server as its administrator does: connections are cut, and what is committed stays."""
        process, self._process.running = self._process.running, None
        if process:
            # PostgreSQL waits for its clients on SIGTERM.
            process.send_signal(signal.SIGINT if "postgresql" in self.admin.drivername else signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def _answers(self) -> bool:
        with suppress(DBAPIError), self._engine() as engine:
            engine.connect().close()
            return True
        return False

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self.admin)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def postgresql() -> Iterator[Server]:
    """PostgreSQL, its newest installed version."""
    # The client's package has such a folder, too.
    servers = POSTGRESQL_FOLDERS.glob("*/bin/postgres")
    versions = sorted((path.parent for path in servers), key=lambda path: float(path.parent.name))
    if not versions:
        pytest.fail("PostgreSQL is missing: apt-get install postgresql")
    with _folder("postgres") as (folder, as_user):
        password = folder / "password"
        password.write_text(PASSWORD)
        data = folder / "data"
        _run(
            *as_user(f"{versions[-1]}/initdb", "-D", str(data), "-U", USER, f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"),
            cwd=folder,
        )
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=32MB"]
        yield from _served(
            "postgresql+psycopg",
            "postgres",
            folder,
            port,
            as_user(
                *(f"{versions[-1]}/postgres", "-D", str(data), "-p", str(port)),
                *(part for setting in settings for part in ("-c", setting)),
            ),
        )


@contextmanager
def mariadb() -> Iterator[Server]:
    """MariaDB, for all that speaks to MySQL."""
    install, server = (shutil.which(name, path=PATH) for name in ("mariadb-install-db", "mariadbd"))
    if not install or not server:
        pytest.fail("MariaDB is missing: apt-get install mariadb-server")
    with _folder("mysql") as (folder, as_user):
        data, first = folder / "data", folder / "first.sql"
        first.write_text(
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
        )
        _run(*as_user(install, "--no-defaults", f"--datadir={data}", "--skip-test-db"), cwd=folder)
        port = free_port()
        yield from _served(
            "mysql+pymysql",
            "mysql",
            folder,
            port,
            as_user(
                *(server, "--no-defaults", f"--datadir={data}", f"--init-file={first}", f"--pid-file={folder}/pid"),
                *(f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"),
                *("--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"),
                "--innodb-flush-log-at-trx-commit=0",
            ),
        )


def _served(driver: str, database: str, folder: Path, port: int, command: Sequence[str]) -> Iterator[Server]:
    url = URL.create(driver, USER, PASSWORD, "127.0.0.1", port, database)
    server = Server(make_url(url), folder / "log", command)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, Callable[..., Sequence[str]]]]:
    """A folder of the server's user, and how to run a program as that user: servers refuse to run as root."""
    # Not below pytest's own folder: another user must not look into it.
    folder = Path(tempfile.mkdtemp(prefix=f"project-etl-{user}-"))
    dies = ["setpriv", "--pdeathsig", "TERM"]
    if os.getuid() == 0:
        shutil.chown(folder, user, user)
        dies += [f"--reuid={user}", f"--regid={user}", "--init-groups"]
    try:
        yield folder, lambda *command: (*dies, "--", *command)
    finally:
        shutil.rmtree(folder)


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail(f"No free port from {PORTS[0]} to {PORTS[-1]}")
