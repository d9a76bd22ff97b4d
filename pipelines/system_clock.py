"""The clock of the machine, in one place so that tests can replace it; a demo replaces that of the queue."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from features.errors import UsageError
from serving.night_report.report_text import day_text
from serving.store.database import utcnow

AHEAD = timedelta(days=1)
"""So long after today a day may be asked for: the evening before is a usual time to run a night by hand."""

CLOCK_BEHIND = timedelta(days=31)
"""A source whose newest row is so long after today has a clock of its own: a simulated company, or old test data."""


def machine_clock() -> datetime:
    """The present moment."""
    return utcnow().replace(tzinfo=UTC)


def today(timezone: str) -> date:
    """The day that it is now in a time zone."""
    return machine_clock().astimezone(ZoneInfo(timezone)).date()


def latest_day(until: date, now: date) -> date:
    """The last day that ``--as-of`` may name: tomorrow, or the day after the source's newest row where that is later.

    ``until`` is the day after the newest row, ``now`` is today. A source that ends more than a month after today
    (``CLOCK_BEHIND``) is simulated, and may be continued for as long.
    """
    if until > now + CLOCK_BEHIND:
        return until + CLOCK_BEHIND
    return max(now + AHEAD, until)


def refuse_future_day(day: date, until: date, now: date, consequence: str = "") -> None:
    """Refuse a day after :func:`latest_day`; it is nearly always a mistyped one.

    Raises:
        UsageError: the day is too late; the sentence names the last day, and the ``consequence`` that a later one has.
    """
    latest = latest_day(until, now)
    if day > latest:
        newest = day_text(until - timedelta(days=1))
        text = (
            f"{day} is in the future: today is {day_text(now)}, the newest row is of {newest}, and the last day that "
            f"can be asked for is {latest}. {consequence}"
        )
        raise UsageError(text.rstrip())


def end_of_rows(before: date | None, until: date, timezone: str) -> date:
    """The day before which rows are read: the one asked for, or the end of the data where that is earlier.

    Raises:
        UsageError: the day asked for is in the future.
    """
    if before is None:
        return until
    refuse_future_day(before, until, today(timezone))
    return min(before, until)
