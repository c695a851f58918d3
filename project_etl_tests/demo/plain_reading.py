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

WORDS = {"null", "none", "nan", "n/a", "-", "\\n"}


@dataclass(frozen=True)
class Plain:
    """What is known of a dataset: its key, how many columns its files have, and the one that only some have."""

    key: tuple[str, ...]
    columns: int
    extra: str | None = None


PLAIN = {
    "customers": Plain(("customer_id",), 9, "loyalty_tier"),
    "products": Plain(("product_id",), 9),
    "orders": Plain(("order_id",), 8, "channel"),
    "order_items": Plain(("order_item_id",), 7),
    "fx_rates": Plain(("rate_date", "base_currency", "quote_currency"), 4),
    "events": Plain(("event_id",), 10),
    "reviews": Plain(("review_id",), 8),
    "refunds": Plain(("refund_id",), 8),
}


@dataclass
class Counted:
    """What one dataset holds; `landed` and `files` say where a key was first seen."""

    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    deduplicated: int = 0
    superseded: int = 0
    newest: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    gone: set[tuple[str, ...]] = field(default_factory=set)
    landed: dict[tuple[str, ...], str] = field(default_factory=dict)
    files: dict[tuple[str, ...], str] = field(default_factory=dict)
    keys: dict[tuple[str, int], str] = field(default_factory=dict)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, unpacked; what stands in quotes can be several lines of text."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    lines: list[str] = []
    is_open = False
    for line in text.removesuffix("\n").split("\n"):
        if is_open:
            lines[-1] += f"\n{line}"
        else:
            lines.append(line)
        is_open = lines[-1].count('"') % 2 == 1 and "csv" in path.suffixes[0]
    return lines


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
            row = next(csv.reader(line.splitlines(keepends=True), strict=True))
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
                name = path.relative_to(landing).as_posix()
                _count_record(counted, dataset, record, name, broken)
                told = {} if isinstance(record, str) else cleaned(record)
                counted.keys[name, number] = " ".join(told.get(column) or "" for column in PLAIN[dataset].key)
    return counted


def _count_record(
    counted: Counted,
    dataset: str,
    record: dict[str, Any] | str,
    file: str,
    broken: Callable[[dict[str, Any], date], str | None],
) -> None:
    counted.records += 1
    if isinstance(record, str):
        counted.quarantined += 1
        counted.kinds[_malformed_kind(dataset, record)] += 1
        return
    day = file.split("/")[2]
    counted.kinds["extra_column"] += PLAIN[dataset].extra in record
    sent, record = record, cleaned(record)
    if record.get("_deleted"):
        key = tuple(record[column] for column in PLAIN[dataset].key)
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
    key = tuple(record[column] for column in PLAIN[dataset].key)
    counted.landed.setdefault(key, day)
    counted.files.setdefault(key, file)
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
        is_later = counted.landed[key] != day
        which = "same" if counted.files[key] == file else "later" if is_later else "second"
        counted.kinds[spelling(sent) or f"repeat_in_{which}_file"] += 1
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
    return {name: _cleaned(name, value) for name, value in record.items()}


def _cleaned(name: str, value: Any) -> Any:
    if name in ("updated_at", "event_ts", "refunded_at") and isinstance(value, str):
        return re.sub(r"(\+00| GMT| \+0000 UTC)$", "Z", value)
    is_number = name in ("quantity", "rating") and isinstance(value, str | int)
    if is_number or (name.endswith("_id") and isinstance(value, str)):
        text = str(value).strip(" \t\u00a0\u200b")
        text = re.sub('^="(.*)"$', r"\1", text)
        text = re.sub(r"^([0-9]+)\.0$", r"\1", text)
        return None if name == "customer_id" and text.lower() in WORDS | {""} else text
    return value


def spelling(record: dict[str, Any]) -> str | None:
    """Name in which way a record is spelled otherwise, None when it is not."""
    for name, text in record.items():
        if not isinstance(text, str) or (cleaned := _cleaned(name, text) or "") == text:
            continue
        if name.endswith(("_at", "_ts")):
            return f"{name}_offset"
        how = {text.startswith("="): "guarded", text.endswith(".0"): "as_float", cleaned == "": "as_word"}
        return f"{name}_{how.get(True, 'padded')}"
    return None


def _malformed_kind(dataset: str, text: str) -> str:
    if text.startswith("{"):
        return "malformed_json"
    if '"' in text:
        return "bad_quote"
    return "too_many_fields" if text.count(",") >= PLAIN[dataset].columns else "too_few_fields"
