"""The people of the queue: the roster of the newest night's policy, and who of them can act now.

A case must not wait for somebody who is disabled, absent or at capacity. The roster says who there is; the situation is
what changes between two nights: users, absences, and the open cases of each person.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.paths.absences import Absence, AbsenceIndex
from serving.paths.calendars import WorkingCalendar
from serving.paths.duty import Obstacle, ObstacleCode, OnDuty, Situation, find_obstacle, find_on_duty
from serving.paths.roster import PersonEntry, Roster, SquadEntry
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.case_states import responsible_person
from serving.store.database import once_per_reading
from serving.store.handover_tables import AbsenceRow
from serving.store.operations_tables import RevokedPerson
from serving.store.people_tables import User
from serving.store.policy_tables import PolicyVersionRow
from serving.store.tables import Case, Member, Squad

_NEWEST_RULES = (
    select(cast(PolicyVersionRow.rules, Text))
    .order_by(PolicyVersionRow.last_night.desc(), PolicyVersionRow.recorded_at.desc())
    .limit(1)
)
_NO_RULES = frozenset({"null", "{}", "[]"})
_DISABLED = select(User.name).where(User.disabled_at.is_not(None)).union(select(RevokedPerson.person))
_MEMBERS = select(Member.squad, Member.person).order_by(Member.squad, Member.position)
_SQUADS = select(Squad.name, Squad.calendar).where(Squad.active).order_by(Squad.name)


@dataclass(frozen=True)
class Staff:
    """Who there is and who can act, as of one transaction; ``count_case`` keeps the load up to date within it."""

    roster: Roster
    situation: Situation

    def on_duty(self, squad: str, at: datetime) -> OnDuty:
        """Primary, secondary and so on of a squad, and who was skipped."""
        return find_on_duty(self.roster, squad, at, self.situation)

    def obstacle(self, person: str, at: datetime) -> Obstacle | None:
        """Why a person cannot act; None where they can."""
        return find_obstacle(self.roster, person, at, self.situation)

    def shown(self, person: str) -> str:
        """The name of a person as others read it."""
        return self.roster.person(person).shown

    def obstacle_text(self, obstacle: Obstacle) -> str:
        """Why a person cannot act, as a sentence without its full stop."""
        return f"{self.shown(obstacle.person)} {obstacle.text}"

    def calendar_for(self, case: Case) -> WorkingCalendar | None:
        """The working time that the timers of a case run by: of the responsible person, else of the squad."""
        return self.roster.calendar_of(case.responsible, case.squad)

    def count_case(self, person: str | None, *, before: str | None = None) -> None:
        """One more open case for a person, so that the next case of the same transaction goes to another.

        ``before`` is the person who had it until now.
        """
        for name, change in ((before, -1), (person, 1)):
            if name is not None and isinstance(self.situation.open_cases, dict):
                self.situation.open_cases[name] = max(self.situation.open_cases.get(name, 0) + change, 0)


def load_staff(session: Session, at: datetime, roster: Roster | None = None) -> Staff:
    """The people and their situation; ``roster`` is that of the policy which a night is about to record."""
    known = roster or load_roster(session)
    return Staff(known, load_situation(session, known, at))


@once_per_reading
def load_roster(session: Session) -> Roster:
    """The roster of the newest night's policy; of the stored squads where no rules are stored with it."""
    rules = newest_rules(session)
    return rules.roster if rules is not None else _stored_squads(session)


@once_per_reading
def newest_rules(session: Session) -> PolicyFile | None:
    """The rules of the newest night's policy; None before the first night, and for a night of an earlier Rescue.

    They are read as text, because the same text is the same rules: only a new one is parsed.
    """
    text = session.scalar(_NEWEST_RULES)
    return _read_rules(text) if text and text not in _NO_RULES else None


def load_situation(session: Session, roster: Roster, at: datetime | None = None) -> Situation:
    """Disabled users, absences that end after ``at`` (default: all), and open cases where the policy counts them.

    A person without a user signs in with another provider, and can act.
    """
    counts = count_open_cases(session) if _counts_cases(roster) else {}
    return Situation(_disabled_people(session), AbsenceIndex(_absences(session, at)), counts)


@once_per_reading
def _disabled_people(session: Session) -> frozenset[str]:
    return frozenset(session.scalars(_DISABLED))


@once_per_reading
def _absences(session: Session, at: datetime | None) -> Sequence[Absence]:
    """The absences that end after ``at``; all of them for None."""
    columns = (AbsenceRow.person, AbsenceRow.starts_at, AbsenceRow.ends_at, AbsenceRow.reason)
    entries = select(*columns).where(AbsenceRow.withdrawn_at.is_(None))
    if at is not None:
        entries = entries.where(AbsenceRow.ends_at > at)
    return [Absence(*row) for row in session.execute(entries)]


@once_per_reading
def count_open_cases(session: Session) -> dict[str, int]:
    """The open cases by the person who is responsible for them.

    The database counts: a queue has thousands of cases, and a few paths.
    """
    is_open = Case.closed_at.is_(None)
    owned = select(Case.owner, func.count()).where(is_open, Case.owner.is_not(None)).group_by(Case.owner)
    counts = Counter({row.owner: row[1] for row in session.execute(owned)})
    group = (cast(Case.escalation_path, Text), Case.tier, Case.path_step, cast(Case.reached, Text))
    waiting = select(*group, func.count()).where(is_open, Case.owner.is_(None)).group_by(*group)
    for path, tier, step, reached, count in session.execute(waiting):
        person = responsible_person(None, json.loads(path), tier, step, json.loads(reached or "[]"))
        if person is not None:
            counts[person] += count
    return dict(counts)


@lru_cache(maxsize=8)
def _read_rules(text: str) -> PolicyFile:
    return PolicyFile.model_validate_json(text)


def _counts_cases(roster: Roster) -> bool:
    """Whether anything depends on how many cases people have, which takes a query to count."""
    by_load = any(squad.duty and squad.duty.rotation == "load" for squad in roster.squads.values())
    return by_load or any(person.max_open is not None for person in roster.people.values())


def _stored_squads(session: Session) -> Roster:
    members: dict[str, list[str]] = {}
    for squad, person in session.execute(_MEMBERS):
        members.setdefault(squad, []).append(person)
    squads = {}
    for name, stored in session.execute(_SQUADS):
        people = tuple(members.get(name, ()))
        calendar = WorkingCalendar.from_json(stored) if stored else None
        squads[name] = SquadEntry(name, people, people[:3], calendar=calendar)
    names = dict.fromkeys(person for squad in squads.values() for person in squad.members)
    return Roster({name: PersonEntry(name) for name in names}, squads)


def refuse_unable(staff: Staff, person: str, now: datetime) -> str | None:
    """Refuse a person who is disabled or absent; a lead may assign beyond the capacity, and the record says so."""
    obstacle = staff.obstacle(person, now)
    if obstacle is None:
        return None
    if obstacle.code == ObstacleCode.AT_CAPACITY:
        return f"{staff.obstacle_text(obstacle)} without this one."
    raise UsageError(f"{staff.obstacle_text(obstacle)}: choose somebody else.")


def refuse_more(staff: Staff, person: str, now: datetime) -> None:
    """Refuse to give the next case to somebody who cannot act, as the policy counts it."""
    obstacle = staff.obstacle(person, now)
    if obstacle is None:
        return
    if obstacle.code == ObstacleCode.AT_CAPACITY:
        count = f"{obstacle.open_cases} of at most {obstacle.max_open}"
        raise UsageError(f"You have {count} open cases: close or return one first.")
    raise UsageError(f"{staff.obstacle_text(obstacle)}: remove the absence first, if you are back.")
