"""On which line of its file each record begins: Bronze counts records, and people look for lines.

Does not belong here: what a record says, or whether it is malformed (`core/bronze/readers`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from project_etl.core.bronze.landing_store import COMPRESSED, open_bytes
from project_etl.core.bronze.readers.rescued import is_malformed
from project_etl.core.bronze.readers.text_lines import BLOCK_BYTES, decoded, gunzip, line_blocks
from project_etl.core.model.names import MALFORMED_KEY, RECORD_KEY


def line_numbers(root: Path, path: str, rescued: Sequence[str | None]) -> list[int]:
    """The first line of each record of a file that has been read, from 1.

    Args:
        root: the landing root.
        path: the file, relative to the root.
        rescued: the `_rescued_data` of each record, in the file's order.
    """
    with open_bytes(root, path) as stream:
        content = stream.read()
    blocks = (content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES))
    plain = gunzip(blocks, path, compressed_bytes=len(content)) if path.lower().endswith(COMPRESSED) else blocks
    # A stretch of blank lines comes in one piece.
    pieces = chain.from_iterable(line_blocks(decoded(plain, path)))
    lines = list(
        chain.from_iterable(piece.splitlines(keepends=True) if piece.isspace() else [piece] for piece in pieces)
    )
    if not path.lower().removesuffix(COMPRESSED).endswith(".csv"):
        return [number for number, line in enumerate(lines, 1) if not line.isspace()]
    return list(_of_csv(lines, rescued))


def _of_csv(lines: Sequence[str], rescued: Sequence[str | None]) -> Iterator[int]:
    at = _next(lines, 0)
    header, at = _record(lines, at)
    for text in rescued:
        while True:
            at = _next(lines, at)
            fields, end = _record(lines, at)
            if [field.strip() for field in fields] != [field.strip() for field in header]:
                break
            # The header once more.
            at = end
        if text and is_malformed(text):
            said = json.loads(text)
            # What breaks off goes on with its next line; what has too few fields, or too many, is whole.
            end = at + max(len(said[RECORD_KEY].splitlines()), 1) if MALFORMED_KEY in said else end
        yield at + 1
        at = end


def _next(lines: Sequence[str], at: int) -> int:
    """The next line that is not blank."""
    return next((index for index in range(at, len(lines)) if not lines[index].isspace()), at)


def _record(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """The fields of the record that begins with a line, and the line after it; none where the record breaks off."""
    reader = csv.reader(lines[index] for index in range(at, len(lines)))
    try:
        return next(reader, []), at + reader.line_num
    except csv.Error:
        return [], at + 1
