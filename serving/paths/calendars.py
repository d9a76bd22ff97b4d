"""The working time of a team: its time zone, its hours on each weekday, public holidays, and other closed days.

"Respond within 4 working hours" of a case that is opened on Saturday at 02:30 means Monday at 13:00, where work begins
at 9. Hours are counted as they pass, so that a day on which clocks change is right; a working day is counted by dates.
Instants are UTC without a zone, as everywhere in the queue.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Self
from zoneinfo import ZoneInfo, available_timezones

from features.errors import UsageError, nearest_name, suggest_name
from serving.paths.durations import Duration, Unit

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FARTHEST_DAYS = 2 * 366
"""So far ahead working time is searched for; the longest duration is a year."""

_LINE = re.compile(r"\s*([a-z]{3})(?:\s*-\s*([a-z]{3}))?((?:\s+\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2})+)\s*", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

Spans = tuple[tuple[time, time], ...]


@dataclass(frozen=True)
class WorkingCalendar:
    """When people work.

    ``hours`` are lines such as "mon-fri 09:00-12:00 13:00-17:00". ``holidays`` is a country with or without a region
    (``DE``, ``DE-BE``), whose public holidays are free; ``closed`` are further days.
    """

    timezone: str
    hours: tuple[str, ...]
    holidays: str | None = None
    closed: tuple[date, ...] = ()

    @classmethod
    def checked(
        cls, timezone: str, hours: Sequence[str], holidays: str | None = None, closed: Sequence[date] = ()
    ) -> Self:
        """A calendar whose parts are valid.

        Raises:
            UsageError: an unknown time zone, weekday or region of holidays, or no working hours.
        """
        check_timezone(timezone)
        check_working_hours(hours)
        if holidays is not None:
            check_region(holidays)
        return cls(timezone, tuple(hours), holidays, tuple(sorted(closed)))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the queue's table of squads."""
        return {
            "timezone": self.timezone,
            "hours": list(self.hours),
            "holidays": self.holidays,
            "closed": [day.isoformat() for day in self.closed],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote."""
        closed = tuple(date.fromisoformat(day) for day in data["closed"])
        return cls(data["timezone"], tuple(data["hours"]), data["holidays"], closed)

    def add(self, start: datetime, duration: Duration) -> datetime:
        """The instant at which the duration is over; both instants are UTC."""
        if duration.unit == Unit.HOURS:
            return start + timedelta(hours=duration.amount)
        if duration.unit == Unit.WORKING_HOURS:
            return self._add_hours(start, timedelta(hours=duration.amount))
        return self._add_days(start, int(duration.amount))

    def working_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans of working time between two instants, in order; the first and the last are cut at the instants."""
        first, last = (_local(instant, self._zone).date() for instant in (start, end))
        for ahead in range((last - first).days + 1):
            for begin, finish in self._day_spans(first + timedelta(days=ahead)):
                if begin < end and finish > start:
                    yield max(begin, start), min(finish, end)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two instants; zero where the end is not after the start."""
        spans = self.working_spans(start, end)
        return sum((finish - begin for begin, finish in spans), timedelta())

    def local(self, instant: datetime) -> datetime:
        """An instant in the calendar's time zone."""
        return _local(instant, self._zone)

    def is_working_day(self, day: date) -> bool:
        """Whether anybody works on that day."""
        return bool(self._spans(day))

    def is_working_time(self, at: datetime) -> bool:
        """Whether somebody works at that instant (UTC)."""
        local = _local(at, self._zone)
        return any(begin <= local.time() < end for begin, end in self._spans(local.date()))

    def _add_hours(self, start: datetime, left: timedelta) -> datetime:
        for begin, end in self._working_time(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise UsageError("The calendar has too little working time: no deadline can be computed.")

    def _add_days(self, start: datetime, days: int) -> datetime:
        """The same time of day that many working days later; from the next opening where nobody works at the start."""
        first = next(self._working_time(start), (start, start))[0]
        local = _local(first, self._zone)
        later = (local.date() + timedelta(days=ahead) for ahead in range(1, FARTHEST_DAYS))
        working = [day for day, _ in zip(filter(self.is_working_day, later), range(days), strict=False)]
        if len(working) < days:
            raise UsageError("The calendar has too few working days: no deadline can be computed.")
        closing = self._spans(working[-1])[-1][1]
        return _utc(working[-1], min(local.time(), closing), self._zone)

    def _working_time(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans of working time from an instant on, in UTC; the first begins with it where somebody works then."""
        first = _local(start, self._zone).date()
        for ahead in range(FARTHEST_DAYS):
            for begin, end in self._day_spans(first + timedelta(days=ahead)):
                if end > start:
                    yield max(begin, start), end

    def _day_spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The working time of a day of the calendar's time zone, in UTC."""
        for opening, closing in self._spans(day):
            yield _utc(day, opening, self._zone), _utc(day, closing, self._zone)

    def _spans(self, day: date) -> Spans:
        if day in self.closed or (self.holidays and day in _public_holidays(self.holidays)):
            return ()
        return _by_weekday(self.hours)[day.weekday()]

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def add_duration(start: datetime, duration: Duration, calendar: WorkingCalendar | None) -> datetime:
    """The instant at which a duration is over; without a calendar all time is working time of 24 hours a day.

    The policy refuses working time for a squad that has no calendar; a case of an earlier policy may have it.
    """
    if calendar is None:
        return start + timedelta(hours=duration.usual_hours)
    return calendar.add(start, duration)


@lru_cache(maxsize=64)
def _by_weekday(lines: tuple[str, ...]) -> tuple[Spans, ...]:
    """The spans of each weekday, Monday first."""
    spans: list[list[tuple[time, time]]] = [[] for _ in WEEKDAYS]
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise UsageError(f"The working hours {line!r} cannot be read: write for example 'mon-fri 09:00-17:00'.")
        first = _weekday(match[1])
        last = _weekday(match[2]) if match[2] else first
        for weekday in range(first, last + 1 + (7 if last < first else 0)):
            spans[weekday % 7] += [_span(part, line) for part in _SPAN.findall(match[3])]
    for of_day in spans:
        of_day.sort()
        if any(later[0] < earlier[1] for earlier, later in pairwise(of_day)):
            raise UsageError("The working hours of a day overlap.")
    return tuple(tuple(of_day) for of_day in spans)


def _weekday(word: str) -> int:
    if word.lower() not in WEEKDAYS:
        raise UsageError(f"There is no weekday {word!r}; {suggest_name(word.lower(), WEEKDAYS)}")
    return WEEKDAYS.index(word.lower())


def _span(part: tuple[str, str, str, str], line: str) -> tuple[time, time]:
    first_hour, first_minute, last_hour, last_minute = map(int, part)
    try:
        begin = time(first_hour, first_minute)
        end = time.max if (last_hour, last_minute) == (24, 0) else time(last_hour, last_minute)
    except ValueError:
        raise UsageError(f"The working hours {line!r} have a time that does not exist.") from None
    if begin >= end:
        raise UsageError(f"The working hours {line!r} end before they begin.")
    return begin, end


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    """The names of all time zones; they are read from hundreds of files, and do not change while a process runs."""
    return frozenset(available_timezones())


def check_timezone(name: str) -> None:
    """Refuse a time zone that does not exist."""
    if name not in known_timezones():
        near = nearest_name(name, known_timezones())
        hint = f"did you mean {near!r}?" if near else "write for example 'Europe/Berlin'."
        raise UsageError(f"There is no time zone {name!r}; {hint}")


def check_working_hours(lines: Sequence[str]) -> None:
    """Refuse lines of working hours that cannot be read, overlap, or are none at all."""
    if not lines:
        raise UsageError("A calendar needs working hours, for example hours = ['mon-fri 09:00-17:00'].")
    _by_weekday(tuple(lines))


def check_region(region: str) -> None:
    """Refuse a country or region that has no public holidays in the package ``holidays``."""
    import holidays

    country, _, part = region.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise UsageError(
            f"There are no public holidays of {country!r}: write the two letters of a country, such as 'DE', and of a "
            "region where it has holidays of its own, such as 'DE-BE'."
        )
    if part and part not in known[country]:
        raise UsageError(f"{country} has no region {part!r}; {suggest_name(part, known[country])}")


@lru_cache(maxsize=16)
def _public_holidays(region: str) -> Any:
    import holidays

    country, _, part = region.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(zone)


def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC).replace(tzinfo=None)
