"""The header line of a delimited text: which line it is, its delimiter, and the names of the columns.

Reports begin with a title, exports from Excel with ``sep=;``, and some systems name two columns alike. DuckDB would
guess all three, and guess differently when a cell changes. So the header is the line that holds the contract's columns,
or, for a table of the source's own, the first line that is as wide as the rows below it.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from features.contract import TABLES
from features.errors import DataGateError
from pipelines.sources.files.input_limits import check_columns
from pipelines.sources.files.text_encoding import text_lines

DELIMITERS = ",;\t|"
SEARCHED = 50
"""Lines at the beginning in which the header line is looked for."""


@dataclass(frozen=True)
class Header:
    """The header line: how many lines come before it, its delimiter, its columns, and those that were renamed."""

    skipped_lines: int
    delimiter: str
    columns: tuple[str, ...]
    renamed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    """A record of the beginning of the file, and the number of lines before it."""

    before: int
    fields: tuple[str, ...]

    @property
    def filled(self) -> int:
        return sum(1 for text in self.fields if text.strip())


def read_header(file: Path, label: str, table: str) -> Header:
    """The header line of a UTF-8 text file of ``table``.

    Raises:
        DataGateError: the file is empty, or its columns are too many; the sentence names it.
    """
    lines = list(islice(text_lines(file), SEARCHED))
    if not any(line.strip() for line in lines):
        raise DataGateError(f"{label} is empty: it has no header line.")
    delimiter, header = _find(lines, table)
    check_columns(len(header.fields), label)
    columns, renamed = _unique([name.strip() or f"column{place}" for place, name in enumerate(header.fields, 1)])
    return Header(header.before, delimiter, columns, renamed)


def _find(lines: Sequence[str], table: str) -> tuple[str, _Line]:
    """The delimiter and the header line: the line with most of the contract's columns, else the first wide one."""
    parsed = {delimiter: _records(lines, delimiter) for delimiter in DELIMITERS}
    if table in TABLES:
        names = set(TABLES[table].names)
        counts = [
            (len({text.strip().lower() for text in line.fields} & names), -line.before, delimiter, line)
            for delimiter, records in parsed.items()
            for line in records
        ]
        most, _, delimiter, line = max(counts, key=lambda row: row[:2])
        if most:
            return delimiter, line
    delimiter = max(DELIMITERS, key=lambda sign: _regular_rows(parsed[sign]))
    return delimiter, _first_wide(parsed[delimiter])


def _records(lines: Sequence[str], delimiter: str) -> list[_Line]:
    reader = csv.reader(lines, delimiter=delimiter)
    records, before = [], 0
    try:
        for fields in reader:
            if any(text.strip() for text in fields):
                records.append(_Line(before, tuple(fields)))
            before = reader.line_num
    except csv.Error:  # a field that is longer than Python's reader takes: the lines before it are enough
        pass
    return records or [_Line(0, (lines[0].strip(),))]


def _usual_width(records: Sequence[_Line]) -> int:
    return Counter(len(line.fields) for line in records).most_common(1)[0][0]


def _regular_rows(records: Sequence[_Line]) -> tuple[int, int]:
    """How many lines have the usual width, where that is more than one field; then the delimiters of the first line."""
    width = _usual_width(records)
    regular = sum(len(line.fields) == width for line in records) if width > 1 else 0
    return regular, len(records[0].fields)


def _first_wide(records: Sequence[_Line]) -> _Line:
    """The first line, unless it is a title above a table: then the first one as wide as the rows, without numbers."""
    width, first = _usual_width(records), records[0]
    if (len(first.fields) == width and first.filled > 1) or width < 2:
        return first
    wide = (line for line in records if len(line.fields) == width and line.filled > 1 and _has_names(line))
    return next(wide, first) if first.filled < width else first


def _has_names(line: _Line) -> bool:
    """Whether no field of a line is a number or a date, as in every header line."""
    return not any(text.strip()[:1].isdigit() for text in line.fields)


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, those that occur again with a number: ``Labels``, ``Labels_2``; and the numbered ones."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    columns, renamed = [], []
    for name in names:
        column, number = name, 2
        while column.lower() in seen or (column != name and column.lower() in taken):
            column, number = f"{name}_{number}", number + 1
        seen.add(column.lower())
        columns.append(column)
        if column != name:
            renamed.append(column)
    return tuple(columns), tuple(renamed)
