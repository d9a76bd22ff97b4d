"""Tables for a terminal of any width: if it is too narrow for all columns, the least important ones are left out.

Rich would cut off the columns on the right, and the reason for a case must never be cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from pipelines.console import out

PRINTED_ROWS = 50
"""Rows of a list that grows with the company which are printed, as about a page: nobody reads 25,000 lines, and laying
out a table of so many takes minutes."""

UNLIMITED = 10_000
"""Characters in a line, to measure a table as if the terminal were wide enough."""


def rest_line(total: int, how: str = "`--all` prints all of them") -> str:
    """The line under the first rows of a long list; empty where all of them are shown."""
    return f"  {total - PRINTED_ROWS:,} more: {how}." if total > PRINTED_ROWS else ""


def print_lines(lines: Sequence[str], *, every: bool = False) -> None:
    """Print lines of which there may be very many: the first ones, or every one."""
    shown = lines if every else lines[:PRINTED_ROWS]
    for line in shown:
        out.print(line, markup=False, soft_wrap=True)
    if len(shown) < len(lines):
        out.print(rest_line(len(lines)), markup=False)


def fit_table(
    console: Console,
    columns: Mapping[str, Mapping[str, Any]],
    rows: Sequence[Sequence[str]],
    spare: Sequence[str],
    **look: Any,
) -> Table:
    """A table that the console has room for.

    Args:
        console: where it will be printed.
        columns: by title, how Rich is to lay the column out.
        rows: a cell for each of the columns.
        spare: titles of columns that may be left out, in the order in which they go.
        look: of the whole table, as Rich takes it.
    """
    shown, remaining = list(columns), iter(spare)
    while True:
        table = _table(columns, rows, shown, look)
        if _set_widths(console, table):
            return table
        gone = next(remaining, None)
        if gone is None:
            return table
        shown = [name for name in shown if name != gone]


def _set_widths(console: Console, table: Table) -> bool:
    """Give each column its minimum, and the rest of the line to the columns that wrap, up to a common limit.

    False, and nothing is set, where the minimum has no room. Rich would shrink the columns that wrap alike, some of
    them below their minimum, and cut off the last column instead.
    """
    ranges = [_range(console, column) for column in table.columns]
    widest = console.measure(table, options=console.options.update(max_width=UNLIMITED)).maximum
    excess = widest - console.width
    limit = max((widths.maximum for widths in ranges), default=0)
    while sum(widths.maximum - _width(widths, limit) for widths in ranges) < excess:
        limit -= 1
        if limit < 0:
            return False
    for column, widths in zip(table.columns, ranges, strict=True):
        column.width = _width(widths, limit)
    return True


def _width(widths: Measurement, limit: int) -> int:
    return max(widths.minimum, min(widths.maximum, limit))


def _range(console: Console, column: Column) -> Measurement:
    """The widths of a column between its longest word, or cell where it does not wrap, and its longest cell."""
    texts = [cell if isinstance(cell, Text) else Text.from_markup(str(cell)) for cell in (column.header, *column.cells)]
    measured = [Measurement.get(console, console.options.update(max_width=UNLIMITED), text) for text in texts]
    widest = max(widths.maximum for widths in measured)
    longest_word = max(widths.minimum for widths in measured)
    return Measurement(widest if column.no_wrap else longest_word, widest).clamp(column.min_width, None)


def _table(
    columns: Mapping[str, Mapping[str, Any]],
    rows: Sequence[Sequence[str]],
    shown: Sequence[str],
    look: Mapping[str, Any],
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, **look)
    for name in shown:
        table.add_column(name, **columns[name])
    for row in rows:
        table.add_row(*(cell for name, cell in zip(columns, row, strict=True) if name in shown))
    return table
