"""`project-etl dev` with the real thing: it says what it shows, and leaves no process behind when it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from project_etl_tests.commands.given import REPOSITORY, surroundings
from project_etl_tests.promises.commands import processes_with
from project_etl_tests.webserver import ask, free_port

pytestmark = pytest.mark.long

MARK = "TEST_DEV_MARK"
# `dagster dev`, the code server and its child, the webserver, the daemon.
LEAST_PROCESSES = 5
STOP_SECONDS = 40


def marked(mark: str) -> dict[int, str]:
    """Processes that inherited a mark → their command lines; zombies are none."""
    found: dict[int, str] = {}
    for process in processes_with(MARK, mark):
        # It may have ended.
        with suppress(psutil.Error):
            found[process.pid] = " ".join(process.cmdline())
    return {pid: line for pid, line in found.items() if line}


def kill(mark: str) -> None:
    """End the processes of a test that failed."""
    while left := marked(mark):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_soon(what: Callable[[], bool]) -> bool:
    until = time.monotonic() + STOP_SECONDS
    while not (is_so := what()) and time.monotonic() < until:
        time.sleep(0.1)
    return is_so


def start(*command: str, env: Mapping[str, str], mark: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**env, MARK: mark, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_make_dev_says_what_it_shows_and_stops_all_of_its_processes_on_sigterm(tmp_path):
    env, mark, port = surroundings(tmp_path, ENV="local"), uuid.uuid4().hex, free_port()
    # `-o setup`: the set-up has been done by whoever runs the tests.
    make = start("make", "--no-print-directory", "-o", "setup", "dev", f"ARGS=-p {port}", env=env, mark=mark)
    try:
        assert ask(f"http://127.0.0.1:{port}/graphql", "{ version }")["version"]
        assert len(running := marked(mark)) > LEAST_PROCESSES, running
        make.send_signal(signal.SIGTERM)
        assert is_soon(lambda: not marked(mark)), marked(mark)
    finally:
        kill(mark)
    said, _ = make.communicate(timeout=STOP_SECONDS)
    assert said.splitlines()[:4] == [
        "Environment  local",
        f"Landing      {tmp_path / 'landing'}",
        f"Lake         {tmp_path / 'lake'}",
        f"UI           http://localhost:{port} (in about ten seconds; Ctrl+C stops it)",
    ]
    assert "Warning" not in said
    assert "WARNING" not in said
    assert "dagster.yaml" not in said


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_does_not_stop_is_killed(stop):
    mark = uuid.uuid4().hex
    stubborn = ["bash", "-c", "trap '' INT TERM HUP; sleep 600 & echo started; wait; sleep 600"]
    code = f"import os; from project_etl.commands.dev.run import until_stopped as u; u({stubborn}, os.environ, 0.2)"
    parent = start(sys.executable, "-c", code, env=os.environ, mark=mark)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    assert len(marked(mark)) == 3
    try:
        parent.send_signal(stop)
        assert parent.wait(STOP_SECONDS) == 0
        assert not marked(mark)
    finally:
        kill(mark)


def test_nothing_outlives_a_parent_that_is_killed():
    mark = uuid.uuid4().hex
    child = (
        "import time; from project_etl.commands.dev.services import end_with_parent as e; e(); print('ok', flush=True)"
    )
    command = [sys.executable, "-c", f"{child}; time.sleep(600)"]
    code = f"import os; from project_etl.commands.dev.run import until_stopped as u; u({command}, os.environ)"
    parent = start(sys.executable, "-c", code, env=os.environ, mark=mark)
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ok\n"
        parent.kill()
        parent.wait(STOP_SECONDS)
        assert is_soon(lambda: not marked(mark)), marked(mark)
    finally:
        kill(mark)


def test_a_port_that_is_taken_is_one_clear_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [Path(sys.executable).with_name("project-etl"), "dev", "-p", str(port)]
        done = subprocess.run(command, env=surroundings(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: The UI cannot listen on 127.0.0.1:{port}: Address already in use. Perhaps it runs already; "
        f"`project-etl dev -p {port + 1}` takes another port.\n"
    )
