"""The reader of a page: the names that they know colleagues by, and their time zone.

A sign-in name such as ``m.okafor`` is a key. Where the policy lists the person with a title, pages write that. A time
is written in the time zone of the policy's person, else in that of the browser, which the script stores in a cookie,
else in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from serving.paths.roster import Roster

ZONE_COOKIE = "zone"
"""The cookie with the time zone of the browser, such as ``Europe/Berlin``."""


@dataclass(frozen=True)
class PageReader:
    """Who reads: their time zone, the names of people by sign-in name, and their own sign-in name."""

    zone: str = "UTC"
    names: Mapping[str, str] = field(default_factory=dict)
    person: str = ""

    @classmethod
    def of(cls, roster: Roster, person: str, browser_zone: str) -> "PageReader":
        """The reader with this sign-in name; ``browser_zone`` comes from a cookie and may be anything."""
        zone = roster.timezone_of(person)
        if zone == "UTC" and roster.person(person).timezone is None and _is_zone(browser_zone):
            zone = browser_zone
        return cls(zone, {name: entry.shown for name, entry in roster.people.items()}, person)

    def name_of(self, name: str | None) -> str:
        """The name that people read for a sign-in name; empty for nobody."""
        return self.names.get(name, name) if name else ""

    def local(self, at: datetime) -> datetime:
        """An instant (naive UTC) in the time zone of the reader."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone))


UNKNOWN_READER = PageReader()
"""Somebody whose time zone is not known, on pages without a sign-in."""


def _is_zone(name: str) -> bool:
    if not name or len(name) > 60 or name.startswith(("/", ".")) or ".." in name:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
