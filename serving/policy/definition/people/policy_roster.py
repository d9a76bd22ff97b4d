"""The roster of a policy: its people, squads and roles as assignment and escalation paths use them."""

from datetime import date, time
from typing import TYPE_CHECKING

from serving.paths.roster import RACI, DutyRota, PersonEntry, Roster, SquadEntry, parse_handover

if TYPE_CHECKING:
    from serving.policy.definition.people.squad_rules import SquadRule
    from serving.policy.definition.policy_schema import PolicyFile

FIRST_START = date(2024, 1, 1)
"""The start of a rota that names none: a Monday."""


def build_roster(file: "PolicyFile") -> Roster:
    """The roster of a checked policy; without `[people]`, the members of its squads are its people."""
    members = dict.fromkeys(person for squad in file.squads.values() for person in squad.members)
    people = {
        name: PersonEntry(
            name=name,
            title=rule.title or "",
            timezone=rule.timezone,
            calendar=file.calendars[rule.calendar].calendar if rule.calendar else None,
            skills=rule.skills,
            addresses=dict(rule.addresses),
            manager=rule.manager,
            max_open=rule.max_open,
            weight=rule.weight,
            absences=rule.absences,
        )
        for name, rule in file.people.items()
    }
    return Roster(
        people=people or {name: PersonEntry(name) for name in members},
        squads={name: _squad(file, name, rule) for name, rule in file.squads.items()},
        roles={role: dict(by_squad) for role, by_squad in file.roles.items()},
        raci={row.name: {party: _listed(getattr(row, party)) for party in RACI} for row in file.severities},
        listed=bool(people),
    )


def _listed(roles: str | tuple[str, ...]) -> tuple[str, ...]:
    return (roles,) if isinstance(roles, str) else tuple(roles)


def _squad(file: "PolicyFile", name: str, rule: "SquadRule") -> SquadEntry:
    calendar = file.calendar_of(name)
    return SquadEntry(
        name=name,
        members=rule.members,
        tiers=rule.tiers,
        skills=rule.skills,
        duty=_rota(rule, calendar.timezone if calendar else "UTC"),
        calendar=calendar,
    )


def _rota(rule: "SquadRule", timezone: str) -> DutyRota | None:
    duty = rule.duty
    if duty is None:
        return None
    weekday, at = parse_handover(duty.handover) if duty.handover else (0, time())
    return DutyRota(
        rotation=duty.rotation,
        order=duty.order or rule.members,
        timezone=duty.timezone or timezone,
        handover_weekday=weekday or 0,
        handover_time=at,
        start=duty.start or FIRST_START,
        working_hours=duty.working_hours,
    )
