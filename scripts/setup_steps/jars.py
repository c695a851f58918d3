"""The jars beside Spark's own: the coordinates in `jars.txt`, resolved once into `.jars`; and the tests' Kafka.

Spark's own Ivy does it, here and never at run time. It asks the local Maven repository first, then Maven Central or
what the user's DEFAULT_ARTIFACT_REPOSITORY names.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from setup_steps.common import SetupError, fingerprint, is_stamped, run_quietly, say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

STAMP = ".stamp"


def ensure_jars(root: Path, java_home: Path) -> None:
    """Resolve `jars.txt` into `.jars` when it, or the Spark that is installed, has changed; without what Spark has.

    Raises:
        SetupError: A line of `jars.txt` is no coordinate, or Ivy could not resolve them.
    """
    pyspark = _pyspark_home(root / ".venv")
    sparks_own = frozenset(artifact_of(jar.name) for jar in (pyspark / "jars").glob("*.jar"))
    _ensure(root, java_home, root / "jars.txt", ".jars", lambda resolved: needed(resolved, sparks_own))


def ensure_kafka_jars(root: Path, java_home: Path) -> Path:
    """Resolve the tests' Kafka broker into `.jars-kafka` when it is not there, and return that folder.

    The broker runs without Spark, so nothing is left out. Scala's library is Spark's: Spark's Ivy never fetches one.

    Raises:
        SetupError: A line of the listing is no coordinate, or Ivy could not resolve them.
    """
    scala = sorted((_pyspark_home(root / ".venv") / "jars").glob("scala-library-*.jar"))
    listing = root / "project_etl_tests" / "integration" / "kafka_jars.txt"
    return _ensure(root, java_home, listing, ".jars-kafka", lambda resolved: [*resolved, *scala])


def _ensure(
    root: Path, java_home: Path, listing: Path, folder: str, chosen: Callable[[list[Path]], list[Path]]
) -> Path:
    """Resolve a listing into a folder when it, or the Spark that is installed, has changed.

    The folder appears in one rename when it is complete, so a download that breaks off leaves the old state behind.
    """
    jars, pyspark = root / folder, _pyspark_home(root / ".venv")
    wanted = fingerprint([listing], *sorted(jar.name for jar in (pyspark / "jars").glob("*.jar")))
    if is_stamped(jars / STAMP, wanted):
        return jars
    coordinates = read_coordinates(listing)
    say(f"jars for {', '.join(coordinates)} (half a minute)")
    resolved = _resolve(coordinates, root / ".ivy", root / ".venv", pyspark, java_home, listing.name)
    fresh = root / f"{folder}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for jar in chosen(resolved):
        shutil.copy2(jar, fresh / jar.name)
    (fresh / STAMP).write_text(wanted)
    shutil.rmtree(jars, ignore_errors=True)
    fresh.rename(jars)
    return jars


def read_coordinates(listing: Path) -> list[str]:
    """Read the Maven coordinates, one `group:artifact:version` a line; `#` starts a comment."""
    coordinates: list[str] = []
    for number, line in enumerate(listing.read_text().splitlines(), start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        if not re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.+-]+", text):
            raise SetupError(f"{listing.name}, line {number}: found {text!r}, expected group:artifact:version.")
        coordinates.append(text)
    return coordinates


def artifact_of(name: str) -> str:
    """Cut the version off the name of a jar: `parquet-column-1.16.0.jar` is `parquet-column`."""
    return re.sub(r"-\d[^-]*(-[^-]+)?\.jar$", "", name)


def needed(resolved: Collection[Path], sparks_own: Collection[str]) -> list[Path]:
    """Leave out what Spark brings itself, in whatever version: two versions of one library are a fault at run time.

    Args:
        resolved: Jars as Ivy names them, `<group>_<artifact>-<version>.jar`.
        sparks_own: Names of the artifacts in Spark's own `jars` folder.
    """
    return sorted(jar for jar in resolved if artifact_of(jar.name.split("_", 1)[1]) not in sparks_own)


def _resolve(coordinates: list[str], ivy: Path, venv: Path, pyspark: Path, java_home: Path, listing: str) -> list[Path]:
    """Let spark-submit fetch the jars for a script that does nothing, and list them."""
    # Ivy adds to this folder and removes nothing; its cache, which makes the next resolution quick, lies beside it.
    shutil.rmtree(ivy / "jars", ignore_errors=True)
    ivy.mkdir(exist_ok=True)
    nothing = ivy / "nothing.py"
    nothing.write_text("")
    env = {name: value for name, value in os.environ.items() if name not in ("SPARK_REMOTE", "PYSPARK_SUBMIT_ARGS")}
    env |= {"JAVA_HOME": str(java_home), "SPARK_HOME": str(pyspark), "PYSPARK_PYTHON": str(venv / "bin" / "python")}
    run_quietly(
        [
            *(str(pyspark / "bin" / "spark-submit"), "--master", "local[1]"),
            *("--conf", f"spark.jars.ivy={ivy}", "--packages", ",".join(coordinates), str(nothing)),
        ],
        failure=f"the jars of {listing} could not be resolved; check the network (or DEFAULT_ARTIFACT_REPOSITORY), "
        "remove .ivy if a download broke off, and run again.",
        env=env,
    )
    resolved = sorted((ivy / "jars").glob("*.jar"))
    found = {artifact_of(jar.name.split("_", 1)[1]) for jar in resolved}
    for coordinate in coordinates:
        if coordinate.split(":")[1] not in found:
            raise SetupError(f"Ivy said it had resolved {coordinate}, but its jar is not in {ivy / 'jars'}.")
    return resolved


def _pyspark_home(venv: Path) -> Path:
    """Find the installed pyspark by its folder; starting its Python would take longer than the rest of the check."""
    homes = sorted(venv.glob("lib/python3.*/site-packages/pyspark"))
    if not homes:
        raise SetupError(f"pyspark is not in {venv}; remove that folder and run again.")
    return homes[-1]
