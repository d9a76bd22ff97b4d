"""Workbooks of spreadsheet programs: a sheet is a table, written as CSV and then read like any other.

The values of a sheet have types of the spreadsheet (5.0 for an identifier 5, a date as a number). They are written as
the texts that a CSV export of the sheet would hold.
"""

import csv
import re
import zipfile
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from features.errors import DataGateError
from features.unit_text import size_text
from pipelines.sources.files.input_limits import MAX_CELLS, MAX_WORKBOOK

_CELL = re.compile(rb"""<(?:\w+:)?(?:c|row)\b[^>]{0,400}?\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")
_BLOCK = 1 << 20
_LONGEST_TAG = 500


def sheet_names(file: Path) -> list[str] | None:
    """The names of the visible sheets; ``None`` where the workbook cannot be read."""
    try:
        with CalamineWorkbook.from_path(str(file)) as workbook:
            return [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
            ]
    except (CalamineError, OSError, ValueError):
        return None


def sheet_as_csv(file: Path, sheet: str, label: str, target: Path) -> Path:
    """A sheet (empty: the first one) as the CSV file ``target``, with the rows that it has in the sheet.

    Raises:
        DataGateError: the workbook cannot be read, needs a password, or is too large; the sentence names it.
    """
    try:
        _check_size(file, label)
    except zipfile.BadZipFile as error:
        raise DataGateError(f"{label} cannot be read as a workbook: {error}. Save it again as .xlsx or .csv.") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with CalamineWorkbook.from_path(str(file)) as workbook, target.open("w", encoding="utf-8", newline="") as text:
            content = workbook.get_sheet_by_name(sheet or workbook.sheet_names[0])
            before = [""] * (content.start or (0, 0))[1]  # empty columns, which a row does not begin with
            csv.writer(text).writerows(before + [cell_text(value) for value in row] for row in content.iter_rows())
    except (CalamineError, OSError, ValueError, IndexError) as error:
        cause = str(error).strip().rstrip(".") or "it is no workbook"
        raise DataGateError(f"{label} cannot be read as a workbook: {cause}. Save it again as .xlsx or .csv.") from None
    return target


def cell_text(value: Any) -> str:
    """The text of a cell, as a CSV export writes it: ``5`` for 5.0, dates and times in ISO 8601."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def _check_size(file: Path, label: str) -> None:
    size, cells = file.stat().st_size, 0
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size <= MAX_WORKBOOK:
                cells = max((_count_cells(archive, entry) for entry in archive.infolist()), default=0)
    if cells > MAX_CELLS:
        raise DataGateError(
            f"{label} has a cell far away from the others, so that its sheet has {cells:,} cells; {MAX_CELLS:,} is the "
            "most. Delete it, or save the sheet as .csv."
        )
    if size > MAX_WORKBOOK:
        raise DataGateError(
            f"{label} has {size_text(size)} unpacked; {size_text(MAX_WORKBOOK)} is the most for a workbook. "
            "Save it as .csv."
        )


def _count_cells(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """The cells of the rectangle that a part of a workbook spans; 0 for a part that is no sheet.

    One cell in the last corner makes a rectangle of 17 billion cells, and the reader ends the whole process.
    """
    row = column = 0
    rest = b""
    with archive.open(entry) as part:
        while block := part.read(_BLOCK):
            for cell in _CELL.finditer(rest + block):
                row = max(row, int(cell[2]))
                column = max(column, _column_number(cell[1]))
            rest = block[-_LONGEST_TAG:]
    return row * column


@lru_cache(maxsize=20_000)
def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
