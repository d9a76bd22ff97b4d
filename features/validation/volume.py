"""Whether the whole source arrived: a truncated export passes every test of a row, and looks like customers leaving."""

from collections.abc import Mapping, Sequence
from math import floor
from statistics import median

from features.contract import TABLES
from features.errors import DataGateError, UsageError, suggest_name

FLOOR = 0.70
"""The share of its usual rows below which a table stops the night."""

NIGHTS = 7
"""The nights whose median is the usual number of rows."""


def check_least_rows(least: Mapping[str, float]) -> None:
    """Check the setting ``least_rows``, a share by table or ``default``.

    Raises:
        UsageError: there is no such table, or a share is not from 0 to 1.
    """
    for name, share in least.items():
        if name not in ("default", *TABLES):
            raise UsageError(f"least_rows: there is no table {name!r}; {suggest_name(name, ('default', *TABLES))}")
        if not 0 <= share <= 1:
            raise UsageError(f"The setting least_rows.{name} must be a share from 0 to 1, not {share!r}.")


def accept_text(table: str, share: float = 0.0) -> str:
    """How to accept that a table has only this share of its usual rows, as a sentence."""
    least = floor(share * 100) / 100
    gone = "If it is gone for good" if not least else "If it is right"
    return f"{gone}, accept it in rescue.toml: [least_rows] {table} = {least:g}."


def check_volume(
    rows: Mapping[str, int], earlier: Sequence[Mapping[str, int]], least: Mapping[str, float] | None = None
) -> None:
    """Compare tonight's rows by table with those of earlier nights, oldest first; a new table is not compared.

    ``least`` are the shares of its usual rows that a table needs, else :data:`FLOOR`.

    Raises:
        DataGateError: a table has less than that of the median of the last seven nights that had it.
    """
    limits = least or {}
    for name in sorted({name for night in earlier for name in night}):
        counts = [night[name] for night in earlier if name in night][-NIGHTS:]
        usual, tonight = median(counts), rows.get(name, 0)
        needed = limits.get(name, limits.get("default", FLOOR))
        if tonight < needed * usual:
            raise DataGateError(
                f"{name} has {tonight:,} rows, {tonight / usual:.0%} of the {usual:,.0f} it usually has: the source "
                f"looks cut off (a night needs {needed:.0%}). Export it again. {accept_text(name, tonight / usual)}"
            )
