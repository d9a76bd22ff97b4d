"""Read the calendars of absences that the policy names, from files and https addresses.

A calendar that cannot be read leaves the absences of the last reading as they are, and the failure is shown where
people are listed: a night must not assign everything to people who are on holiday because a server is down.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.errors import RescueError, UsageError
from serving.cases.absence.absence_entries import replace_calendar_absences
from serving.cases.absence.calendar_file import MOST_BYTES, CalendarFileError, read_calendar
from serving.cases.people import load_roster
from serving.delivery.web_requests.http_get import fetch_bytes
from serving.paths.roster import Roster
from serving.store import Store
from serving.store.handover_tables import AbsenceCalendarRow


@dataclass(frozen=True)
class CalendarReading:
    """The result for one person: how many absences, or the sentence of why the calendar could not be read."""

    person: str
    absences: int = 0
    failure: str | None = None


def read_all_calendars(
    store: Store,
    *,
    now: datetime,
    roster: Roster | None = None,
    folder: Path | None = None,
    hosts: Collection[str] = (),
) -> list[CalendarReading]:
    """Read the calendar of every person whose entry in the policy names one.

    ``folder`` is what relative files are relative to; ``hosts`` are hosts inside one's own network that may be called.
    """
    if roster is None:
        with store.reading() as session:
            roster = load_roster(session)
    named = [(person.name, person.absences) for person in roster.people.values() if person.absences]
    return [
        read_person_calendar(store, roster, name, place, now=now, folder=folder, hosts=hosts) for name, place in named
    ]


def read_person_calendar(
    store: Store,
    roster: Roster,
    person: str,
    place: str,
    *,
    now: datetime,
    folder: Path | None = None,
    hosts: Collection[str] = (),
) -> CalendarReading:
    """Read one person's calendar from a file or an https address and replace what its last reading said."""
    failure: str | None = None
    try:
        content = _content(place, folder, hosts)
        absences = read_calendar(content, person, roster.timezone_of(person), now)
    except RescueError as error:
        absences, failure = [], str(error)
    with store.transaction() as session:
        row = session.get(AbsenceCalendarRow, person) or AbsenceCalendarRow(person=person, events=0)
        row.tried_at, row.failure = now, failure
        if failure is None:
            row.read_at, row.events = now, len(absences)
            replace_calendar_absences(session, person, absences, now)
        session.add(row)
    return CalendarReading(person, len(absences), failure)


def _content(place: str, folder: Path | None, hosts: Collection[str]) -> bytes:
    if "://" in place:
        return fetch_bytes(place.replace("webcal://", "https://", 1), most_bytes=MOST_BYTES, allowed=hosts)
    path = (folder or Path()) / place
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CalendarFileError(f"The calendar has more than {MOST_BYTES:,} bytes: export only absences.")
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no calendar file {path}.") from None
    except OSError as error:
        raise UsageError(f"The calendar file {path} cannot be read: {error.strerror}.") from None
