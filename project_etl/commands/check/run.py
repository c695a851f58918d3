"""`project-etl check`: what a load would say of a file, for people or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from project_etl.catalog import datasets_of
from project_etl.commands.check.judge import KEPT_OUT, LOADED, REFUSED, WAITS, Broken, NotReadError, Verdict, judge_file
from project_etl.commands.shared.console import print_json
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.summary import command_of
from project_etl.core.bronze.visible import visible
from project_etl.core.model.nearest import suggestion
from project_etl.core.model.source import Dataset
from project_etl.settings import Settings

TITLES = {
    REFUSED: "Nothing of the landing day would be loaded:",
    KEPT_OUT: "Kept out:",
    WAITS: "Loaded once the missing parent arrives:",
    LOADED: "Loaded, with a warning:",
}
SHOWN_CHARS = 120


def run(console: Console, settings: Settings, file: Path, name: str, *, limit: int, as_json: bool) -> bool:
    """Judge a file and say what was found; False when something would be kept out.

    Raises:
        UserError: the file cannot be read at all, or there is no such dataset.
    """
    dataset = dataset_named(name, settings)
    try:
        verdict = judge_file(settings, file, dataset, limit)
    except NotReadError as error:
        raise UserError(f"{file} cannot be read as {dataset.source}/{dataset.name}: {error}") from error
    if as_json:
        print_json(console, {"file": str(file), "is_fine": verdict.is_fine, **asdict(verdict)})
    else:
        for line in lines_of(file, verdict, settings):
            console.print(Text(line), soft_wrap=True)
    return verdict.is_fine


def dataset_named(name: str, settings: Settings) -> Dataset:
    """The dataset `orders` or `shop/orders` of the sources that are on.

    Raises:
        UserError: there is none, or several sources have one of that name.
    """
    known = {f"{dataset.source}/{dataset.name}": dataset for dataset in datasets_of(settings.sources)}
    found = [full for full in known if name in (full, full.partition("/")[2])]
    if not found:
        raise UserError(f"There is no dataset {name!r} of the sources that are on; {suggestion(name, known)}")
    if len(found) > 1:
        raise UserError(f"{name!r} is a dataset of several sources: say {' or '.join(found)}.")
    return known[found[0]]


def lines_of(file: Path, verdict: Verdict, settings: Settings) -> Iterator[str]:
    """The verdict as people read it."""
    if not verdict.read:
        yield f"{file} as {verdict.dataset}: a header and no records, so nothing would be loaded."
        return
    fine = verdict.read - verdict.kept_out - verdict.waiting
    waiting = f", {verdict.waiting:,} would wait for a parent" if verdict.waiting else ""
    yield (
        f"{file} as {verdict.dataset}: {verdict.read:,} records; {fine:,} would be loaded, {verdict.kept_out:,} kept "
        f"out{waiting}."
    )
    if verdict.missing:
        yield f"Columns that the file does not have, and that are empty therefore: {', '.join(verdict.missing)}."
    if verdict.unknown:
        yield f"Columns that nobody declared, and that no table shows: {visible(', '.join(verdict.unknown))}."
    if verdict.unchecked:
        rules = ", ".join(verdict.unchecked)
        yield f"Not checked, for the lake in {settings.lake_root} does not hold these parents yet: {rules}."
    for effect, title in TITLES.items():
        if rules := [rule for rule in verdict.broken if rule.effect == effect]:
            yield from ("", title)
            for rule in rules:
                yield from _lines_of_rule(rule)
    if verdict.is_fine and not file.absolute().is_relative_to(settings.landing_root):
        today = settings.clock().date()
        folder = f"{settings.landing_root}/{verdict.dataset}/{today}/"
        yield f"Next: put it into {folder}, and type `{command_of(settings)} run --days {today}`."


def _lines_of_rule(rule: Broken) -> Iterator[str]:
    yield f"  {rule.rule} ({rule.table}): {rule.says}; {rule.records:,} {_records(rule.records)}"
    for line, found in rule.lines:
        yield f"    line {line:,}: found {_short(found)}"
    if rule.lines and rule.records > len(rule.lines):
        yield f"    and {rule.records - len(rule.lines):,} more"


def _records(count: int) -> str:
    return "record" if count == 1 else "records"


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= SHOWN_CHARS else f"{shown[:SHOWN_CHARS]}…"
