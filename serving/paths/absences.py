"""When a person is away: spans of time, from whole days in the person's time zone or from exact instants.

Spans are half-open and in naive UTC, as everywhere in the queue. Spans that touch or overlap are one absence, so that
"until" is the day on which the person is back, and not the end of the first of two entries.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo


@dataclass(frozen=True, order=True)
class Absence:
    """``person`` is away from ``starts_at`` until just before ``ends_at``; ``reason`` is shown to colleagues."""

    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    @classmethod
    def of_days(cls, person: str, first: date, last: date, timezone: str, reason: str = "") -> Self:
        """The days from ``first`` to ``last``, both included, in that time zone."""
        zone = ZoneInfo(timezone)
        return cls(person, _midnight(first, zone), _midnight(last + timedelta(days=1), zone), reason)

    def covers(self, at: datetime) -> bool:
        """Whether the person is away at that instant."""
        return self.starts_at <= at < self.ends_at


class AbsenceIndex:
    """The absences of many people, for look-ups by person and instant."""

    def __init__(self, absences: Iterable[Absence] = ()) -> None:
        """Sort the absences by person and join those that touch or overlap."""
        self._by_person: dict[str, list[Absence]] = {}
        for absence in sorted(absence for absence in absences if absence.starts_at < absence.ends_at):
            spans = self._by_person.setdefault(absence.person, [])
            if spans and absence.starts_at <= spans[-1].ends_at:
                before = spans.pop()
                end = max(before.ends_at, absence.ends_at)
                reason = before.reason or absence.reason
                absence = Absence(absence.person, before.starts_at, end, reason)
            spans.append(absence)

    def at(self, person: str, at: datetime) -> Absence | None:
        """The whole absence of the person that contains the instant; None where the person is there."""
        return next((absence for absence in self._by_person.get(person, ()) if absence.covers(at)), None)

    def of(self, person: str) -> tuple[Absence, ...]:
        """Every absence of the person, in order, joined."""
        return tuple(self._by_person.get(person, ()))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
