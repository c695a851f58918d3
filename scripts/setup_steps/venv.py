"""The virtual environment: `.venv`, with exactly what `requirements-dev.txt` pins, and the project itself.

Indexes, mirrors, proxies and certificates are the user's: pip reads its own configuration and environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from setup_steps.common import SetupError, fingerprint, is_stamped, run_quietly, say

SUPPORTED = ("3.11", "3.12")
REQUIREMENTS = "requirements-dev.txt"


def ensure_venv(root: Path) -> None:
    """Make `.venv` when it is missing, was not finished, or the requirements have changed.

    Raises:
        SetupError: There is no Python 3.11 or 3.12, or pip could not install.
    """
    venv = root / ".venv"
    python = venv / "bin" / "python"
    # The folder is part of the inputs: scripts in a virtual environment hold its absolute path.
    wanted = fingerprint([root / REQUIREMENTS], str(venv))
    stamp = venv / ".requirements-stamp"
    if not (python.exists() and is_stamped(stamp, wanted)):
        _build(venv, root / REQUIREMENTS)
        stamp.write_text(wanted)
    wanted = fingerprint([root / "pyproject.toml"])
    stamp = venv / ".project-stamp"
    if not is_stamped(stamp, wanted):
        _install_project(python, root)
        stamp.write_text(wanted)


def _build(venv: Path, requirements: Path) -> None:
    """Start from nothing, so that the environment never holds more than the requirements say."""
    say(f"Python packages into {venv.name} (a few minutes the first time)")
    run_quietly(
        [find_python(), "-m", "venv", "--clear", str(venv)],
        failure="a virtual environment could not be made; on Debian and Ubuntu it needs the package python3-venv.",
    )
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    # The file is the whole list, so nothing is resolved; older pips do not even find `gql` in it for `gql[requests]`.
    run_quietly(
        [*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(requirements)],
        failure=f"pip could not install {requirements.name}; check the network and pip's configuration, and run again.",
    )
    run_quietly([*pip, "check"], failure=f"{requirements.name} is not complete; make it anew with `make lock`.")


def _install_project(python: Path, root: Path) -> None:
    """Install the project in place: the code stays where it is, and `project-etl` becomes a command."""
    run_quietly(
        [
            *(str(python), "-m", "pip", "--no-input", "--disable-pip-version-check", "install", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--editable", str(root)),
        ],
        failure="the project could not be installed into .venv; is pyproject.toml in order?",
    )


def find_python() -> str:
    """Find a Python of a supported version: the one that runs this, or one on PATH.

    Raises:
        SetupError: There is none.
    """
    # Inside an activated environment (perhaps the very one that is made anew), take the Python it was made from.
    own = Path(sys.base_prefix) / "bin" / "python3"
    candidates = [str(own), *(f"python{version}" for version in SUPPORTED), "python3"]
    for candidate in candidates:
        if _version_of(candidate) in SUPPORTED:
            return candidate
    raise SetupError(
        f"no Python {' or '.join(SUPPORTED)} found (tried {', '.join(candidates)}): install one, "
        "or name it with `make PYTHON=/path/to/python3.11 ...`."
    )


def _version_of(python: str) -> str | None:
    """Ask a Python for its version; None where it is not there or does not run (a pyenv shim without a version)."""
    try:
        asked = subprocess.run(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
