"""Makes what the project needs, in its own folder: `.venv`, `.java_home` and `.jars`.

Run by every target of the Makefile; each step is skipped while its inputs are unchanged, so a second call takes
a fraction of a second. Standard library only, for it runs before anything is installed, with whatever `python3` is.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setup_steps.common import SetupError, only_one
from setup_steps.jars import ensure_jars
from setup_steps.java import ensure_java
from setup_steps.venv import ensure_venv

ROOT = Path(__file__).resolve().parent.parent


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
