"""Who can act at an instant, and who is on duty: primary, secondary and tertiary of a squad.

A rota gives an order for each shift. Whoever cannot act is left out of it, so the next in order steps in, and the
person is back at their place as soon as they can act again. Nothing here reads a clock or a store: what changes from
minute to minute (disabled users, absences, open cases) is a :class:`Situation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from serving.paths.absences import AbsenceIndex
from serving.paths.path_steps import TIER_WORDS
from serving.paths.roster import RACI, DutyRota, Roster

WEEK = 7


class ObstacleCode(StrEnum):
    """Why a person cannot act."""

    DISABLED = "disabled"
    ABSENT = "absent"
    AT_CAPACITY = "at_capacity"
    OFF_HOURS = "off_hours"


@dataclass(frozen=True)
class Obstacle:
    """Why ``person`` cannot act at an instant; ``until`` is the end of an absence (naive UTC)."""

    person: str
    code: ObstacleCode
    until: datetime | None = None
    open_cases: int = 0
    max_open: int = 0
    timezone: str = "UTC"
    reason: str = ""

    @property
    def text(self) -> str:
        """The clause after the name: "is absent (back on 6 Jul 2026)"."""
        if self.code == ObstacleCode.ABSENT and self.until is not None:
            return f"is absent (back on {_moment(self.until, self.timezone)})"
        return {
            ObstacleCode.DISABLED: "is disabled",
            ObstacleCode.ABSENT: "is absent",
            ObstacleCode.AT_CAPACITY: f"has {self.open_cases} of at most {self.max_open} open cases",
            ObstacleCode.OFF_HOURS: "is outside their working hours",
        }[self.code]

    def __str__(self) -> str:
        return f"{self.person} {self.text}"


@dataclass(frozen=True)
class Situation:
    """What the policy does not say: whose user is disabled, who is absent, and how many cases each person has open."""

    disabled: frozenset[str] = frozenset()
    absences: AbsenceIndex = field(default_factory=AbsenceIndex)
    open_cases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class OnDuty:
    """The people of a squad who can act, in the order of the shift, and who of it was skipped and why."""

    people: tuple[str, ...]
    skipped: tuple[Obstacle, ...] = ()

    @property
    def tiers(self) -> tuple[str, ...]:
        """Primary, secondary and tertiary, as many as there are."""
        return self.people[: len(TIER_WORDS)]

    def tier(self, name: str) -> str | None:
        """The person of ``primary``, ``secondary`` or ``tertiary``; None where there is none."""
        place = TIER_WORDS.index(name)
        return self.people[place] if place < len(self.people) else None


def find_obstacle(
    roster: Roster, person: str, at: datetime, situation: Situation, *, working_hours: bool = False
) -> Obstacle | None:
    """Why the person cannot act at that instant; None where they can.

    With ``working_hours`` also whether they work at that time, by their own calendar or that of a squad of theirs.
    """
    entry = roster.person(person)
    if person in situation.disabled:
        return Obstacle(person, ObstacleCode.DISABLED)
    absence = situation.absences.at(person, at)
    if absence is not None:
        zone = roster.timezone_of(person)
        return Obstacle(person, ObstacleCode.ABSENT, absence.ends_at, timezone=zone, reason=absence.reason)
    count = situation.open_cases.get(person, 0)
    if entry.max_open is not None and count >= entry.max_open:
        return Obstacle(person, ObstacleCode.AT_CAPACITY, open_cases=count, max_open=entry.max_open)
    if working_hours and not _works_at(roster, person, at):
        return Obstacle(person, ObstacleCode.OFF_HOURS)
    return None


def find_on_duty(roster: Roster, squad: str, at: datetime, situation: Situation) -> OnDuty:
    """Who of a squad is on duty at that instant; nobody for a squad that the policy does not have.

    ``skipped`` are those whom the tiers would have, if they could act.
    """
    entry = roster.squads.get(squad)
    if entry is None:
        return OnDuty(())
    rota = entry.duty
    able, skipped = [], []
    for person in shift_order(rota, at, roster, situation) if rota else entry.tiers:
        obstacle = find_obstacle(roster, person, at, situation, working_hours=bool(rota and rota.working_hours))
        if obstacle is None:
            able.append(person)
        elif len(able) < len(TIER_WORDS):
            skipped.append(obstacle)
    return OnDuty(tuple(able), tuple(skipped))


def shift_order(rota: DutyRota, at: datetime, roster: Roster, situation: Situation) -> tuple[str, ...]:
    """The order of the people of a rota at an instant, whoever can act: the first is primary.

    By load: fewest open cases divided by the person's weight; of equals, the one earlier in the rota.
    """
    if rota.rotation == "load":
        places = {person: place for place, person in enumerate(rota.order)}

        def load(person: str) -> tuple[float, int]:
            return situation.open_cases.get(person, 0) / roster.person(person).weight, places[person]

        return tuple(sorted(rota.order, key=load))
    first = shift_number(rota, at) % len(rota.order)
    return (*rota.order[first:], *rota.order[:first])


def shift_number(rota: DutyRota, at: datetime) -> int:
    """The number of the shift at an instant; 0 is the one that contains ``start``, earlier ones are negative.

    Shifts change at a time of the wall clock, so one of them is an hour shorter or longer when clocks change.
    """
    length = WEEK if rota.rotation == "weekly" else 1
    zone = ZoneInfo(rota.timezone)
    day = at.replace(tzinfo=UTC).astimezone(zone).date() + timedelta(days=1)
    first = rota.start
    if rota.rotation == "weekly":
        first -= timedelta(days=(first.weekday() - rota.handover_weekday) % WEEK)
        day -= timedelta(days=(day.weekday() - rota.handover_weekday) % WEEK)
    while datetime.combine(day, rota.handover_time, zone).astimezone(UTC).replace(tzinfo=None) > at:
        day -= timedelta(days=length)
    return (day - first).days // length


def find_party(
    roster: Roster, party: str, squad: str, at: datetime, situation: Situation, *, severity: str = ""
) -> OnDuty:
    """The people whom a name stands for at that instant: a tier, a role, a squad or a person; empty where nobody.

    ``primary``, ``secondary`` and ``tertiary`` are those of ``squad``; a squad stands for its people on duty, of whom
    the first is primary; ``responsible``, ``accountable``, ``consulted`` and ``informed`` are the roles of the
    severity. Whoever cannot act is in ``skipped``. A person at capacity is skipped only on duty: a message needs no
    place.
    """
    word = party.casefold()
    if word in TIER_WORDS:
        duty = find_on_duty(roster, squad, at, situation)
        person = duty.tier(word)
        return OnDuty((person,) if person else (), duty.skipped)
    if word in RACI:
        parts = [
            find_party(roster, role, squad, at, situation)
            for role in roster.raci_roles(severity, word)
            if role.casefold() not in RACI
        ]
        return _join(parts)
    parts = []
    for target in roster.role_targets(party, squad) or ():
        if target in roster.squads and target not in roster.people:
            duty = find_on_duty(roster, target, at, situation)
            parts.append(OnDuty(duty.people[:1], duty.skipped))
        else:
            parts.append(_person(roster, target, at, situation))
    return _join(parts)


def _person(roster: Roster, person: str, at: datetime, situation: Situation) -> OnDuty:
    obstacle = find_obstacle(roster, person, at, situation)
    if obstacle is None or obstacle.code == ObstacleCode.AT_CAPACITY:
        return OnDuty((person,))
    return OnDuty((), (obstacle,))


def _join(parts: list[OnDuty]) -> OnDuty:
    people = dict.fromkeys(person for part in parts for person in part.people)
    skipped = {obstacle.person: obstacle for part in parts for obstacle in part.skipped}
    return OnDuty(tuple(people), tuple(skipped.values()))


def _works_at(roster: Roster, person: str, at: datetime) -> bool:
    squads = (name for name, squad in roster.squads.items() if person in squad.members and squad.calendar)
    calendar = roster.calendar_of(person, next(squads, None))
    return calendar is None or calendar.is_working_time(at)


def _moment(at: datetime, timezone: str) -> str:
    """The day of an instant in a time zone, with the time where it is not midnight."""
    local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    day = f"{local.day} {local:%b %Y}"
    return day if (local.hour, local.minute) == (0, 0) else f"{day}, {local:%H:%M %Z}"
