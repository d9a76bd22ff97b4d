"""Which squad gets a case: by the skill the rescue needs, never by a title.

The skill comes from the first of these that says one: a VIP goes to the VIP queue; the trigger that fired; the group of
the strongest reason; the category of the last ticket; the risk itself. Of the squads with that skill, those that work
for the account's region and speak its language may take it, in the order of the policy file; the first with room does.
Where no such squad exists the fallback squad takes the case, and the case says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from serving.policy.definition.policy_schema import PolicyFile


class Need(NamedTuple):
    """What a rescue needs: what is known of the account and of its risk when it is routed."""

    risk: str
    region: str | None = None
    vip: bool = False
    triggers: tuple[str, ...] = ()
    reason_group: str | None = None
    ticket_category: str | None = None


class Route(NamedTuple):
    """The squads that may take a case, best first, and why, in words that go on "because it …"."""

    squads: tuple[str, ...]
    why: str


def route(need: Need, rules: PolicyFile) -> Route:
    """The squads that may take this case, never empty."""
    skill, why = _skill(need, rules)
    if skill is None:
        return Route((rules.routing.fallback,), why)
    able = tuple(name for name, squad in rules.squads.items() if skill in squad.skills)
    near = tuple(name for name in able if _serves(name, need.region, rules))
    if near:
        return Route(near, why)
    return Route((rules.routing.fallback,), f"{why}, and no squad with {_words(skill)} skills serves {need.region}")


def _skill(need: Need, rules: PolicyFile) -> tuple[str | None, str]:
    routing = rules.routing
    if need.vip and routing.vip is not None:
        return routing.vip.skill, "is a VIP account"
    for name in need.triggers:
        if skill := rules.triggers[name].skill:
            return skill, _needs(skill, _continued(rules.triggers[name].says))
    if skill := routing.reasons.get(need.reason_group or ""):
        return skill, _needs(skill, f"its first reason is {_words(need.reason_group or '')}")
    if skill := routing.ticket_categories.get(need.ticket_category or ""):
        return skill, _needs(skill, f"its last ticket is about {_words(need.ticket_category or '')}")
    rule = rules.risks.get(need.risk)
    if rule and rule.skill:
        return rule.skill, _needs(rule.skill, f"the risk is {_words(need.risk)}")
    return None, "shows no need of a particular skill"


def _needs(skill: str, because: str) -> str:
    return f"needs {_words(skill)} skills, as {because}"


def _words(name: str) -> str:
    """A name of the policy's or of the source's, ``how_to``, as a person would say it."""
    return name.replace("_", " ")


def _continued(sentence: str) -> str:
    """A sentence that goes on after a comma: without its capital, unless that belongs to the word, and its stop."""
    first = sentence[:1] if sentence[1:2].isupper() else sentence[:1].lower()
    return first + sentence[1:].rstrip(".")


def _serves(name: str, region: str | None, rules: PolicyFile) -> bool:
    squad = rules.squads[name]
    if region is None:
        return True
    language = rules.routing.languages.get(region)
    speaks = not squad.languages or language is None or language in squad.languages
    return (not squad.regions or region in squad.regions) and speaks


@dataclass
class Room:
    """How many more cases each squad takes tonight; ``take`` gives one away."""

    free: dict[str, int] = field(default_factory=dict)

    @classmethod
    def tonight(cls, rules: PolicyFile, load: dict[str, int]) -> "Room":
        """Each squad's nightly capacity, or less where its open cases come near ``max_open``."""
        room = {}
        for name, squad in rules.squads.items():
            left = squad.capacity if squad.max_open is None else squad.max_open - load.get(name, 0)
            room[name] = max(0, min(squad.capacity, left))
        return cls(room)

    def take(self, squads: Sequence[str]) -> str | None:
        """The first of these squads with room, one place less; None where all are full."""
        for name in squads:
            if self.free[name] > 0:
                self.free[name] -= 1
                return name
        return None
