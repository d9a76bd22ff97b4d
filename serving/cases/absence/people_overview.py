"""The people of the policy and the users of the app as one list: who is on duty, who is away, and what is missing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.absence.absence_entries import calendar_readings, current_absences
from serving.cases.people import Staff, count_open_cases, load_staff
from serving.paths.path_steps import TIER_WORDS
from serving.store.handover_tables import AbsenceCalendarRow, AbsenceRow
from serving.store.people_tables import User


@dataclass(frozen=True)
class PersonStatus:
    """A person now. ``duties`` are tiers by squad, such as ``primary of success``; ``missing`` is what they lack.

    ``obstacle`` is why the person cannot act, as the end of a sentence. ``listed`` is whether the policy has them.
    """

    name: str
    title: str
    listed: bool
    squads: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    timezone: str = "UTC"
    local_time: str = ""
    open_cases: int = 0
    max_open: int | None = None
    obstacle: str = ""
    absences: tuple[AbsenceRow, ...] = ()
    calendar: AbsenceCalendarRow | None = None
    has_user: bool = False
    missing: tuple[str, ...] = ()


def list_people(session: Session, now: datetime, squads: frozenset[str] | None = None) -> list[PersonStatus]:
    """The people of these squads (None: everybody), by squad and name, then the users that the policy does not list.

    Users are compared only where the app has users of its own: others sign in with another provider.
    """
    staff = load_staff(session, now)
    users = {user.name: user for user in session.scalars(select(User).order_by(User.name))}
    counts, readings = count_open_cases(session), calendar_readings(session)
    absences: dict[str, list[AbsenceRow]] = {}
    for row in current_absences(session, staff.roster.people, now):
        absences.setdefault(row.person, []).append(row)
    duties = _duties(staff, now)
    people = []
    for name in staff.roster.people:
        own = staff.roster.squads_of(name)
        if squads is not None and own and not squads & set(own):
            continue
        people.append(_status(staff, name, now, users, counts, absences, readings, duties))
    strangers = [_stranger(user) for name, user in users.items() if name not in staff.roster.people]
    return [*people, *(strangers if squads is None and staff.roster.listed else [])]


def _duties(staff: Staff, now: datetime) -> dict[str, list[str]]:
    duties: dict[str, list[str]] = {}
    for squad in staff.roster.squads:
        for tier, person in zip(TIER_WORDS, staff.on_duty(squad, now).tiers, strict=False):
            duties.setdefault(person, []).append(f"{tier} of {squad}")
    return duties


def _status(
    staff: Staff,
    name: str,
    now: datetime,
    users: dict[str, User],
    counts: dict[str, int],
    absences: dict[str, list[AbsenceRow]],
    readings: dict[str, AbsenceCalendarRow],
    duties: dict[str, list[str]],
) -> PersonStatus:
    person, obstacle = staff.roster.person(name), staff.obstacle(name, now)
    missing = ["address"] if staff.roster.listed and not person.addresses else []
    if users and name not in users:
        missing.append("user of the app")
    reading = readings.get(name)
    if person.absences and reading is None:
        missing.append("first reading of the calendar")
    return PersonStatus(
        name=name,
        title=person.shown,
        listed=True,
        squads=staff.roster.squads_of(name),
        duties=tuple(duties.get(name, ())),
        skills=person.skills,
        timezone=staff.roster.timezone_of(name),
        local_time=f"{staff.roster.local_time(name, now):%a %H:%M}",
        open_cases=counts.get(name, 0),
        max_open=person.max_open,
        obstacle=obstacle.text if obstacle else "",
        absences=tuple(absences.get(name, ())),
        calendar=reading,
        has_user=name in users,
        missing=tuple(missing),
    )


def _stranger(user: User) -> PersonStatus:
    return PersonStatus(
        name=user.name,
        title=user.name,
        listed=False,
        obstacle="is disabled" if user.disabled_at else "",
        has_user=True,
        missing=("entry in the policy",),
    )
