"""What the scripts that write pages of docs/ have in common: tables, and telling whether a page is up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"


def table_of(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (names, *rows)]
    lines = [f"| {line} |\n" for line in lines]
    return "".join([lines[0], f"|{'---|' * len(names)}\n", *lines[1:]])


def write(page: Path, made: Callable[[str], str]) -> None:
    """Write a page; with `--check` only tell whether it is as it would be written, by the exit code.

    Args:
        page: the page.
        made: what it holds now → what it is to hold.
    """
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    new = made(text)
    if "--check" not in sys.argv[1:]:
        page.write_text(new, encoding="utf-8")
    elif new != text:
        sys.exit(f"{page} is not up to date: run `make docs`.")
