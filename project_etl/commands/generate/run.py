"""`project-etl generate`: a landing of the source `shop`, deterministic by seed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.errors import UserError
from project_etl.demo import Manifest, ManifestError, generate
from project_etl.demo.files import SOURCE


def run(
    console: Console, out: Path, *, days: int, start: date, scale: float, seed: int, overwrite: bool = False
) -> Manifest:
    """Write a landing and say what it holds.

    Raises:
        UserError: an argument is out of range, or the folder holds something else.
    """
    try:
        manifest = generate(out, days=days, start=start, scale=scale, seed=seed, overwrite=overwrite)
    except FileExistsError as error:
        hint = "" if overwrite else " On the command line: --out FOLDER, or --overwrite."
        raise UserError(f"{error}.{hint}") from error
    except (ValueError, OSError) as error:
        raise UserError(f"The shop was not generated: {error}.") from error
    files = sum(len(books.files) for books in manifest.datasets.values())
    console.print(f"{manifest.records:,} records in {files:,} files: {escape(str(out / SOURCE))}", soft_wrap=True)
    return manifest


def is_generated(out: Path, *, days: int, start: date, scale: float, seed: int) -> bool:
    """Tell whether the folder holds a landing that was made with these arguments.

    Raises:
        UserError: it holds one that was made with other arguments, or files that were not generated.
    """
    if not (out / SOURCE).exists():
        return False
    asked = (start, days, scale, seed)
    try:
        there = Manifest.load(out)
    except (FileNotFoundError, ManifestError) as error:
        raise UserError(
            f"{out / SOURCE} holds files that the generator did not make, or made in an older version ({error}). "
            "Remove the folder, or choose another one with --folder."
        ) from error
    if (there.start, there.days, there.scale, there.seed) != asked:
        raise UserError(
            f"{out} holds {there.days} days from {there.start} at scale {there.scale:g}, seed {there.seed}; asked for "
            f"are {days} days from {start} at scale {scale:g}, seed {seed}. What has landed once counts for good, so a "
            f"demo cannot be made over: remove {out.parent}, or choose another folder with --folder."
        )
    return True
