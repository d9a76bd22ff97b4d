"""The queue as a file that people open elsewhere: CSV, Parquet, XLSX.

A spreadsheet runs a text that begins like a formula, and account names and ticket subjects are not trusted. So a
text that begins with ``= + - @``, a tab or a carriage return is made harmless: in CSV by a leading apostrophe, in XLSX
by storing it as text with the quote prefix, which has the same effect. Numbers stay numbers, −5 as much as 5, and a
text that is nothing but a plain number is left as it is. Parquet holds values, not cells, and keeps them exactly.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UsageError, suggest_name

_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")
_PLAIN_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d+)?$")
CELL_LIMIT = 32_767
"""Characters that a spreadsheet's cell can hold."""


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run this text, as it is or trimmed."""
    return bool(_FORMULA.match(text)) and not _PLAIN_NUMBER.match(text)


def to_csv(table: pa.Table) -> bytes:
    """The table as CSV (RFC 4180, UTF-8): texts quoted, numbers bare, unknown values empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([_csv_cell(value) for value in row.values()])
    return text.getvalue().encode()


def to_parquet(table: pa.Table) -> bytes:
    """The table as Parquet, values and types unchanged."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def to_xlsx(table: pa.Table) -> bytes:
    """The table as one sheet with a frozen, filtered header row; the same bytes for the same table."""
    import xlsxwriter

    buffer = io.BytesIO()
    quiet = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(buffer, quiet)
    book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 a constant, so that equal queues are equal files
    sheet = book.add_worksheet("Rescue queue")
    formats = {
        "head": book.add_format({"bold": True}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "quoted": book.add_format({"quote_prefix": True}),
    }
    for column, name in enumerate(table.column_names):
        sheet.write_string(0, column, name, formats["head"])
    for line, row in enumerate(table.to_pylist(), start=1):
        for column, value in enumerate(row.values()):
            _xlsx_cell(sheet, (line, column), value, formats)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(table.num_rows, 1), max(table.num_columns - 1, 0))
    book.close()
    return buffer.getvalue()


FORMATS: Mapping[str, Callable[[pa.Table], bytes]] = {"csv": to_csv, "parquet": to_parquet, "xlsx": to_xlsx}


def write(table: pa.Table, path: Path) -> None:
    """Write a table to a file, in the format that its name ends in; another ending is refused."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise UsageError(f"{path.name} does not end in a format that can be written: {suggest_name(ending, FORMATS)}")
    try:
        path.write_bytes(FORMATS[ending](table))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _flat(value: object) -> object:
    """A value that one cell can hold: lists joined, dates and instants as ISO text."""
    if isinstance(value, list | tuple):
        return "; ".join(str(part) for part in value if part is not None)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value


def _csv_cell(value: object) -> object:
    flat = _flat(value)
    if isinstance(flat, bool):
        return "true" if flat else "false"
    if isinstance(flat, float) and not isfinite(flat):
        return ""
    return f"'{flat}" if isinstance(flat, str) and is_formula(flat) else flat


def _xlsx_cell(sheet: Any, place: tuple[int, int], value: object, formats: Mapping[str, Any]) -> None:
    if isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(*place, value, formats["day"])
        return
    flat = _flat(value)
    if isinstance(flat, bool):
        sheet.write_boolean(*place, flat)
    elif isinstance(flat, int | float):
        if isfinite(flat):
            sheet.write_number(*place, flat)
    elif flat is not None:
        text = str(flat)[:CELL_LIMIT]
        sheet.write_string(*place, text, formats["quoted"] if is_formula(text) else None)
