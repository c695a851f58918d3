"""Files that are something else than the text their name promises: workbooks, archives, web pages.

Belongs here: telling them by how they begin, and what to do with them. Does not belong here: encodings of text
(`text_lines.py`), JSON that is no JSON Lines (`json_records.py`).
"""

from __future__ import annotations

import re

from project_etl.core.bronze.unreadable import FILE_FORMAT, UnreadableFile

_WORKBOOK = "save its sheet as CSV UTF-8"
_UNPACK = "unpack it and send the file that is in it"
_EXPORT = "export it as CSV or JSON Lines"
# Start of the file, what it is, what to do.
_STARTS = (
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a zip archive", _UNPACK),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of old Excel (xls) or another Office file", _WORKBOOK),
    (rb"\x1f\x8b", "gzip, without .gz in its name", "add .gz to its name"),
    (rb"\x1f[\x9d\xa0]", "compressed with compress (.Z)", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "compressed with bzip2", _UNPACK),
    (rb"\xfd7zXZ\x00", "compressed with xz", _UNPACK),
    (rb"\x04\x22\x4d\x18", "compressed with lz4", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (rb"(?s:.{257})ustar", "a tar archive", _UNPACK),
    (rb"%PDF-", "a PDF document", _EXPORT),
    (rb"PAR1\x15|PARE", "a Parquet file", _EXPORT),
    (rb"ARROW1\x00", "an Arrow file", _EXPORT),
    (rb"Obj\x01", "an Avro file", _EXPORT),
    (rb"SQLite format 3\x00", "a SQLite database", _EXPORT),
)
_FORMATS = tuple((re.compile(start), what, todo) for start, what, todo in _STARTS)
# What a zip archive holds tells a workbook.
_IN_ZIP = (
    (b"application/vnd.oasis.opendocument.spreadsheet", "a workbook of LibreOffice (ods)"),
    (b"[Content_Types].xml", "a workbook of Excel (xlsx) or another Office file"),
    (b"xl/", "a workbook of Excel (xlsx)"),
)
_MARKUP = re.compile(
    r"<(?:(?P<xml>\?xml)|!doctype|!--|(?:html|head|body|table|div|script|meta|title|style|p|h1)\b)", re.IGNORECASE
)


def check_bytes(start: bytes, path: str) -> None:
    """Refuse a file whose first bytes are those of another format.

    Raises:
        UnreadableFile: they are; it says which format, and what to do.
    """
    for pattern, what, todo in _FORMATS:
        if found := pattern.match(start):
            if start.startswith(b"PK"):
                what, todo = next(((name, _WORKBOOK) for mark, name in _IN_ZIP if mark in start), (what, todo))
            elif start.startswith(b"\x1f\x8b") and path.lower().endswith(".gz"):
                what, todo = "gzip that is compressed once more", "compress it once"
            mark = found[0][-8:].hex(" ")
            raise UnreadableFile(
                path, FILE_FORMAT, f"begins with the bytes {mark}, which is {what}; expected text: {todo}"
            )


def check_text(start: str, path: str) -> None:
    """Refuse a file that is a web page or XML.

    Raises:
        UnreadableFile: it is; it says so, and what to do.
    """
    start = start.lstrip("\ufeff \t\r\n")[:200]
    if found := _MARKUP.match(start):
        what = "XML, perhaps a workbook" if found["xml"] else "HTML: a web page, such as a login or an error"
        todo = "export the data as CSV or JSON Lines" if found["xml"] else "look at the address it was fetched from"
        raise UnreadableFile(path, FILE_FORMAT, f"begins with '{start[:60]}', which is {what}; expected data: {todo}")
