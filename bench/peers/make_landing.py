"""Lay daily Online Retail CSVs out as a landing zone, plain or with the accidents of real deliveries.

    python -m bench.peers.make_landing SRC DEST [--from DAY] [--to DAY]
        [--repeat N] [--late N] [--shuffle] [--dup] [--seed S]

SRC holds <day>.csv, or <day>/<name>.csv. DEST is the landing root, which gets
online_retail/online_retail/<landing day>/<name>.csv.
--repeat N lays the days out N times: each time later by the span of all days, with the number of the repeat behind each
           InvoiceNo.
--late N   moves N random lines into `late.csv` of a random later landing day.
--shuffle  permutes the lines of each day, splits them over 1-3 files and permutes the columns of some files.
--dup      re-delivers one file in twenty under another name (half of them in a later day), and sends one other file in
           twenty again with one corrected line: Quantity + 1 on a sale.

The same path with new bytes replaces that file's rows. The same bytes under another name are ignored. So Gold is that
of the plain landing after --late, --shuffle and the re-deliveries; corrected lines change it. The two kinds of files of
--dup are disjoint on purpose: were a re-delivered file corrected under its first name, its copy would live on.

A later run on the same DEST writes only the files whose bytes differ, so a re-send is played in two steps: run without
--dup, load, run again with --dup and the same other arguments, load. DEST/manifest.json says what was done.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from bench.peers.common import HEADER

DUP_ONE_IN = 20
Row = dict[str, str]
Files = dict[str, bytes]  # "<landing day>/<name>" -> content


def render(rows: list[Row], columns: Sequence[str]) -> bytes:
    """CSV text of the rows, columns in the given order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parse(content: bytes) -> list[Row]:
    """The lines of a CSV file as dicts of text."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def repeat(days: dict[str, list[Row]], times: int) -> dict[str, list[Row]]:
    """The days `times` times over, one span after the other; invoices of later spans have numbers of their own."""
    span = date.fromisoformat(max(days)) - date.fromisoformat(min(days)) + timedelta(days=1)
    result = dict(days)
    for n in range(1, times):
        for day, rows in days.items():
            later = [
                {
                    **row,
                    "InvoiceNo": f"{row['InvoiceNo']}{n}",
                    "InvoiceDate": str(datetime.fromisoformat(row["InvoiceDate"]) + n * span),
                }
                for row in rows
            ]
            result[(date.fromisoformat(day) + n * span).isoformat()] = later
    return result


def move_late(days: dict[str, list[Row]], count: int, rng: random.Random) -> tuple[dict[str, list[Row]], list[dict]]:
    """Take `count` random lines out of `days`; give them back by the later landing day they arrive on."""
    names = list(days)
    spots = [(day, i) for day in names[:-1] for i in range(len(days[day]))]
    late: dict[str, list[Row]] = {}
    moves = []
    for day, i in sorted(rng.sample(spots, min(count, len(spots))), reverse=True):
        target = rng.choice(names[names.index(day) + 1 :])
        row = days[day].pop(i)
        late.setdefault(target, []).append(row)
        moves.append({"from": day, "to": target, "line": row})
    return late, moves


def lay_out(days: dict[str, list[Row]], late: dict[str, list[Row]], shuffle: bool, rng: random.Random) -> Files:
    """The files of every landing day."""
    files: Files = {}
    for day, rows in days.items():
        if not shuffle:
            files[f"{day}/{day}.csv"] = render(rows, list(HEADER))
            if day in late:
                files[f"{day}/late.csv"] = render(late[day], list(HEADER))
            continue
        mixed = rows + late.get(day, [])
        rng.shuffle(mixed)
        parts = rng.randint(1, 3)
        for n in range(parts):
            columns = rng.sample(HEADER, len(HEADER)) if rng.random() < 0.5 else list(HEADER)
            files[f"{day}/{day}-{n + 1}of{parts}.csv"] = render(mixed[n::parts], columns)
    return files


def redeliver(files: Files, names: list[str], days: list[str], rng: random.Random) -> list[dict]:
    """Add a copy of each named file under another name, every second one in a later landing day."""
    done = []
    for n, name in enumerate(names):
        day, file = name.split("/")
        later = days[days.index(day) + 1 :]
        copy = f"{rng.choice(later) if n % 2 and later else day}/again-{file}"
        files[copy] = files[name]
        done.append({"file": name, "again_as": copy})
    return done


def correct(files: Files, names: list[str], rng: random.Random) -> list[dict]:
    """Change the Quantity of one sale line in each named file."""
    lines = [tuple(row.values()) for content in files.values() for row in map(_ordered, parse(content))]
    seen, repeated = set(), set()
    for line in lines:
        (repeated if line in seen else seen).add(line)
    done = []
    for name in names:
        rows = parse(files[name])
        sales = [
            i
            for i, row in enumerate(rows)
            if not row["InvoiceNo"].startswith("C")
            and int(row["Quantity"]) > 0
            and float(row["UnitPrice"]) > 0
            and tuple(_ordered(row).values()) not in repeated
        ]
        if not sales:
            continue
        i = rng.choice(sales)
        before = dict(rows[i])
        rows[i]["Quantity"] = str(int(rows[i]["Quantity"]) + 1)
        files[name] = render(rows, list(rows[i]))
        done.append({"file": name, "row": i + 1, "before": before, "after": rows[i]})
    return done


def _ordered(row: Row) -> Row:
    return {column: row[column] for column in HEADER}


def main() -> None:
    """Parse the arguments, lay out, write what differs."""
    parser = argparse.ArgumentParser(description="Lay daily Online Retail CSVs out as a landing zone.")
    parser.add_argument("src", type=Path)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--from", dest="first", default="0000")
    parser.add_argument("--to", dest="last", default="9999")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--late", type=int, default=0)
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--dup", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    found = {p.stem: p for p in args.src.glob("*.csv")} | {p.parent.name: p for p in args.src.glob("*/*.csv")}
    sources = {day: path for day, path in sorted(found.items()) if args.first <= day <= args.last}
    if not sources:
        raise SystemExit(f"no <day>.csv in {args.src} between {args.first} and {args.last}")
    days = {day: parse(path.read_bytes()) for day, path in sources.items()}
    expected_header = [day for day, rows in days.items() if rows and set(rows[0]) != set(HEADER)]
    if expected_header:
        raise SystemExit(f"files with other columns than {HEADER}: {expected_header}")
    days = dict(sorted(repeat(days, args.repeat).items()))
    late, moves = move_late(days, args.late, random.Random(f"{args.seed} late"))
    files = lay_out(days, late, args.shuffle, random.Random(f"{args.seed} shuffle"))
    manifest = {
        "arguments": {k: str(v) for k, v in vars(args).items()},
        "late": moves,
        "redelivered": [],
        "corrected": [],
    }
    if args.dup:
        rng = random.Random(f"{args.seed} dup")
        count = max(1, len(files) // DUP_ONE_IN)
        chosen = rng.sample(sorted(files), min(2 * count, len(files)))
        manifest["corrected"] = correct(files, chosen[count:], rng)
        manifest["redelivered"] = redeliver(files, chosen[:count], list(days), rng)
    root = args.dest / "online_retail" / "online_retail"
    written = []
    for name, content in files.items():
        path = root / name
        if path.exists() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(name)
    manifest["written"] = written
    (args.dest / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    done = {key: len(manifest[key]) for key in ("late", "redelivered", "corrected", "written")}
    print(json.dumps({"days": len(days), "files": len(files), **done}))


if __name__ == "__main__":
    main()
