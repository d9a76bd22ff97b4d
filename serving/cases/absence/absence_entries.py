"""Absences in the queue: entered by people or read from calendars, withdrawn, and listed.

An entry is never changed: it is withdrawn and entered anew, so that the record shows who said what when. People enter
their own absences, and leads those of their squads.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.errors import UsageError, suggest_name
from serving.cases.people import load_roster
from serving.cases.permissions import EVERY_SQUAD, Act, Actor, NotAllowedError
from serving.night_report.report_text import day_text
from serving.paths.absences import Absence
from serving.paths.roster import Roster
from serving.store import Store
from serving.store.handover_tables import AbsenceCalendarRow, AbsenceRow

LONGEST_DAYS = 2 * 366
CALENDAR = "calendar"
HISTORY_LENGTH = 30
"""The source of entries that were read from a calendar; the next reading replaces them."""


class AbsenceNotFoundError(UsageError):
    """There is no such absence, or it was withdrawn, or the person may not see it."""

    def __init__(self) -> None:
        super().__init__("There is no such absence: it may have been removed already.")


def enter_absence(
    store: Store,
    actor: Actor,
    person: str,
    first: date,
    last: date,
    *,
    reason: str = "",
    now: datetime,
    source: str = "app",
) -> AbsenceRow:
    """Enter that a person is away from ``first`` to ``last``, both included, in their time zone.

    Raises:
        UsageError: an unknown person, days that do not fit, or an absence that is entered already.
        NotAllowedError: the actor may not enter absences of this person.
    """
    if last < first:
        raise UsageError(
            f"The absence ends on {day_text(last)}, before it begins on {day_text(first)}: exchange the days."
        )
    if (last - first).days > LONGEST_DAYS:
        raise UsageError("An absence is at most two years long: disable the user instead.")
    with store.transaction() as session:
        roster = load_roster(session)
        require_person(roster, person)
        _require_allowed(roster, actor, person)
        absence = Absence.of_days(person, first, last, roster.timezone_of(person), reason.strip())
        if absence.ends_at <= now:
            raise UsageError(f"The absence ended on {day_text(last)}, which is in the past: choose later days.")
        if any(
            (known.starts_at, known.ends_at) == (absence.starts_at, absence.ends_at)
            for known in current_absences(session, [person], now)
        ):
            raise UsageError(f"There is this absence of {person} already: from {day_text(first)} to {day_text(last)}.")
        row = _row(absence, source, actor.name, now)
        session.add(row)
    return row


def withdraw_absence(store: Store, actor: Actor, absence_id: int, *, now: datetime) -> AbsenceRow:
    """Withdraw an absence: the person can act again from now on.

    Raises:
        AbsenceNotFoundError: there is no such absence.
        NotAllowedError: the actor may not change absences of this person.
    """
    with store.transaction() as session:
        row = session.get(AbsenceRow, absence_id, with_for_update=True)
        if row is None or row.withdrawn_at is not None:
            raise AbsenceNotFoundError
        _require_allowed(load_roster(session), actor, row.person)
        row.withdrawn_at, row.withdrawn_by = now, actor.name
    return row


def replace_calendar_absences(session: Session, person: str, absences: Sequence[Absence], now: datetime) -> None:
    """Withdraw what an earlier reading of the person's calendar said and this one does not, and add what is new."""
    known = select(AbsenceRow).where(
        AbsenceRow.person == person, AbsenceRow.source == CALENDAR, AbsenceRow.withdrawn_at.is_(None)
    )
    wanted = {(absence.starts_at, absence.ends_at, absence.reason): absence for absence in absences}
    for row in session.scalars(known):
        if wanted.pop((row.starts_at, row.ends_at, row.reason), None) is None and row.ends_at > now:
            row.withdrawn_at, row.withdrawn_by = now, CALENDAR
    session.add_all(_row(absence, CALENDAR, CALENDAR, now) for absence in wanted.values())


def current_absences(session: Session, people: Iterable[str], now: datetime) -> list[AbsenceRow]:
    """The absences of these people that have not ended, by person and time."""
    query = select(AbsenceRow).where(AbsenceRow.withdrawn_at.is_(None), AbsenceRow.ends_at > now)
    rows = session.scalars(query.order_by(AbsenceRow.person, AbsenceRow.starts_at, AbsenceRow.id))
    named = set(people)
    return [row for row in rows if row.person in named]


def absence_history(session: Session, people: Iterable[str]) -> list[AbsenceRow]:
    """Who entered and withdrew which absence of these people, newest first."""
    query = select(AbsenceRow).where(AbsenceRow.person.in_(list(people))).order_by(AbsenceRow.id.desc())
    return list(session.scalars(query.limit(HISTORY_LENGTH)))


def calendar_readings(session: Session) -> dict[str, AbsenceCalendarRow]:
    """The newest attempt to read each person's calendar."""
    return {row.person: row for row in session.scalars(select(AbsenceCalendarRow))}


def manageable_people(roster: Roster, actor: Actor) -> list[str]:
    """The people whose absences the actor may enter: themselves, and for a lead the members of their squads."""
    return [person for person in roster.people if _may_manage(roster, actor, person)]


def require_person(roster: Roster, person: str) -> None:
    """Refuse a name that is not in the policy, and suggest the nearest."""
    if person not in roster.people:
        raise UsageError(f"There is no person {person!r}; {suggest_name(person, roster.people)}")


def _may_manage(roster: Roster, actor: Actor, person: str) -> bool:
    if person == actor.name:
        return True
    if not actor.may(Act.ASSIGN):
        return False
    return actor.role in EVERY_SQUAD or bool(actor.squads & set(roster.squads_of(person)))


def _require_allowed(roster: Roster, actor: Actor, person: str) -> None:
    if not _may_manage(roster, actor, person):
        raise NotAllowedError(f"You may not change the absences of {person}: ask a lead of their squad.")


def _row(absence: Absence, source: str, by: str, now: datetime) -> AbsenceRow:
    return AbsenceRow(
        person=absence.person,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        reason=absence.reason,
        source=source,
        entered_at=now,
        entered_by=by,
    )
