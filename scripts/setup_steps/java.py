"""Java for Spark: find a 17 or 21, or install Debian's, and write its folder to `.java_home`.

The Makefile and `project_etl.settings` read that file; nothing else about the machine is changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from setup_steps.common import SetupError, run_quietly, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUPPORTED = (17, 21)
PACKAGES = ("openjdk-17-jre-headless", "openjdk-21-jre-headless")
USUAL_PLACES = (
    "/usr/lib/jvm/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk@*/libexec/openjdk.jdk/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)
INSTALL_IT_YOURSELF = (
    "no Java 17 or 21 was found: install one (Linux: your distribution's openjdk-17-jre-headless or java-17-"
    "openjdk-headless; macOS: `brew install openjdk@17`; Windows: inside WSL, as on Linux) or set JAVA_HOME to it, "
    "and run again."
)


def ensure_java(root: Path) -> Path:
    """Find or install a Java that Spark runs on, and record its folder.

    Returns:
        The JAVA_HOME folder.

    Raises:
        SetupError: There is none and none could be installed.
    """
    record = root / ".java_home"
    found = find_java(record)
    if found is None:
        _install()
        found = find_java(record)
    if found is None:
        raise SetupError(INSTALL_IT_YOURSELF)
    if not record.is_file() or record.read_text().strip() != str(found):
        record.write_text(f"{found}\n")
        say(f"Java in {found}")
    return found


def find_java(record: Path) -> Path | None:
    """Look for a supported Java: JAVA_HOME first, then the one recorded last time, PATH and the usual places."""
    return next((home for home in _candidates(record) if major_version(home) in SUPPORTED), None)


def _candidates(record: Path) -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    if record.is_file():
        yield Path(record.read_text().strip())
    on_path = shutil.which("java")
    # macOS has a /usr/bin/java that is no Java but an invitation to install one; `major_version` sees through it.
    if on_path:
        yield Path(on_path).resolve().parent.parent
    for pattern in USUAL_PLACES:
        place = Path(pattern).expanduser()
        yield from sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor))))


def major_version(home: Path) -> int | None:
    """Read the major version of the Java in a folder; None where there is no Java that runs.

    The `release` file answers at once; a Java without one is asked, which takes a tenth of a second.
    """
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return None
    release = home / "release"
    if release.is_file():
        return parse_version(release.read_text(errors="replace"))
    asked = subprocess.run(
        [str(java), "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return parse_version(asked.stderr) if asked.returncode == 0 else None


def parse_version(text: str) -> int | None:
    """Take the major version out of a `release` file or the answer to `java -version` (`1.8.0_402` is 8)."""
    match = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else None


def _install() -> None:
    """Install Debian's headless Java where that is possible without asking anybody."""
    prefix = _as_root()
    if prefix is None:
        raise SetupError(INSTALL_IT_YOURSELF)
    say("no Java 17 or 21 here: installing Debian's (a minute)")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    failures: list[str] = []
    try:
        run_quietly([*prefix, "apt-get", "update"], failure="apt-get update failed.", env=env)
    except SetupError as error:
        # The package may be in a list that is already there; if it is not, both failures are shown.
        failures.append(str(error))
    for package in PACKAGES:
        command = [*prefix, "apt-get", "install", "--yes", "--no-install-recommends", package]
        try:
            run_quietly(command, failure=f"{package} could not be installed.", env=env)
        except SetupError as error:
            failures.append(str(error))
        else:
            return
    raise SetupError("\n".join([INSTALL_IT_YOURSELF, *failures]))


def _as_root() -> Sequence[str] | None:
    """Say how to run apt-get as root: as we are, or by a sudo that asks no password; None where neither works."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "--non-interactive", "true"], capture_output=True, check=False)
    return ("sudo", "--non-interactive") if asked.returncode == 0 else None
