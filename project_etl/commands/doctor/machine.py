"""What `doctor` looks at on the machine: Java, jars, package versions, disk. It gives findings, never an exception.

Does not belong here: landing, lake, clock and Dagster (`health_data.py`), how findings are shown (`doctor.py`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from project_etl.settings import Settings, can_embed

JAVA_VERSIONS = (17, 21)
# Packages whose versions must fit each other; what was tested is what the lock file pins.
PACKAGES = ("dagster", "dagster-pyspark", "deltalake", "delta-spark", "pandas", "pandera", "pyarrow", "pyspark")
# The extra `dashboard` of pyproject.toml.
DASHBOARD_PACKAGES = ("plotly", "streamlit")
LOCK_FILE = "requirements.txt"
JARS_FILE = "jars.txt"
SET_UP = "run `make setup`"
MEGABYTE, GIGABYTE = 10**6, 10**9
FREE_WARN, FREE_FAIL = 5 * GIGABYTE, GIGABYTE
JAVA_SECONDS = 30


class Level(StrEnum):
    """How bad a finding is; only `FAIL` keeps the platform from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: the thing.
        level: how it is.
        found: what was found.
        advice: what to do about it; empty when it is in order.
    """

    what: str
    level: Level
    found: str
    advice: str = ""


def engine(settings: Settings) -> Iterator[Finding]:
    """What computes is installed."""
    if settings.engine == "embedded" and not can_embed():
        yield Finding("engine", Level.FAIL, "embedded, but pysail is not installed", f"{SET_UP}, or set engine: spark")
    elif settings.is_embedded and settings.engine == "auto":
        size = f"{settings.engine_max_bytes / MEGABYTE:.0f} MB"
        yield Finding("engine", Level.OK, f"embedded; Spark for a table that reads more than {size}")
    else:
        yield Finding("engine", Level.OK, "embedded" if settings.is_embedded else settings.spark.place)


def _does_without_java(settings: Settings) -> str | None:
    """Why no Java is needed on this machine; None when it is."""
    if settings.spark.remote:
        return f"Spark runs at {settings.spark.remote}"
    return "the engine is embedded" if settings.engine == "embedded" else None


def _without_spark(settings: Settings) -> Level:
    """How bad it is when Spark cannot start here."""
    return Level.WARN if settings.is_embedded else Level.FAIL


def java(settings: Settings) -> Iterator[Finding]:
    """Java is there, runs, and is one that Spark supports."""
    if why := _does_without_java(settings):
        yield Finding("Java", Level.OK, f"not needed: {why}")
        return
    bad = _without_spark(settings)
    advice = f"install Java {' or '.join(map(str, JAVA_VERSIONS))} (`make setup` does on Debian) or set JAVA_HOME to it"
    program = Path(settings.java_home, "bin", "java") if settings.java_home else shutil.which("java")
    if program is None:
        yield Finding("Java", bad, "no java on PATH, and no JAVA_HOME", advice)
        return
    try:
        asked = subprocess.run(
            [str(program), "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=JAVA_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("Java", bad, f"{program} does not run: {error}", advice)
        return
    major = java_major(asked.stderr)
    found = f"Java {major or 'of unknown version'} at {program}"
    is_supported = major in JAVA_VERSIONS
    yield Finding("Java", Level.OK if is_supported else bad, found, "" if is_supported else advice)


def java_major(text: str) -> int | None:
    """Take the major version out of the answer to `java -version`; `1.8.0_402` is 8."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else None


def jars(settings: Settings) -> Iterator[Finding]:
    """Every jar that `jars.txt` names lies in the jars folder."""
    if why := _does_without_java(settings):
        yield Finding("jars", Level.OK, f"not needed: {why}")
        return
    bad = _without_spark(settings)
    folder, listing = Path(settings.jars_dir), settings.root / JARS_FILE
    there = [path.name for path in folder.glob("*.jar")]
    wanted = _coordinates(listing)
    missing = [each for each in wanted if not any(name.endswith(_jar_name(each)) for name in there)]
    if missing:
        yield Finding("jars", bad, f"{', '.join(missing)} not in {folder}", f"{SET_UP}, or correct {listing}")
    elif not wanted:
        found = f"{listing} names none, so what should be in {folder} is not known; there are {len(there)}"
        yield Finding("jars", Level.WARN if there else bad, found, "run from the repository, or set jars_dir")
    else:
        yield Finding("jars", Level.OK, f"{len(there)} in {folder}, with {', '.join(wanted)}")


def _coordinates(listing: Path) -> list[str]:
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def _jar_name(coordinate: str) -> str:
    """The end of a jar's name: `io.delta:delta-storage:4.4.0` is `delta-storage-4.4.0.jar`."""
    _, artifact, number = coordinate.split(":")[:3] if coordinate.count(":") >= 2 else ("", coordinate, "")
    return f"{artifact}-{number}.jar"


def packages(settings: Settings) -> Iterator[Finding]:
    """The installed packages are those that were tested together."""
    lock = settings.root / LOCK_FILE
    pins = _pins(lock)
    installed = {name: _installed(name) for name in PACKAGES}
    found = [f"{name} {number}" for name, number in installed.items()]
    missing = [name for name, number in installed.items() if number is None]
    odd = [
        f"{name} is {number}, tested was {pins[name]}"
        for name, number in installed.items()
        if number != pins.get(name, number)
    ]
    if missing:
        yield Finding("packages", Level.FAIL, f"not installed: {', '.join(missing)}", SET_UP)
    elif odd:
        yield Finding("packages", Level.WARN, "; ".join(odd), f"{SET_UP} to have those that were tested")
    elif not pins:
        yield Finding(
            "packages", Level.WARN, f"no {lock} to compare {', '.join(found)} with", "run from the repository"
        )
    else:
        yield Finding("packages", Level.OK, ", ".join(found))


def dashboard(_: Settings) -> Iterator[Finding]:
    """The packages of the dashboard, which the platform does without."""
    installed = {name: _installed(name) for name in DASHBOARD_PACKAGES}
    missing = [name for name, number in installed.items() if number is None]
    if missing:
        advice = f"for `project-etl dashboard`, {SET_UP} or `pip install 'project_etl[dashboard]'`"
        yield Finding("dashboard", Level.OK, f"not installed: {', '.join(missing)}", advice)
    else:
        yield Finding("dashboard", Level.OK, ", ".join(f"{name} {number}" for name, number in installed.items()))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _pins(lock: Path) -> dict[str, str]:
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    return {name.lower(): number for name, number in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.M)}


def disk(settings: Settings) -> Iterator[Finding]:
    """Room where tables are written (on this machine) and where Spark puts what does not fit into memory."""
    places = [] if "://" in settings.lake_root else [("disk (lake)", settings.lake_root)]
    for what, place in [*places, ("disk (temporary)", tempfile.gettempdir())]:
        free = shutil.disk_usage(nearest_folder(Path(place))).free
        level = Level.FAIL if free < FREE_FAIL else Level.WARN if free < FREE_WARN else Level.OK
        advice = "" if level is Level.OK else f"make room: {FREE_WARN / GIGABYTE:.0f} GB and more are comfortable"
        yield Finding(what, level, f"{free / GIGABYTE:.1f} GB free at {place}", advice)


def nearest_folder(path: Path) -> Path:
    """The path itself, or the first folder above it that exists."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())


def spark(settings: Settings) -> Iterator[Finding]:
    """A Spark session starts and answers."""
    from project_etl.core.engine.spark import start
    from project_etl.orchestration.resources import engine_config

    try:
        session = start(engine_config(settings))
        answer = session.sql("SELECT version() AS version").collect()[0]["version"]
    except Exception as error:  # whatever keeps Spark from starting is a finding
        reason = str(error).strip().partition("\n")[0]
        yield Finding("Spark", Level.FAIL, f"no session: {reason}", "mend what is said of Java and jars above, first")
        return
    yield Finding("Spark", Level.OK, f"answers as version {answer.split()[0]}")
    session.stop()
