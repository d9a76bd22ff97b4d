"""Whether the whole source arrived: a truncated export passes every test of a row, and looks like customers leaving."""

from collections.abc import Mapping, Sequence
from statistics import median

from features.errors import DataGateError

FLOOR = 0.70
"""The share of its usual rows below which a table stops the night."""

NIGHTS = 7
"""The nights whose median is the usual number of rows."""


def check_volume(rows: Mapping[str, int], earlier: Sequence[Mapping[str, int]]) -> None:
    """Compare tonight's rows by table with those of earlier nights, oldest first; a new table is not compared.

    Raises:
        DataGateError: a table has under :data:`FLOOR` of the median of the last seven nights that had it.
    """
    for name in sorted({name for night in earlier for name in night}):
        counts = [night[name] for night in earlier if name in night][-NIGHTS:]
        usual, tonight = median(counts), rows.get(name, 0)
        if tonight < FLOOR * usual:
            raise DataGateError(
                f"{name} has {tonight:,} rows, {tonight / usual:.0%} of the {usual:,.0f} it usually has: the source "
                f"looks cut off (a night needs {FLOOR:.0%})."
            )
