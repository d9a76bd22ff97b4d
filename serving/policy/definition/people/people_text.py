"""The sections about people in words, for ``rescue policy explain``; a policy without them adds nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from serving.paths.calendars import WEEKDAYS
from serving.policy.definition.people.form_rules import FormRule

if TYPE_CHECKING:
    from serving.paths.roster import DutyRota, PersonEntry
    from serving.policy.definition.policy_schema import PolicyFile


def people_lines(rules: "PolicyFile") -> Iterator[str]:
    """The people, the rotas of squads, and the roles, one sentence each."""
    roster = rules.roster
    described = {person.shown: _details(person) for person in roster.people.values() if roster.listed}
    for person in roster.people.values() if roster.listed else ():
        if details := described[person.shown]:
            name = person.name if person.shown == person.name else f"{person.shown} ({person.name})"
            yield f"{name}: {details}."
    others = [name for name, details in described.items() if not details]
    if others:
        yield f"Without further details: {', '.join(others)}."
    for name, squad in roster.squads.items():
        if squad.duty is not None:
            yield f"On duty in {name}: {_rota(squad.duty)}."
    for role, by_squad in roster.roles.items():
        targets = (f"{' and '.join(who)}" + (f" in {squad}" if squad else "") for squad, who in by_squad.items())
        yield f"The {role} is {'; '.join(targets)}."


def form_lines(rules: "PolicyFile") -> Iterator[str]:
    """The hand-off forms, one sentence each."""
    for name, form in rules.forms.items():
        yield _form(name, form)


def weekly_lines(rules: "PolicyFile") -> Iterator[str]:
    """Who gets the weekly report, and when."""
    if rules.weekly is not None:
        yield f"Sent by mail on Monday from {rules.weekly.hour}:00 on to {', '.join(rules.weekly.to)}."


def _details(person: "PersonEntry") -> str:
    parts = [f"time zone {person.timezone}"] if person.timezone else []
    parts += [f"works {' and '.join(person.calendar.hours)} {person.calendar.timezone}"] if person.calendar else []
    parts += [f"at most {person.max_open} open cases"] if person.max_open else []
    parts += [f"{person.weight:g} × the share of others"] if person.weight != 1 else []
    parts += [f"reached by {' and '.join(person.addresses)}"] if person.addresses else []
    parts += [f"manager {person.manager}"] if person.manager else []
    parts += ["absences from a calendar"] if person.absences else []
    return ", ".join(parts)


def _rota(rota: "DutyRota") -> str:
    if rota.rotation == "load":
        return f"whoever of {', '.join(rota.order)} has the fewest open cases by weight"
    weekday = f"on {WEEKDAYS[rota.handover_weekday].capitalize()} " if rota.rotation == "weekly" else ""
    hours = "; whoever is outside their working hours is skipped" if rota.working_hours else ""
    at = f"{weekday}at {rota.handover_time:%H:%M} {rota.timezone}"
    first = f"the first from the shift of {rota.start.day} {rota.start:%b %Y}"
    return f"{', '.join(rota.order)} take turns {rota.rotation}, {at}, {first}{hours}"


def _form(name: str, form: FormRule) -> str:
    to = f"squads with the skill {form.skill}" if form.skill else "any squad"
    tier = {None: "", 1: "", 2: ", the secondary", 3: ", the tertiary"}[form.tier]
    required = [field.label for field in form.fields.values() if field.required]
    optional = [field.label for field in form.fields.values() if not field.required]
    more = f"; optional: {', '.join(optional)}" if optional else ""
    return f"{form.title or name}, for hand-overs to {to}{tier}: {', '.join(required) or 'nothing'} required{more}."
