"""From the bytes of a landing file to its lines: decompression, decoding, line ends; in bounded memory.

Does not belong here: what a line means (`csv_records.py`, `json_records.py`), or where bytes come from (`landing.py`).
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterable, Iterator

from project_etl.core.bronze.readers.formats import check_bytes, check_text
from project_etl.core.bronze.readers.rescued import MAX_RECORD_CHARS
from project_etl.core.bronze.unreadable import FILE_DECOMPRESSES, FILE_ENCODING, FILE_NOT_EMPTY, UnreadableFile

# Small enough for the records of a block to stay in the processor's cache: four times as much is a third slower.
BLOCK_BYTES = 1 << 18
# Smaller, because what is left of a block is copied once for every gzip member in it.
COMPRESSED_BLOCK_BYTES = 1 << 16
# More than both is a bomb: honest text seldom shrinks to a fiftieth.
MAX_RATIO = 200
MAX_SUSPECT_BYTES = 1 << 28

_GZIP_MARK = b"\x1f\x8b"
# The longer marks first: a UTF-32 mark begins like a UTF-16 one.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_NUL_SAMPLE = 1000
_BLANK_RESTS = ("", "\r")
_MARK = "\ufeff"


def gunzip(
    blocks: Iterable[bytes],
    path: str,
    *,
    compressed_bytes: int,
    max_ratio: int = MAX_RATIO,
    max_suspect_bytes: int = MAX_SUSPECT_BYTES,
) -> Iterator[bytes]:
    """Decompress gzip of one or more members, in blocks of at most BLOCK_BYTES.

    Args:
        blocks: the compressed bytes.
        path: the file's name for errors.
        compressed_bytes: size of the file, by which a bomb is told.
        max_ratio: how many times its size a file may grow.
        max_suspect_bytes: what any file may grow to, whatever its size.

    Raises:
        UnreadableFile: empty, cut off, damaged, not gzip, or a bomb. What came before has already been yielded.
    """
    limit = max(max_suspect_bytes, max_ratio * compressed_bytes)
    members = _Members()
    position, grown = 0, 0
    for block in blocks:
        if position == 0 and not block.startswith(_GZIP_MARK[: len(block)]):
            check_bytes(block, path)
            detail = (
                f"begins with the bytes {block[:2].hex(' ')}, expected the gzip mark 1f 8b; is it really compressed?"
            )
            raise UnreadableFile(path, FILE_DECOMPRESSES, detail)
        position += len(block)
        try:
            for piece in members.inflate(block):
                grown += len(piece)
                if grown > limit:
                    detail = f"grows from {compressed_bytes:,} bytes to more than {limit:,}; expected no more than that"
                    raise UnreadableFile(path, FILE_DECOMPRESSES, detail)
                yield piece
        except zlib.error as error:
            detail = f"damaged at or before byte {position:,} of the compressed file ({error}); expected whole gzip"
            raise UnreadableFile(path, FILE_DECOMPRESSES, detail) from error
    if position == 0:
        raise UnreadableFile(path, FILE_NOT_EMPTY, "zero bytes; expected gzip")
    if not members.is_whole:
        detail = f"ends after {position:,} bytes in the middle of a gzip member; expected its end: was it cut off?"
        raise UnreadableFile(path, FILE_DECOMPRESSES, detail)


class _Members:
    """Decompresses gzip members, one after the other, with bounded pieces."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)

    @property
    def is_whole(self) -> bool:
        """Whether the member that was begun last has ended, with its checksum right."""
        return self._inflater.eof

    def inflate(self, block: bytes) -> Iterator[bytes]:
        while block:
            if self._inflater.eof:
                # Zeros between and after members are padding.
                block = block.lstrip(b"\0")
                if not block:
                    return
                self._inflater = zlib.decompressobj(wbits=31)
            while piece := self._inflater.decompress(block, BLOCK_BYTES):
                yield piece
                block = self._inflater.unconsumed_tail
            block = self._inflater.unused_data


def decoded(blocks: Iterable[bytes], path: str) -> Iterator[str]:
    """Decode UTF-8 text strictly, without its byte order mark.

    Raises:
        UnreadableFile: another format, not UTF-8, or no characters at all. What came before has already been yielded.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
    is_empty, taken, lines = True, 0, 1
    try:
        for block in blocks:
            if not taken:
                check_bytes(block, path)
                _check_mark(block, path)
            taken += len(block)
            text = decoder.decode(block)
            if text:
                if is_empty:
                    _check_not_wide(text, path)
                    check_text(text, path)
                    is_empty = False
                yield text
            lines += block.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # What the decoder held back from the block before is part of the bytes that it could not read.
        offset = taken - len(error.object) + error.start
        line = lines + error.object.count(b"\n", 0, error.start)
        found = error.object[error.start : error.end].hex(" ")
        detail = (
            f"line {line:,}, byte {offset:,}: found {found}, which is not UTF-8; expected UTF-8: save the file as such"
        )
        raise UnreadableFile(path, FILE_ENCODING, detail) from error
    if is_empty:
        raise UnreadableFile(path, FILE_NOT_EMPTY, f"{taken} bytes and no text; expected at least one record")


def line_blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    r"""Split text into lines with their ends (\n, \r\n or \r), a list of lines per text.

    A line of more than MAX_RECORD_CHARS is cut: one character more than that is left of it, so that it can be told.
    A byte order mark at the start of a line is left out: files that were joined have one in their middle. A text of
    nothing but line ends stays in one piece, as a line of its own.
    """
    rest, is_skipping = "", False
    for text in _with_line_ends(texts):
        if not text.strip("\r\n") and rest in _BLANK_RESTS:
            # To split blank lines would take many times as long.
            yield [rest + text]
            rest = ""
            continue
        # StringIO knows exactly these three line ends; str.splitlines knows eight more that are text here.
        lines = io.StringIO(rest + text, newline="").readlines()
        if _MARK in rest or _MARK in text:
            lines = [line for line in (each.lstrip(_MARK) for each in lines) if line]
        # A line that ends in \r may still get its \n with the next text.
        rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        if is_skipping and lines:
            del lines[0]
            is_skipping = False
        if is_skipping:
            rest = rest[-1]
        elif len(rest) > MAX_RECORD_CHARS:
            lines.append(rest[: MAX_RECORD_CHARS + 1])
            rest, is_skipping = rest[-1], True
        if lines:
            yield lines
    if rest and not is_skipping:
        yield [rest]


def _with_line_ends(texts: Iterable[str]) -> Iterator[str]:
    """Join texts in which no line ends with what follows, so that a long line is not copied with each of them."""
    held: list[str] = []
    chars = 0
    for text in texts:
        held.append(text)
        chars += len(text)
        if "\n" in text or "\r" in text or chars > MAX_RECORD_CHARS:
            yield "".join(held)
            held, chars = [], 0
    if held:
        yield "".join(held)


def _check_mark(block: bytes, path: str) -> None:
    for mark, name in _MARKS.items():
        if block.startswith(mark):
            detail = f"begins with the bytes {mark.hex(' ')}, which is {name}; expected UTF-8 text"
            raise UnreadableFile(path, FILE_ENCODING, detail)


def _check_not_wide(text: str, path: str) -> None:
    """UTF-16 without a mark is valid UTF-8 in which every second character is NUL."""
    sample = text[:_NUL_SAMPLE]
    if sample.count("\0") * 3 > len(sample):
        raise UnreadableFile(path, FILE_ENCODING, "every second byte is zero, which looks like UTF-16; expected UTF-8")
