"""`project-etl generate --to …` as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from project_etl_tests.commands.given import REPOSITORY, plain_environment


@contextmanager
def generating(*options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The command with what follows `--to`, and with some variables; killed at the end of the block."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("project-etl"), "generate", "--to", *options],
        env=plain_environment() | variables | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
