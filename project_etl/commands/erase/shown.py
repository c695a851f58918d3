"""What `project-etl erase` says. Does not belong here: finding anything out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from project_etl.commands.erase.subject import Landing, Subject
from project_etl.commands.shared.summary import grid
from project_etl.core.bronze.erasure import Found

SHOWN_FILES = 200
NOT_ERASED = (
    "Not erased: what people wrote (review_text of reviews, reason of refunds), visitor ids of events, values in "
    "columns that are not for them, backups and copies of the lake, files in landing, and what you have sent elsewhere."
)


def show_found(console: Console, found: Mapping[str, Found]) -> None:
    """Print how many records of each Bronze table leave or are emptied."""
    shown = grid("Records of Bronze", "table", "leave", "lose the id", "files", right=("leave", "lose the id", "files"))
    for name, of_table in found.items():
        if of_table.files:
            shown.add_row(Text(name), f"{of_table.removed:,}", f"{of_table.emptied:,}", f"{len(of_table.files):,}")
    if shown.row_count:
        console.print(shown)
    else:
        console.print("Bronze holds no record of the customer.")


def show_addresses(console: Console, subject: Subject) -> None:
    """Print how many e-mail addresses are looked for, and which are not."""
    own = len(subject.addresses - subject.shared)
    if own:
        console.print(f"{own} e-mail address{'es' if own > 1 else ''} of this customer alone: erased too.")
    for address in sorted(subject.shared):
        console.print(
            f"E-mail {escape(address)} is also that of another customer: only records with the id are erased, and it "
            "gets no tombstone.",
            soft_wrap=True,
        )


def show_quarantine(console: Console, rows: Mapping[str, int]) -> None:
    """Print how many rows of quarantine name the customer."""
    for name, number in rows.items():
        console.print(f"{name}: {number:,} rows are judged again.")


def show_gold(console: Console, title: str, days: Sequence[tuple[str, str]]) -> None:
    """Print Gold tables and their days."""
    if not days:
        console.print(f"{title}: none.")
        return
    shown = grid(title, "table", "days")
    for name, of_table in days:
        shown.add_row(Text(name), of_table)
    console.print(shown)


def show_landing(console: Console, landing: Landing) -> None:
    """Print what people have to do in landing, and what is not erased."""
    if landing.to_delete:
        console.print("Delete these files of landing by hand, or the person's lines in them:")
        _files(console, landing.to_delete)
        console.print(
            "Bronze keeps what it has loaded of them. They do not bring the person back while they lie there."
        )
    if landing.not_searched:
        console.print("Files of landing that are not in Bronze, which nobody has searched:")
        _files(console, landing.not_searched)
    console.print(NOT_ERASED, soft_wrap=True)


def _files(console: Console, files: Sequence[str]) -> None:
    for path in files[:SHOWN_FILES]:
        console.print(f"  {escape(path)}", soft_wrap=True)
    if len(files) > SHOWN_FILES:
        console.print(f"  and {len(files) - SHOWN_FILES:,} more")
