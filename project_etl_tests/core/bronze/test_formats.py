"""Files that are something else than their name says: each is refused in words that say what it is and what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project_etl.core.bronze.unreadable import UnreadableFile
from project_etl_tests.core.bronze.landing_files import land, read

TEXT = b"a,b\n1,2\n"


def zipped(*names: str, content: bytes = TEXT) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("f.csv"))
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": ["1"]}), out)
    return out.getvalue()


FORMATS: dict[str, tuple[bytes, str, str]] = {
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "a workbook of Excel (xlsx)", "as CSV UTF-8"),
    "ods": (
        zipped("mimetype", content=b"application/vnd.oasis.opendocument.spreadsheet"),
        "a workbook of LibreOffice (ods)",
        "as CSV UTF-8",
    ),
    "xls": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(99), "a workbook of old Excel (xls)", "as CSV UTF-8"),
    "zip": (zipped("f.csv"), "a zip archive", "unpack it"),
    "empty zip": (zipped(), "a zip archive", "unpack it"),
    "tar": (tarred(), "a tar archive", "unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + TEXT, "a 7z archive", "unpack it"),
    "rar": (b"Rar!\x1a\x07\x01\x00" + TEXT, "a rar archive", "unpack it"),
    "gzip": (gzip.compress(TEXT), "gzip, without .gz in its name", "add .gz to its name"),
    "zstd": (pa.compress(TEXT, "zstd", asbytes=True), "compressed with zstd", "unpack it"),
    "bzip2": (bz2.compress(TEXT), "compressed with bzip2", "unpack it"),
    "xz": (lzma.compress(TEXT), "compressed with xz", "unpack it"),
    "pdf": (b"%PDF-1.7\n" + TEXT, "a PDF document", "export it"),
    "parquet": (parquet(), "a Parquet file", "export it"),
    "html": (b"\xef\xbb\xbf\n <!DOCTYPE html>\n<html>", "HTML: a web page", "look at the address"),
    "table": (b"<table><tr><td>a</td></tr>", "HTML: a web page", "look at the address"),
    "xml": (b"<?xml version='1.0'?>\n<a/>", "XML, perhaps a workbook", "export the data"),
}


@pytest.mark.parametrize("name", ["f.csv", "f.json", "f.csv.gz"])
@pytest.mark.parametrize(("content", "what", "todo"), FORMATS.values(), ids=FORMATS)
def test_another_format_is_named_with_what_to_do(tmp_path, content, what, todo, name):
    if name.endswith(".gz"):
        content = gzip.compress(content)
        what = what.replace("gzip, without .gz in its name", "gzip that is compressed once more")
        todo = todo.replace("add .gz to its name", "compress it once")
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path, land(tmp_path, name, content), ("a", "b"))
    assert caught.value.rule == "file_format"
    assert f"which is {what}" in caught.value.detail
    assert todo in caught.value.detail


def test_an_archive_called_gzip_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match="which is a zip archive; expected text: unpack it"):
        read(tmp_path, land(tmp_path, "f.csv.gz", zipped("f.csv")), ("a", "b"))


@pytest.mark.parametrize("header", ["PAR1,a", "BZh9,a", "<id>,a", "7z,a", "PK,a", "Obj,a"])
def test_a_header_that_begins_like_a_format_is_a_header(tmp_path, header):
    (row,) = read(tmp_path, land(tmp_path, "f.csv", f"{header}\n1,2\n"), ("a",))
    assert row["a"] == "2"
