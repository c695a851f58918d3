"""What `doctor` looks at beside the machine: landing, lake, clock, and Dagster's folder. Findings, never exceptions.

Folders of this machine and object stores are looked at through the same file system that the platform uses.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fsspec import AbstractFileSystem

from project_etl.catalog import datasets_of, landing_refusal
from project_etl.commands.doctor.machine import Finding, Level, nearest_folder
from project_etl.commands.shared.environment import (
    DAGSTER_FILE,
    DAGSTER_HOME,
    dagster_home,
    instance_in,
    lake_without_spark,
    prepared_home,
)
from project_etl.core.bronze.landing_store import file_system
from project_etl.core.model.days import some_of
from project_etl.settings import Settings
from project_etl.standing.landing import survey_of

# A store's clock and ours may differ by so much without harm.
CLOCK_SECONDS = 60
SHOWN = 3
STORE_ADVICE = "check the URL, the network, and the credentials in the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, …)"


def landing(settings: Settings) -> Iterator[Finding]:
    """Landing can be read, holds something, and nothing that is not read."""
    root = settings.landing_root
    advice = STORE_ADVICE if "://" in root else "check the folder's rights, or set landing_root to another one"
    try:
        fs, base = file_system(root)
        is_there = fs.isdir(base)
        found = survey_of(settings)
    except Exception as error:  # each store has its own exceptions, and all are findings
        yield Finding("landing", Level.FAIL, f"{root} cannot be read: {_words(error)}", advice)
        return
    wanted = ", ".join(
        f"{root}/{dataset.source}/{dataset.name}/YYYY-MM-DD/" for dataset in datasets_of(settings.sources)[:1]
    )
    if not is_there and not found.files:
        yield Finding(
            "landing", Level.WARN, f"{root} is not there yet", f"put files into {wanted}, or `project-etl demo`"
        )
    elif not found.files:
        yield Finding(
            "landing", Level.WARN, f"{root} holds no files of {', '.join(settings.sources)}", f"expected {wanted}"
        )
    else:
        yield Finding("landing", Level.OK, f"{len(found.files):,} files of {', '.join(settings.sources)} in {root}")
    if found.unread:
        things = some_of([item.in_words() for item in found.unread], SHOWN)
        advice = "`project-etl status` names all of them, with what to do"
        yield Finding("landing", Level.WARN, f"{len(found.unread):,} things in {root} are not read: {things}", advice)


def lake(settings: Settings) -> Iterator[Finding]:
    """The lake can be written, read and cleaned; a folder that is not there yet can be made."""
    root = settings.lake_root
    if "://" not in root:
        yield _local_lake(Path(root))
        return
    try:
        _probe(*file_system(root))
    except Exception as error:  # each store has its own exceptions, and all are findings
        yield Finding("lake", Level.FAIL, f"{root} cannot be written and read: {_words(error)}", STORE_ADVICE)
        return
    yield Finding("lake", Level.OK, f"{root} can be written and read")


def same_landing(settings: Settings) -> Iterator[Finding]:
    """The lake was loaded from this landing, or from none yet."""
    try:
        refused = landing_refusal(lake_without_spark(settings), settings)
    except Exception as error:  # each store has its own exceptions, and all are findings
        yield Finding("lake", Level.WARN, f"its landing root is not known: {_words(error)}", STORE_ADVICE)
        return
    if refused:
        found, _, advice = refused.partition(". ")
        yield Finding("lake", Level.FAIL, found, advice.removesuffix("."))


def _local_lake(root: Path) -> Finding:
    folder = nearest_folder(root)
    if root.exists() and not root.is_dir():
        return Finding("lake", Level.FAIL, f"{root} is a file", "move it away, or set lake_root to another folder")
    if folder != root:
        if os.access(folder, os.W_OK | os.X_OK):
            return Finding("lake", Level.OK, f"{root} is not there yet, and can be made")
        return Finding("lake", Level.FAIL, f"{root} cannot be made in {folder}", "set lake_root to a folder of yours")
    try:
        _probe(*file_system(str(root)))
    except OSError as error:
        advice = "check the folder's rights, or set lake_root to another one"
        return Finding("lake", Level.FAIL, f"{root} cannot be written and read: {_words(error)}", advice)
    return Finding("lake", Level.OK, f"{root} can be written and read")


def _probe(fs: AbstractFileSystem, base: str) -> None:
    """Write a small file, read it back, and remove it."""
    # Readers pass over names that start with a dot or an underscore.
    path, text = f"{base}/_doctor-{uuid.uuid4().hex}", b"project-etl doctor"
    fs.pipe_file(path, text)
    try:
        read = fs.cat_file(path)
    finally:
        fs.rm_file(path)
    if read != text:
        raise OSError(f"wrote {text!r} to {path} and read back {read!r}")


def alerts(settings: Settings) -> Iterator[Finding]:
    """Whether people are told, and by what; never where to, which may be a secret."""
    number = len(settings.alerts.email_to)
    webhook = "set" if settings.alerts.webhook_url else "not set"
    found = f"webhook {webhook}, {number} {'address' if number == 1 else 'addresses'}"
    links = f", links to {settings.ui_url}" if settings.ui_url else ", messages without links (ui_url is not set)"
    is_set = bool(number or settings.alerts.webhook_url)
    yield Finding("alerts", Level.OK, found + (f"{links}; `project-etl alerts test` tries them" if is_set else ""))


def clock(settings: Settings) -> Iterator[Finding]:
    """The clock is not before the time at which the newest landing file was written."""
    now = time.time()
    try:
        newest = max((file.modified for file in survey_of(settings).files), default=None)
    except Exception as error:  # what is wrong with landing is told there
        yield Finding("clock", Level.WARN, f"not compared with landing, which cannot be read: {_words(error)}")
        return
    said = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    if newest is not None and newest > now + CLOCK_SECONDS:
        found = f"{said}, but a landing file is from {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC"
        yield Finding(
            "clock",
            Level.FAIL,
            found,
            "set the clock: a file from the future is only taken when it is the same settle_seconds later",
        )
    else:
        yield Finding("clock", Level.OK, said)


def dagster(settings: Settings) -> Iterator[Finding]:
    """Dagster keeps its runs in a folder with our `dagster.yaml`, and can read both."""
    home = dagster_home(settings)
    unset, absent = "", f"put the platform's {DAGSTER_FILE} into {settings.root}"
    if settings.dagster_home is None:
        unset = "" if os.environ.get(DAGSTER_HOME) else f" ({DAGSTER_HOME} is not set)"
        absent = f"copy {settings.root / DAGSTER_FILE} there, or set {DAGSTER_HOME} to {settings.root}"
    elif home.exists():
        prepared_home(settings)
    else:
        yield Finding("Dagster", Level.OK, f"no runs yet; the first will make {home}")
        return
    if not (home / DAGSTER_FILE).is_file():
        yield Finding("Dagster", Level.WARN, f"no {DAGSTER_FILE} in {home}{unset}", absent)
        return
    try:
        with instance_in(home) as instance:
            runs = instance.get_runs_count()
    except Exception as error:  # a fault in the file has many classes, and all are findings
        yield Finding("Dagster", Level.FAIL, f"{home / DAGSTER_FILE}: {_words(error)}", "correct the file")
        return
    keep = f"export {DAGSTER_HOME}={home}, so that the commands of Dagster itself find the same runs" if unset else ""
    yield Finding("Dagster", Level.WARN if unset else Level.OK, f"{runs:,} runs in {home}{unset}", keep)


def _words(error: Exception) -> str:
    """The first line of an error; many have more, and some have none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
