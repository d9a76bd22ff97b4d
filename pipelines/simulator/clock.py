"""Days, months and instants as integers, so that a whole block of accounts moves through time at once.

A *day* is days since 1970-01-01, an *instant* seconds since then, both UTC; ``NEVER`` means no time at all. Work
happens on weekdays, mostly between eight and six, less in August and around the turn of the year.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]

DAY: Final = 86_400
NEVER: Final = -(2**62)
WEEKDAYS: Final = np.array([1.0, 1.08, 1.05, 1.0, 0.82, 0.07, 0.05])

_EPOCH = date(1970, 1, 1).toordinal()


def day_of(moment: date) -> int:
    """Days since 1970-01-01."""
    return moment.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """The calendar date of a day number."""
    return date.fromordinal(day + _EPOCH)


def add_months(days: Ints, months: Ints | int) -> Ints:
    """The same day of the month so many months later; days after the 28th become the 28th."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    within = np.minimum((dates - month).astype(np.int64), 27)
    later: Ints = (month + np.asarray(months, dtype="timedelta64[M]")).astype("datetime64[D]").astype(np.int64) + within
    return later


def season(day: int) -> float:
    """How busy the year is on that day: 1 is usual, August and the turn of the year are quiet."""
    turn = (day - day_of(date(date_of(day).year, 1, 1))) / 365.25
    august = 0.22 * np.exp(-(((turn - 0.62) / 0.045) ** 2))
    holidays = 0.45 * (np.exp(-((turn / 0.012) ** 2)) + np.exp(-(((turn - 0.99) / 0.012) ** 2)))
    return float(1.0 + 0.05 * np.cos(2 * np.pi * (turn - 0.25)) - august - holidays)


def office_hours(generator: np.random.Generator, days: Ints) -> Ints:
    """An instant on each of these days while people work: between 07:30 and 18:30, mostly before and after lunch."""
    hours = np.clip(generator.normal(11.0, 1.2, days.shape) + 4.0 * (generator.random(days.shape) < 0.45), 7.5, 18.5)
    seconds = (hours * 3600).astype(np.int64) + generator.integers(0, 60, days.shape)
    return days * DAY + seconds


def working_day(generator: np.random.Generator, monday: int, size: int) -> Ints:
    """A weekday of the week that begins on ``monday``, for each of ``size`` events."""
    return monday + generator.integers(0, 5, size)
