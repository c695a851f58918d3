"""Counts a landing again, from its files alone, with plain csv and json; the rules are in `plain_rules`.

It shares no code with the generator, and knows nothing of how dirt is planted. Dirt that is told by its history (late,
corrected, repeated records) is found by walking the records in the order in which they land.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "order_items": ("order_item_id",),
    "fx_rates": ("rate_date", "base_currency", "quote_currency"),
}
DECLARED = {"customers": 9, "products": 9, "orders": 8, "order_items": 7, "fx_rates": 4}
WORDS = {"null", "none", "nan", "n/a", "-", "\\n"}
EXTRA = {"customers": "loyalty_tier", "orders": "channel"}


@dataclass
class Counted:
    """What one dataset holds."""

    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    deduplicated: int = 0
    superseded: int = 0
    newest: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    gone: set[tuple[str, ...]] = field(default_factory=set)
    landed: dict[tuple[str, ...], str] = field(default_factory=dict)
    keys: dict[tuple[str, int], str] = field(default_factory=dict)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, unpacked; the generator writes no line ends within a field."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines()


def records(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield every record as a dict, or as its text when it is malformed."""
    lines = read_lines(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                yield line
        return
    header = lines[0].split(",")
    for line in lines[1:]:
        try:
            row = next(csv.reader([line], strict=True))
        except csv.Error:
            yield line
            continue
        yield dict(zip(header, row, strict=True)) if len(row) == len(header) else line


def count(landing: Path, dataset: str, broken: Callable[[dict[str, Any], date], str | None]) -> Counted:
    """Walk the files of a dataset by landing day and count; `broken` names the rule that a record breaks."""
    counted = Counted()
    for folder in sorted((landing / "shop" / dataset).iterdir()):
        seen: set[bytes] = set()
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            if data in seen:
                counted.kinds["file_under_two_names"] += 1
                continue
            seen.add(data)
            try:
                found = list(records(path))
            except EOFError:
                counted.kinds["truncated_gzip"] += 1
                continue
            for number, record in enumerate(found, start=1):
                _count_record(counted, dataset, record, folder.name, broken)
                told = {} if isinstance(record, str) else cleaned(record)
                key = " ".join(told.get(k) or "" for k in KEYS[dataset])
                counted.keys[path.relative_to(landing).as_posix(), number] = key
    return counted


def _count_record(
    counted: Counted,
    dataset: str,
    record: dict[str, Any] | str,
    day: str,
    broken: Callable[[dict[str, Any], date], str | None],
) -> None:
    counted.records += 1
    if isinstance(record, str):
        counted.quarantined += 1
        counted.kinds[_malformed_kind(dataset, record)] += 1
        return
    counted.kinds["extra_column"] += EXTRA.get(dataset) in record
    sent, record = record, cleaned(record)
    if record.get("_deleted"):
        key = tuple(record[column] for column in KEYS[dataset])
        del counted.newest[key]
        counted.gone.add(key)
        counted.superseded += 1
        counted.kinds["deleted"] += 1
        return
    rule = broken(record, date.fromisoformat(day))
    if rule:
        counted.quarantined += 1
        counted.kinds[rule] += 1
        return
    key = tuple(record[column] for column in KEYS[dataset])
    counted.landed.setdefault(key, day)
    older = counted.newest.get(key)
    if key in counted.gone:
        counted.newest[key] = record
        counted.gone.remove(key)
        counted.superseded += 1
        counted.kinds["restored"] += 1
    elif older is None:
        counted.newest[key] = record
    elif older == record:
        counted.deduplicated += 1
        repeat = "repeat_in_same_file" if counted.landed[key] == day else "repeat_in_later_file"
        counted.kinds[spelling(sent) or repeat] += 1
    else:
        counted.superseded += 1
        is_late = record.get("updated_at", day) < older.get("updated_at", day)
        if is_late:
            counted.kinds["late_record"] += 1
            return
        moved = record.get("order_ts", "")[:10] != older.get("order_ts", "")[:10]
        counted.kinds["moved_to_another_day" if moved else "corrected_record"] += 1
        counted.newest[key] = record


def cleaned(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as it would be, had nobody exported it; what people write stays."""
    return {name: _cleaned(name, value) if isinstance(value, str) else value for name, value in record.items()}


def _cleaned(name: str, text: str) -> str:
    if name == "updated_at":
        return re.sub(r"(\+00| GMT| \+0000 UTC)$", "Z", text)
    if name.endswith("_id") or name == "quantity":
        text = text.strip(" \t\u00a0\u200b")
        text = re.sub('^="(.*)"$', r"\1", text)
        text = re.sub(r"^([0-9]+)\.0$", r"\1", text)
        return "" if name == "customer_id" and text.lower() in WORDS else text
    return text


def spelling(record: dict[str, Any]) -> str | None:
    """Name in which way a record is spelled otherwise, None when it is not."""
    for name, text in record.items():
        if not isinstance(text, str) or (cleaned := _cleaned(name, text)) == text:
            continue
        if name == "updated_at":
            return "updated_at_offset"
        how = {text.startswith("="): "guarded", text.endswith(".0"): "as_float", cleaned == "": "as_word"}
        return f"{name}_{how.get(True, 'padded')}"
    return None


def _malformed_kind(dataset: str, text: str) -> str:
    if dataset in ("customers", "products"):
        return "malformed_json"
    if '"' in text:
        return "bad_quote"
    return "too_many_fields" if text.count(",") >= DECLARED[dataset] else "too_few_fields"
