"""What every step of the set-up uses: its error, its one line of progress, quiet commands and stamps."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SHOWN_LINES = 30


class SetupError(Exception):
    """A step could not be done; the message says why and what to do."""


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one set-up work at a time; a second one waits, and then finds everything done.

    The lock belongs to the open file, so a set-up that is killed leaves nothing behind that must be removed by hand.
    """
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"set-up: {text}", flush=True)


def run_quietly(command: Sequence[str], *, failure: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command without a terminal, and show what it printed only when it fails.

    Args:
        command: The program and its arguments.
        failure: What to tell the user, in one sentence, when the command fails.
        env: The whole environment of the command; the caller's own by default.

    Returns:
        What the command printed, both streams together.

    Raises:
        SetupError: The command is not there or exits with another code than 0.
    """
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{failure} ({error})") from error
    if done.returncode != 0:
        tail = "\n".join(f"  | {line}" for line in done.stdout.splitlines()[-SHOWN_LINES:])
        raise SetupError(f"{failure}\n  {command[0]} exited with {done.returncode}; the last it printed:\n{tail}")
    return done.stdout


def fingerprint(files: Iterable[Path], *more: str) -> str:
    """Hash the contents of the files, and further texts, that a step depends on."""
    digest = hashlib.sha256()
    for part in [*(path.read_bytes() for path in files), *(text.encode() for text in more)]:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def is_stamped(stamp: Path, wanted: str) -> bool:
    """Tell whether a step was finished with exactly these inputs."""
    return stamp.is_file() and stamp.read_text().strip() == wanted
