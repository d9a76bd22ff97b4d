"""Tables for a terminal of any width: if it is too narrow for all columns, the least important ones are left out.

Rich would cut off the columns on the right, and the reason for a case must never be cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

SPARE_WIDTH = 6
"""Characters beyond the measured minimum: Rich shrinks two wrapping columns alike, one of them below its minimum, and
takes the difference from the last column.
"""


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
    shown = list(columns)
    for gone in spare:
        table = _table(columns, rows, shown, look)
        needed = console.measure(table, options=console.options.update(max_width=10_000)).minimum + SPARE_WIDTH
        if needed <= console.width:
            return table
        shown = [name for name in shown if name != gone]
    return _table(columns, rows, shown, look)


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
