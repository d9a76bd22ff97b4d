"""Absences from a calendar file (iCalendar, `.ics`): repeated events, whole days, time zones, and limits.

Every event counts that marks the person as busy. Transparent and cancelled events do not, and neither do those that
Outlook marks as free, tentative or working elsewhere: a file of absences may contain them, too. A calendar comes from
another system, so it is read within limits of size, number and time, and a rule that repeats within a day is refused.
"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from features.errors import UsageError
from serving.paths.absences import Absence

MOST_BYTES = 1_000_000
MOST_EVENTS = 5_000
MOST_ABSENCES = 2_000
MOST_SECONDS = 5.0
"""Processor time for the repeated events of a file."""

PAST, FUTURE = timedelta(days=35), timedelta(days=400)
"""The days around now from which absences are read."""

LONGEST_REASON = 200

NOT_BUSY = frozenset({"FREE", "TENTATIVE", "WORKINGELSEWHERE"})
REPEATS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
OF_LONGER = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYEASTER")
EARLIEST_START = 1970
"""The year before which no repeated event of a person begins; each repetition since then takes time."""
MOST_ZONE_RULES = 100
"""Rules of the time zones of a file; a zone has two."""


class CalendarFileError(UsageError):
    """A calendar file that is not read, with the reason."""


def read_calendar(content: bytes, person: str, timezone: str, now: datetime) -> list[Absence]:
    """The absences of a person in a calendar file, from about a month ago to about a year ahead (naive UTC).

    Events without a time zone are in the person's.

    Raises:
        CalendarFileError: the file is too large, is no calendar, or repeats too often.
    """
    if len(content) > MOST_BYTES:
        raise CalendarFileError(f"The calendar has more than {MOST_BYTES:,} bytes: export only absences.")
    if b"BEGIN:VCALENDAR" not in content[:200].upper():
        raise CalendarFileError("This is no calendar: an .ics file begins with BEGIN:VCALENDAR.")
    started = time.process_time()
    found: list[Absence] = []
    for series in _series(content):
        if time.process_time() - started > MOST_SECONDS:
            raise CalendarFileError("The repeated events of the calendar take too long: export only absences.")
        found += _absences(series, person, ZoneInfo(timezone), now)
        if len(found) > MOST_ABSENCES:
            raise CalendarFileError(f"The calendar has more than {MOST_ABSENCES:,} absences within a year.")
    return sorted(found)


def _series(content: bytes) -> Iterator[Any]:
    """A calendar for each event with its changed repetitions, so that one hostile rule cannot hide among others."""
    from icalendar import Calendar

    try:
        calendar: Any = Calendar.from_ical(content)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, IndexError, KeyError, RecursionError) as error:
        raise CalendarFileError(f"The calendar cannot be read ({_first_line(error)}).") from None
    if len(events) > MOST_EVENTS:
        raise CalendarFileError(f"The calendar has more than {MOST_EVENTS:,} events: export only absences.")
    _refuse_long_zones(calendar)
    groups: dict[str, list[Any]] = {}
    for place, event in enumerate(events):
        groups.setdefault(str(event.get("UID") or place), []).append(event)
    around = [part for part in calendar.subcomponents if part.name == "VTIMEZONE"]
    for group in groups.values():
        part = Calendar({name: value for name, value in calendar.items() if name == "X-WR-TIMEZONE"})
        part.subcomponents = [*around, *group]
        yield part


def _absences(series: Any, person: str, zone: ZoneInfo, now: datetime) -> Iterator[Absence]:
    import recurring_ical_events

    try:
        for event in series.walk("VEVENT"):
            _refuse_long_rules(event)
            _refuse_unknown_zone(event)
        events = recurring_ical_events.of(series).between(now - PAST, now + FUTURE)
        for event in events:
            if _is_busy(event):
                start, end = (_instant(event[name].dt, zone) for name in ("DTSTART", "DTEND"))
                if start < end:
                    yield Absence(person, start, end, str(event.get("SUMMARY") or "")[:LONGEST_REASON].strip())
    except CalendarFileError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise CalendarFileError(f"An event of the calendar cannot be read ({_first_line(error)}).") from None


def _refuse_long_rules(event: Any) -> None:
    """Refuse rules that repeat within a day, and those whose calculation takes long or does not end.

    A rule that matches no day, such as each 31 February, is tried until the year 9999: day by day, that is long.
    """
    for rule in _rules(event):
        frequency = str(next(iter(rule.get("FREQ", [""])))).upper()
        if frequency not in REPEATS or any(key in rule for key in WITHIN_A_DAY):
            raise CalendarFileError("An event of the calendar repeats within a day: an absence repeats daily or less.")
        if any(int(interval) < 1 for interval in rule.get("INTERVAL", ())):
            raise CalendarFileError("An event of the calendar repeats after no time at all (INTERVAL).")
        if frequency == "DAILY" and any(key in rule for key in OF_LONGER):
            raise CalendarFileError(
                "A daily event of the calendar is limited to days of a month or year: repeat it so."
            )
        if event["DTSTART"].dt.year < EARLIEST_START:
            raise CalendarFileError(f"An event of the calendar repeats since before {EARLIEST_START}.")


def _rules(component: Any) -> list[Any]:
    rules = component.get("RRULE")
    return rules if isinstance(rules, list) else [rules] if rules else []


def _refuse_long_zones(calendar: Any) -> None:
    """Refuse time zones that change more often than every year, because each change is calculated."""
    rules = [rule for kind in ("STANDARD", "DAYLIGHT") for part in calendar.walk(kind) for rule in _rules(part)]
    yearly = all(
        str(next(iter(rule.get("FREQ", [""])))).upper() == "YEARLY"
        and not any(key in rule for key in (*WITHIN_A_DAY, "BYYEARDAY", "BYWEEKNO"))
        and all(int(interval) >= 1 for interval in rule.get("INTERVAL", ()))
        for rule in rules
    )
    if len(rules) > MOST_ZONE_RULES or not yearly:
        raise CalendarFileError("A time zone of the calendar changes more often than every year.")


def _refuse_unknown_zone(event: Any) -> None:
    start = event["DTSTART"]
    if start.params.get("TZID") and isinstance(start.dt, datetime) and start.dt.tzinfo is None:
        raise CalendarFileError(f"The calendar names a time zone that is not known ({start.params['TZID']}).")


def _is_busy(event: Any) -> bool:
    if str(event.get("TRANSP") or "").upper() == "TRANSPARENT" or str(event.get("STATUS") or "").upper() == "CANCELLED":
        return False
    return str(event.get("X-MICROSOFT-CDO-BUSYSTATUS") or "").upper() not in NOT_BUSY


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(tzinfo=None)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
