"""The class archive: what the JVM learns of Spark's and Delta's classes, kept for its next start.

Without it every run, command and test process spends four seconds and more on reading and verifying the same classes.
A JVM that finds that the archive is not for it (another Java, other jars) does without.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from setup_steps.common import SetupError, fingerprint, is_stamped, run_quietly, say

if TYPE_CHECKING:
    from pathlib import Path

# As in project_etl/core/engine.py, which this cannot import: it may not be installed yet.
ARCHIVE = "classes.jsa"
STAMP = ".archive-stamp"


def ensure_archive(root: Path, java_home: Path) -> None:
    """Make `.jars/classes.jsa` when Java, Spark or the jars have changed; say so when it cannot be made."""
    jars, python, script = root / ".jars", root / ".venv" / "bin" / "python", root / "scripts" / "class_archive.py"
    java = java_home / "release"
    wanted = fingerprint(
        [script, root / "requirements-dev.txt", *([java] if java.is_file() else [])],
        *(str(root), str(java_home), *sorted(jar.name for jar in jars.glob("*.jar"))),
    )
    if is_stamped(jars / STAMP, wanted):
        return
    say("class archive for quicker starts of Spark (a minute)")
    archive, fresh = jars / ARCHIVE, jars / f"{ARCHIVE}.new"
    for old in (archive, fresh):
        old.unlink(missing_ok=True)
    try:
        run_quietly(
            [str(python), str(script), str(jars), str(fresh)],
            failure="the class archive could not be made.",
            env={**os.environ, "JAVA_HOME": str(java_home)},
        )
    except SetupError as error:
        say(f"{error}\nset-up: all works without it, and every start of Spark takes some seconds more.")
    else:
        fresh.rename(archive)
    (jars / STAMP).write_text(wanted)
