"""Write the tables of columns in docs/own-data.md: `make docs`.

Names, types and rules are those of the contracts. Whether a column is required is tried out: the example of the page is
judged once with each column empty.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from pages import DOCS, table_of, write
from pyspark.sql import types as T

from project_etl.catalog import datasets_of, feeds_of, tables
from project_etl.commands.check.judge import KEPT_OUT, LOADED, Verdict, judge_file
from project_etl.core.contracts import Action, Rule
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import Field
from project_etl.core.model.source import Dataset
from project_etl.core.model.table import Merge, Table
from project_etl.core.silver.rules import silver_rules
from project_etl.core.transforms.text import Kind
from project_etl.settings import Settings

PAGE = DOCS / "own-data.md"
SOURCE = "shop"
DAY = date(2025, 1, 2)
OF_KIND = {Kind.KEY: "id", Kind.CODE: "code", Kind.COUNTRY: "country code"}
# What the type and the column `Required` say already, or the text above the tables.
SAID = ("_type", "_not_null", "_in_range")
REQUIRED = {KEPT_OUT: "**yes**", LOADED: "warns"}


def page_of(text: str) -> str:
    """The page with its tables as they are now."""
    # Nothing of this machine's settings may come into the page.
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(env="docs", root=Path(folder), landing_root=folder, lake_root=f"{folder}/lake")
        for dataset in datasets_of((SOURCE,)):
            pattern = rf"(<!-- {dataset.name}: [^\n]*-->\n).*?(<!-- end -->)"
            made = _table_of(dataset, _example(text, dataset.name), settings, Path(folder))
            text, count = re.subn(
                pattern, lambda found, made=made: f"{found[1]}{made}{found[2]}", text, flags=re.DOTALL
            )
            if count != 1:
                raise ValueError(f"{PAGE}: expected one table of {dataset.name}, found {count}")
    return text


def _example(text: str, name: str) -> Mapping[str, object]:
    """The first record of the example in the section of a dataset."""
    section = re.split(r"^##+ ", text.partition(f"\n### {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    found = re.search(r"^```(csv|json)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE}: expected an example of {name}")
    return next(csv.DictReader(io.StringIO(found[2]))) if found[1] == "csv" else json.loads(found[2].splitlines()[0])


def _table_of(dataset: Dataset, example: Mapping[str, object], settings: Settings, folder: Path) -> str:
    table = next(
        each
        for each in tables()
        if isinstance(each.write, Merge) and any(feed.bronze == dataset.bronze for feed in feeds_of(each, settings))
    )
    assert table.records is not None
    columns = table.records.columns
    if list(example) != list(columns):
        raise ValueError(f"{PAGE}: the example of {dataset.name} has {list(example)}, expected {list(columns)}")
    verdict = _judged(dataset, [example, *({**example, name: None} for name in columns)], settings, folder)
    rules = silver_rules(table, feeds_of(table, settings), settings.start_date)
    rows = (
        (f"`{name}`", _type(table, name, field), _required(verdict, line), _rules(table, rules, name), field.meaning)
        for line, (name, field) in enumerate(columns.items(), start=2)
    )
    return table_of(("column", "read as", "required", "rules", "what it says"), rows)


def _judged(dataset: Dataset, records: Sequence[Mapping[str, object]], settings: Settings, folder: Path) -> Verdict:
    file = folder / f"{DAY}" / f"{dataset.name}.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    verdict = judge_file(settings, file, dataset, limit=len(records))
    if wrong := [rule for rule in verdict.broken if any(line == 1 for line, _ in rule.lines)]:
        raise ValueError(f"{PAGE}: the example of {dataset.name} breaks {', '.join(rule.rule for rule in wrong)}")
    return verdict


def _required(verdict: Verdict, line: int) -> str:
    effects = {rule.effect for rule in verdict.broken if any(at == line for at, _ in rule.lines)}
    return next((word for effect, word in REQUIRED.items() if effect in effects), "no")


def _type(table: Table, name: str, field: Field) -> str:
    """How Silver reads a column of a record; its own may say more, such as `is_active` of `active`."""
    kinds = {item.name: item.dataType for item in table.schema.fields}
    kind = kinds.get(name, kinds.get(f"is_{name}"))
    if isinstance(kind, T.DecimalType):
        return f"number, up to {kind.scale} decimals"
    words = {
        T.IntegerType: "whole number",
        T.LongType: "whole number",
        T.TimestampType: "instant",
        T.DateType: "day",
        T.BooleanType: "true or false",
        T.ArrayType: "JSON array",
    }
    return words.get(type(kind), OF_KIND.get(field.kind, "text"))


def _rules(table: Table, rules: Sequence[Rule], name: str) -> str:
    waits = {ref.rule for ref in table.references if ref.action is Action.QUARANTINE}

    def effect(rule: Rule) -> str:
        return " *(warns)*" if rule.action is Action.WARN else " *(waits)*" if rule.name in waits else ""

    said = [
        rule.description.removeprefix(f"{name} ") + effect(rule)
        for rule in rules
        if rule.column == name and name != DELETED and rule.name not in {f"{name}{end}" for end in SAID}
    ]
    return "; ".join(said)


if __name__ == "__main__":
    write(PAGE, page_of)
