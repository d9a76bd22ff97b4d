"""The clock of the machine, in one place so that tests can replace it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def machine_clock() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def today(timezone: str) -> date:
    """The day that it is now in a time zone."""
    return machine_clock().astimezone(ZoneInfo(timezone)).date()
