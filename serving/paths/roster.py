"""The people, roles and squads of a policy as plain values: addresses, time zones, calendars, managers, duty rotas.

The policy builds a :class:`Roster`, and everything that has to know a person reads it from there: assignment, SLA
timers, escalation paths, messages and drawings. A policy without ``[people]`` has a roster too: its people are the
members of its squads, with nothing else known about them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from serving.paths.calendars import WEEKDAYS, WorkingCalendar
from serving.paths.path_steps import TIER_WORDS

RACI = ("responsible", "accountable", "consulted", "informed")
"""The roles of a severity."""

Targets = tuple[str, ...]


@dataclass(frozen=True)
class PersonEntry:
    """What the policy knows about a person. ``weight`` is the share of cases relative to others: 0.5 is half as many.

    ``addresses`` are by channel, such as ``mail`` or ``slack``. ``absences`` is the address or the file of a calendar
    (``.ics``) with the person's absences.
    """

    name: str
    title: str = ""
    timezone: str | None = None
    calendar: WorkingCalendar | None = None
    skills: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    manager: str | None = None
    max_open: int | None = None
    weight: float = 1.0
    absences: str | None = None

    @property
    def shown(self) -> str:
        """The name that others read."""
        return self.title or self.name


@dataclass(frozen=True)
class DutyRota:
    """Who of a squad is on duty when.

    ``rotation`` is ``weekly`` or ``daily`` with a hand-over at ``handover_time`` (local time in ``timezone``; for
    ``weekly`` on ``handover_weekday``, 0 is Monday), or ``load``: the person with the fewest open cases by weight. The
    first member of ``order`` has the shift that contains ``start``. ``working_hours``: whoever is outside their own
    working hours is skipped.
    """

    rotation: str
    order: tuple[str, ...]
    timezone: str = "UTC"
    handover_weekday: int = 0
    handover_time: time = time(9)
    start: date = date(2024, 1, 1)
    working_hours: bool = False


@dataclass(frozen=True)
class SquadEntry:
    """A squad: its members, its escalation path where no rota is given, its skills, its rota and its calendar."""

    name: str
    members: tuple[str, ...]
    tiers: tuple[str, ...]
    skills: tuple[str, ...] = ()
    duty: DutyRota | None = None
    calendar: WorkingCalendar | None = None


@dataclass(frozen=True)
class Roster:
    """Everything about people that a policy says.

    ``roles`` has the targets of each role: names of people and squads; by squad where the policy writes it so, with
    ``""`` for every other squad. ``raci`` has the roles of each severity, most severe first. ``listed`` is whether the
    policy has ``[people]``.
    """

    people: Mapping[str, PersonEntry] = field(default_factory=dict)
    squads: Mapping[str, SquadEntry] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Targets]] = field(default_factory=dict)
    raci: Mapping[str, Mapping[str, Targets]] = field(default_factory=dict)
    listed: bool = False

    def person(self, name: str) -> PersonEntry:
        """The entry of a person; an empty one for somebody whom the policy does not list."""
        return self.people.get(name) or PersonEntry(name)

    def address_of(self, name: str, channel: str) -> str | None:
        """Where a person is reached on a channel; None where the policy has no address."""
        return self.person(name).addresses.get(channel)

    def timezone_of(self, name: str, squad: str | None = None) -> str:
        """The time zone of a person: their own, that of their calendar, that of a squad of theirs, else UTC."""
        person = self.person(name)
        if person.timezone:
            return person.timezone
        if person.calendar:
            return person.calendar.timezone
        squads = [entry for key, entry in self.squads.items() if key == squad]
        squads += [entry for entry in self.squads.values() if name in entry.members]
        zones = (entry.calendar.timezone if entry.calendar else entry.duty and entry.duty.timezone for entry in squads)
        return next((zone for zone in zones if zone), "UTC")

    def local_time(self, name: str, at: datetime, squad: str | None = None) -> datetime:
        """An instant (naive UTC) in the time zone of a person."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone_of(name, squad)))

    def calendar_of(self, name: str | None, squad: str | None = None) -> WorkingCalendar | None:
        """The working time of a person, else that of the squad; None where neither has a calendar."""
        own = self.person(name).calendar if name is not None else None
        entry = self.squads.get(squad or "")
        return own or (entry.calendar if entry else None)

    def role_targets(self, role: str, squad: str | None = None) -> Targets | None:
        """The people and squads that a role names for a squad, ignoring case; None where nobody fills it.

        The name of a person or of a squad is a role too.
        """
        wanted = role.casefold()
        for name, by_squad in self.roles.items():
            if name.casefold() == wanted:
                return by_squad.get(squad or "", by_squad.get("", ())) or None
        known = next((name for name in (*self.people, *self.squads) if name.casefold() == wanted), None)
        return (known,) if known else None

    def raci_roles(self, severity: str, party: str) -> Targets:
        """The roles that a severity gives to a party of :data:`RACI`; of the last severity where it is unknown."""
        row = self.raci.get(severity) or (list(self.raci.values())[-1] if self.raci else {})
        return tuple(row.get(party, ()))

    def squad_size(self, squad: str) -> int:
        """How many people the tiers of a squad can have; as many as there are tiers for an unknown squad."""
        entry = self.squads.get(squad)
        if entry is None:
            return len(TIER_WORDS)
        return len(entry.duty.order if entry.duty else entry.tiers)

    def squads_of(self, name: str) -> tuple[str, ...]:
        """The squads of which the person is a member."""
        return tuple(squad for squad, entry in self.squads.items() if name in entry.members)


def is_fixed_role(role: str) -> bool:
    """Whether a role is filled by the rota (a tier) or by the severity (RACI), and not by `[roles]`."""
    return role.casefold() in (*TIER_WORDS, *RACI)


def parse_handover(text: str) -> tuple[int | None, time]:
    """The weekday (0 is Monday; None where it has none) and the time of "mon 09:00" or "09:00".

    Raises:
        ValueError: it is neither.
    """
    *words, clock = text.lower().split()
    if len(words) > 1 or (words and words[0] not in WEEKDAYS):
        raise ValueError(text)
    hour, _, minute = clock.partition(":")
    return (WEEKDAYS.index(words[0]) if words else None), time(int(hour), int(minute))
