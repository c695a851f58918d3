"""Answers to queries: on the screen, or in a file for a spreadsheet or another tool.

Does not belong here: what is asked (`commands/sql`, `commands/export`), exports that are kept up to date
(`core/export`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from project_etl.commands.shared.console import grid, size_text
from project_etl.commands.shared.errors import UserError
from project_etl.core.arrow import ArrowRecordBatch, ArrowRecordBatchReader, ArrowTable

FORMATS = (".csv", ".parquet", ".xlsx")
# What a sheet of Excel holds, its header included.
EXCEL_ROWS = 1_048_576
EXCEL_CHARS = 32_767
CELL_CHARS = 40


def check_file(path: Path) -> None:
    """See that an answer can be written there.

    Raises:
        UserError: the ending is unknown, or the folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path.name} ends in {path.suffix or 'nothing'}: expected {', '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise UserError(f"The folder {path.absolute().parent} is not there: make it, or name another one.")


def write(path: Path, rows: ArrowRecordBatchReader, zone: str) -> int:
    """Write an answer to a file, which takes its name when it is whole.

    Args:
        path: the file; its ending says the format.
        rows: the answer.
        zone: the time zone in which Excel, which knows none, shows instants.

    Returns:
        How many rows there were.

    Raises:
        UserError: Excel has no room for so many rows.
    """
    from project_etl.core.export.aside import replacing
    from project_etl.core.export.csv_files import write_csv

    with replacing(path.absolute()) as aside:
        match path.suffix.lower():
            case ".csv":
                return write_csv(aside, rows.schema.names, rows)
            case ".parquet":
                return _write_parquet(aside, rows)
            case _:
                return _write_excel(aside, rows, ZoneInfo(zone))


def written_in_words(path: Path, rows: int) -> str:
    """What was written: `sales.csv: 1,200 rows, 45.2 kB`."""
    return f"{path}: {rows:,} row{'' if rows == 1 else 's'}, {size_text(path.stat().st_size)}"


def show(console: Console, title: str, rows: ArrowTable, names: Iterable[str] | None = None) -> None:
    """Print rows as a table: numbers to the right, long texts cut.

    Args:
        console: where to.
        title: what they are.
        rows: the rows.
        names: the columns to show; all when None.
    """
    import pyarrow as pa

    # A query may give two columns one name.
    shown = rows if names is None else rows.select(list(names))
    right = [field.name for field in shown.schema if pa.types.is_decimal(field.type) or _is_number(field.type)]
    made = grid(title, *shown.schema.names, right=right)
    for values in _rows(shown.to_batches()):
        made.add_row(*(Text(cell(value)) for value in values))
    console.print(made)


def cell(value: Any) -> str:  # noqa: ANN401 - a value of any column
    """A value for the screen: thousands marked, instants without their zone, long texts cut; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool) or not hasattr(value, "__round__"):
        text = str(value)
        return text if len(text) <= CELL_CHARS else f"{text[: CELL_CHARS - 1]}…"
    return f"{value:,}"


def _is_number(kind: Any) -> bool:  # noqa: ANN401 - a type of pyarrow
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _write_parquet(path: Path, rows: ArrowRecordBatchReader) -> int:
    import pyarrow.parquet as pq

    number = 0
    with pq.ParquetWriter(path, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)
            number += batch.num_rows
    return number


def _write_excel(path: Path, rows: ArrowRecordBatchReader, zone: ZoneInfo) -> int:
    """One sheet with a bold header that stays in sight; amounts and days are numbers and dates."""
    import xlsxwriter

    names = [f"{field.name} ({zone.key})" if _is_instant(field.type) else field.name for field in rows.schema]
    number = 0
    # Rows go to the disk as they come, and no text becomes a formula or a link. Excel has no NaN and no infinity.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        sheet = book.add_worksheet("rows")
        header = book.add_format({"bold": True})
        formats = _formats(book)
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, names, header)
        for values in _rows(rows):
            number += 1
            if number >= EXCEL_ROWS:
                raise UserError(f"Excel has room for {EXCEL_ROWS - 1:,} rows, and these are more: write .csv instead.")
            for at, value in enumerate(values):
                _write_cell(sheet, number, at, value, formats, zone)
    return number


def _formats(book: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a workbook of xlsxwriter
    return {
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }


def _write_cell(sheet: Any, row: int, at: int, value: Any, formats: Mapping[str, Any], zone: tzinfo) -> None:  # noqa: ANN401 - a sheet of xlsxwriter, and any value
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, at, value)
    elif isinstance(value, datetime):
        local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        sheet.write_datetime(row, at, local, formats["instant"])
    elif hasattr(value, "isoformat"):
        sheet.write_datetime(row, at, value, formats["day"])
    elif isinstance(value, str):
        sheet.write_string(row, at, value[:EXCEL_CHARS])
    elif hasattr(value, "__round__"):
        sheet.write_number(row, at, float(value))
    else:
        sheet.write_string(row, at, str(value)[:EXCEL_CHARS])


def _rows(rows: Iterable[ArrowRecordBatch]) -> Iterator[tuple[Any, ...]]:
    """The rows, with arrays and structs as JSON text."""
    import pyarrow as pa

    from project_etl.core.export.as_text import plain

    for batch in rows:
        columns = [plain(column) if pa.types.is_nested(column.type) else column for column in batch.columns]
        yield from zip(*(column.to_pylist() for column in columns), strict=True)


def _is_instant(kind: Any) -> bool:  # noqa: ANN401 - a type of pyarrow
    import pyarrow as pa

    return pa.types.is_timestamp(kind) and kind.tz is not None
