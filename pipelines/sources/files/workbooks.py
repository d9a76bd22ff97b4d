"""Workbooks of spreadsheet programs: a sheet is a table, written as CSV and then read like any other.

The values of a sheet have types of the spreadsheet (5.0 for an identifier 5, a date as a number). They are written as
the texts that a CSV export of the sheet would hold.
"""

import csv
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from features.errors import DataGateError
from pipelines.sources.files.input_limits import MAX_WORKBOOK, size_text


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
    _check_size(file, label)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with CalamineWorkbook.from_path(str(file)) as workbook, target.open("w", encoding="utf-8", newline="") as text:
            rows = workbook.get_sheet_by_name(sheet or workbook.sheet_names[0]).to_python(skip_empty_area=False)
            csv.writer(text).writerows([cell_text(value) for value in row] for row in rows)
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
    size = file.stat().st_size
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_WORKBOOK:
        raise DataGateError(
            f"{label} has {size_text(size)} unpacked; {size_text(MAX_WORKBOOK)} is the most for a workbook. "
            "Save it as .csv."
        )
