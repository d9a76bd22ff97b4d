"""From Arrow tables and reports to data frames of pandas, and from what a person writes to cutoffs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from features.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from models.evaluation.bootstrap import Estimate

Cutoff = Any
"""A day: a date, a time stamp or a text such as ``2026-03-01``; or several of them."""


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A table with days as time stamps, in which true, false and unknown are three values."""
    import pandas as pd
    import pyarrow as pa

    types = {pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(date_as_object=False, types_mapper=types.get)
    return frame


def estimate_rows(figures: Mapping[str, Estimate]) -> Iterator[dict[str, Any]]:
    """One row a figure: its name, value and interval."""
    for name, estimate in figures.items():
        yield {"figure": name, "value": estimate.value, "low": estimate.low, "high": estimate.high}


def cutoff_days(cutoffs: Iterable[Cutoff]) -> list[date]:
    """The cutoffs as days, ascending, each once.

    Raises:
        UsageError: one of them is no day.
    """
    return sorted({day for cutoff in cutoffs for day in _days(cutoff)})


def one_day(value: Cutoff, name: str) -> date:
    """A single day; ``name`` is that of the argument.

    Raises:
        UsageError: it is no day, or it is several.
    """
    days = cutoff_days([value])
    if len(days) != 1:
        raise UsageError(f"{name} is one day such as '2026-03-01', not {len(days)}.")
    return days[0]


def _days(cutoff: Cutoff) -> Iterator[date]:
    if isinstance(cutoff, str):
        try:
            yield datetime.fromisoformat(cutoff).date()
        except ValueError:
            raise UsageError(f"A cutoff is a day such as '2026-03-01', not {cutoff!r}.") from None
    elif isinstance(cutoff, datetime):  # time stamps of pandas, too
        yield cutoff.date()
    elif isinstance(cutoff, date):
        yield cutoff
    elif isinstance(cutoff, Iterable):
        for part in cutoff:
            yield from _days(part)
    else:
        raise UsageError(f"A cutoff is a day such as '2026-03-01', not {cutoff!r}.")
