"""The clock of the machine, in one place so that tests can replace it; a demo replaces that of the queue."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from serving.store.database import utcnow


def machine_clock() -> datetime:
    """The present moment."""
    return utcnow().replace(tzinfo=UTC)


def today(timezone: str) -> date:
    """The day that it is now in a time zone."""
    return machine_clock().astimezone(ZoneInfo(timezone)).date()
