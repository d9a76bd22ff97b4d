"""How long something may take: "4 hours" on the clock, or "4 working hours" and "2 working days" of a calendar."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from features.errors import UsageError, suggest_name

LONGEST_HOURS = 24 * 366
WEEK_HOURS, WEEK_DAYS = 40, 5
"""A usual working week, where a length in days of the calendar is only estimated."""


class Unit(StrEnum):
    """What a duration is counted in."""

    HOURS = "hours"
    WORKING_HOURS = "working hours"
    WORKING_DAYS = "working days"


_HOURS_OF = {"minutes": 1 / 60, "hours": 1.0, "days": 24.0, "weeks": 168.0}
_WORDS = (*_HOURS_OF, Unit.WORKING_HOURS.value, Unit.WORKING_DAYS.value)
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+(?:\s+[a-z]+)?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Duration:
    """An amount above 0 of a unit."""

    amount: float
    unit: Unit = Unit.HOURS

    @classmethod
    def parse(cls, value: float | str) -> Self:
        """A number of hours, or a text such as "30 minutes", "4 working hours" or "2 working days".

        Raises:
            UsageError: it is not a duration, not above 0, or longer than a year.
        """
        if not isinstance(value, str):
            hours = float(min(value, 2 * LONGEST_HOURS))  # a whole number may be larger than any float
            return cls._checked(hours, Unit.HOURS, f"{hours:g} hours")
        match = _TEXT.fullmatch(value)
        if match is None:
            raise UsageError(f"{value!r} is no duration: write a number of hours, or for example '4 working hours'.")
        amount, word = float(match[1]), _plural(" ".join(match[2].lower().split()))
        if word not in _WORDS:
            raise UsageError(f"{value!r} is no duration; {suggest_name(word, _WORDS)}")
        if word in _HOURS_OF:
            return cls._checked(amount * _HOURS_OF[word], Unit.HOURS, value)
        return cls._checked(amount, Unit(word), value)

    @classmethod
    def _checked(cls, amount: float, unit: Unit, text: str) -> Self:
        duration = cls(amount, unit)
        if not 0 < duration.usual_hours <= LONGEST_HOURS:
            raise UsageError(f"The duration {text!r} has to be above 0 and at most a year.")
        if unit == Unit.WORKING_DAYS and amount != int(amount):
            raise UsageError(f"The duration {text!r} has to be a whole number of working days.")
        return duration

    def __str__(self) -> str:
        """In words that :meth:`parse` reads as the same duration: a part of an hour in minutes."""
        minutes = round(self.amount * 60, 6)
        if self.unit == Unit.HOURS and self.amount != int(self.amount) and minutes == int(minutes):
            return f"{minutes:g} minute{'' if minutes == 1 else 's'}"
        unit = self.unit.value.removesuffix("s") if self.amount == 1 else self.unit.value
        return f"{self.amount:g} {unit}"

    @property
    def usual_hours(self) -> float:
        """About how many hours of the clock it takes; exact for hours, a usual week for working time."""
        if self.unit == Unit.WORKING_HOURS:
            return self.amount * 168 / WEEK_HOURS
        return self.amount * 168 / WEEK_DAYS if self.unit == Unit.WORKING_DAYS else self.amount

    @property
    def needs_calendar(self) -> bool:
        """Whether it is counted in working time."""
        return self.unit != Unit.HOURS


def differences(durations: Sequence[Duration]) -> tuple[Duration, ...]:
    """The time from each of these to the next, the first from the start; all have one unit."""
    amounts = [duration.amount for duration in durations]
    steps = [now - before for now, before in zip(amounts, [0.0, *amounts], strict=False)]
    return tuple(Duration(step, duration.unit) for step, duration in zip(steps, durations, strict=True))


def _plural(word: str) -> str:
    return word if word.endswith("s") else f"{word}s"
