"""Limits of what one file may contain, checked while it is read: a small file must not take all memory or the disk.

Three megabytes of gzip can hold a line of three gigabytes, and a Parquet file of one megabyte forty million rows. A
file beyond a limit is refused with the limit in words, before it is parsed.
"""

from collections.abc import Iterable, Iterator

from features.errors import DataGateError
from features.unit_text import size_text

CHUNK = 1 << 20
"""Bytes that are read at once."""

MAX_LINE = 64_000_000
"""Bytes of one line."""

MAX_EXPANDED = 64_000_000_000
"""Bytes that one file may have when it is unpacked."""

MAX_RATIO = 100
"""How many times its packed size a file may have; exports of repeated values reach fifty."""

RATIO_FROM = 128_000_000
"""Unpacked bytes from which the ratio counts."""

MAX_COLUMNS = 4_000
"""Columns of one table."""

MAX_WORKBOOK = 512_000_000
"""Bytes of an unpacked workbook. It is read as a whole, and takes up to twice as many in memory."""
MAX_CELLS = 50_000_000
"""Cells of a sheet, empty ones included: the reader makes room for the rectangle of all of them."""

MAX_UNREADABLE = 1_000_000
"""Lines of one file that may be no rows; they are held in memory."""

MANY_ROWS, MAX_ROWS_PER_BYTE = 10_000_000, 8
"""A Parquet file with many rows may hold so many of them in a byte; real ones hold less than one."""


def limited_lines(chunks: Iterable[bytes], label: str) -> Iterator[bytes]:
    """The chunks of a text, as long as no line is longer than the limit.

    Raises:
        DataGateError: a line is too long; the sentence names the file and the line.
    """
    line, length = 1, 0
    for chunk in chunks:
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        if length + (first if first >= 0 else len(chunk)) > MAX_LINE:
            raise DataGateError(
                f"{label}, line {line} has more than {size_text(MAX_LINE)}: the file is no table, or its line breaks "
                "are lost. Export it again."
            )
        line += chunk.count(b"\n")
        length = len(chunk) - last - 1 if last >= 0 else length + len(chunk)
        yield chunk


def limited_expansion(chunks: Iterable[bytes], packed: int, label: str) -> Iterator[bytes]:
    """The chunks of an unpacked file of ``packed`` bytes, as long as it is not larger than the limits.

    Raises:
        DataGateError: it is; the sentence names the file and the limit.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MAX_EXPANDED or (total > RATIO_FROM and total > MAX_RATIO * packed):
            limit = size_text(MAX_EXPANDED) if total > MAX_EXPANDED else f"{MAX_RATIO} times its size"
            raise DataGateError(
                f"{label} is larger than {limit} when it is unpacked ({size_text(packed)} packed): it is not read. "
                "Unpack it yourself if it is right."
            )
        yield chunk


def check_parquet_size(rows: int, size: int, label: str) -> None:
    """Refuse a Parquet file that holds far more rows than its bytes can mean.

    Raises:
        DataGateError: it does.
    """
    if rows > MANY_ROWS and rows > MAX_ROWS_PER_BYTE * size:
        raise DataGateError(
            f"{label} has {rows:,} rows in {size_text(size)}: nearly all rows are equal. Export it again."
        )


def check_unreadable(lines: int, label: str) -> None:
    """Refuse a text of which so many lines are no rows that they cannot be listed.

    Raises:
        DataGateError: it is such a text.
    """
    if lines > MAX_UNREADABLE:
        raise DataGateError(
            f"{label}: {lines:,} lines are no rows of this file; is it of another format? Export it again."
        )


def check_columns(columns: int, label: str) -> None:
    """Refuse a table with too many columns.

    Raises:
        DataGateError: it has more than the limit.
    """
    if columns > MAX_COLUMNS:
        raise DataGateError(f"{label} has {columns:,} columns; {MAX_COLUMNS:,} is the most. Is it transposed?")
