"""Makes what the project needs, in its own folder: `.venv`, `.java_home` and `.jars`.

Run by every target of the Makefile; each step is skipped while its inputs are unchanged, so a second call takes
a fraction of a second. Standard library only, for it runs before anything is installed, with whatever `python3` is.
"""

from __future__ import annotations

import fcntl
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from setup_steps.common import SetupError
from setup_steps.jars import ensure_jars
from setup_steps.java import ensure_java
from setup_steps.venv import ensure_venv

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one set-up work at a time; a second one waits, and then finds everything done.

    The lock belongs to the open file, so a set-up that is killed leaves nothing behind that must be removed by hand.
    """
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Run the three steps; the exit code is 1 when one of them could not be done."""
    try:
        with only_one(ROOT / ".setup.lock"):
            ensure_venv(ROOT)
            java_home = ensure_java(ROOT)
            ensure_jars(ROOT, java_home)
    except SetupError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
