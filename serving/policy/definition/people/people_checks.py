"""Names in the sections about people that have to be defined elsewhere, managers in a circle, and rotas with nobody.

Each yields the path of a key and one sentence. What is wrong is an error; a role that nobody fills is a hint, because
a printed role ("product manager") is allowed.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from features.errors import suggest_name
from serving.paths.roster import RACI, is_fixed_role
from serving.policy.definition.people.weekly_rule import check_weekly

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

_Place = tuple[str | int, ...]
_Finding = tuple[_Place, str]


def check_people(file: "PolicyFile") -> Iterator[_Finding]:
    """Every error in the sections about people."""
    yield from _members(file)
    yield from _people(file)
    yield from _managers(file)
    yield from _duty(file)
    yield from _roles(file)
    yield from _forms(file)
    yield from check_weekly(file)


def find_unfilled_roles(file: "PolicyFile") -> Iterator[_Finding]:
    """The roles of severities that `[roles]` does not fill, once the policy has people."""
    if not file.people:
        return
    seen: set[tuple[str, str]] = set()
    roster = file.roster
    for place, row in enumerate(file.severities):
        for party in RACI:
            for role in roster.raci_roles(row.name, party):
                if is_fixed_role(role):
                    continue
                missing = [squad for squad in file.squads if roster.role_targets(role, squad) is None]
                if missing and (role.casefold(), "") not in seen:
                    seen.add((role.casefold(), ""))
                    where = "" if len(missing) == len(file.squads) else f" in the squad {missing[0]}"
                    yield (
                        ("severities", place, party),
                        f"nobody fills the role {role!r}{where}, so nobody is notified for it: add it to [roles]",
                    )


def _unknown(path: _Place, what: str, name: str, names: Iterable[str]) -> _Finding:
    return path, f"there is no {what} {name!r}: {suggest_name(name, names)}"


def _members(file: "PolicyFile") -> Iterator[_Finding]:
    for squad, rule in file.squads.items() if file.people else ():
        for person in rule.members:
            if person not in file.people:
                yield _unknown(("squads", squad, "members"), "person", person, file.people)


def _people(file: "PolicyFile") -> Iterator[_Finding]:
    folded: dict[str, str] = {}
    for name, rule in file.people.items():
        other = folded.setdefault(name.strip().casefold(), name)
        if other != name:
            yield ("people", name), f"the person {name!r} is listed twice: the other is {other!r}"
        if name in file.squads:
            yield ("people", name), f"{name!r} is both a person and a squad: rename one of them"
        if rule.calendar is not None and rule.calendar not in file.calendars:
            yield _unknown(("people", name, "calendar"), "calendar", rule.calendar, file.calendars)
        if rule.manager is not None and rule.manager not in file.people:
            yield _unknown(("people", name, "manager"), "person", rule.manager, file.people)


def _managers(file: "PolicyFile") -> Iterator[_Finding]:
    reported: set[str] = set()
    for start in file.people:
        chain: list[str] = []
        name: str | None = start
        while name in file.people and name not in chain:
            chain.append(name)
            name = file.people[name].manager
        if name in chain and not reported & set(chain):
            circle = chain[chain.index(name) :]
            reported |= set(circle)
            yield (
                ("people", circle[0], "manager"),
                f"the managers form a circle: {' → '.join([*circle, circle[0]])}",
            )


def _duty(file: "PolicyFile") -> Iterator[_Finding]:
    for squad, rule in file.squads.items():
        duty = rule.duty
        if duty is None:
            continue
        for person in duty.order:
            if person not in rule.members:
                yield _unknown(("squads", squad, "duty", "order"), "member of the squad", person, rule.members)
        if duty.order == () and "order" in duty.model_fields_set:
            yield ("squads", squad, "duty", "order"), f"the rota of the squad {squad!r} has nobody: list at least one"
        if rule.escalation_path:
            yield (
                ("squads", squad, "escalation_path"),
                f"the squad {squad!r} has a duty rota and an escalation path: remove one of them",
            )


def _roles(file: "PolicyFile") -> Iterator[_Finding]:
    known = [*file.people, *file.squads, *(person for squad in file.squads.values() for person in squad.members)]
    for role, by_squad in file.roles.items():
        if is_fixed_role(role):
            yield ("roles", role), f"the role {role!r} is filled by the duty rota or the severity: rename it"
        for squad, targets in by_squad.items():
            if squad and squad not in file.squads:
                yield _unknown(("roles", role, squad), "squad", squad, file.squads)
            for target in targets:
                if target not in known and "@" not in target:  # a mail address is somebody outside, such as a vendor
                    yield _unknown(("roles", role, squad) if squad else ("roles", role), "person", target, known)


def _forms(file: "PolicyFile") -> Iterator[_Finding]:
    skills = {skill for squad in file.squads.values() for skill in squad.skills}
    seen: dict[tuple[str | None, int | None], str] = {}
    for name, form in file.forms.items():
        if form.skill is not None and form.skill not in skills:
            yield ("forms", name, "skill"), f"no squad has the skill {form.skill!r}: {suggest_name(form.skill, skills)}"
        other = seen.setdefault((form.skill, form.tier or 1), name)
        if other != name:
            yield ("forms", name), f"the forms {other!r} and {name!r} are for the same skill and tier: join them"
