"""Names in the sections about the work on a case that have to be defined elsewhere, and playbooks that never apply."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from features.catalogue import GROUPS
from features.errors import suggest_name
from serving.contracts import Lane
from serving.paths.directory import PARTY_WORDS
from serving.paths.path_steps import TIER_WORDS
from serving.policy.definition.casework.playbook_rules import PlaybookRule

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

OUTCOME_NAMES = ("saved", "lost", "false_alarm", "no_action")
"""The outcomes that a person chooses."""

_Place = tuple[str | int, ...]
_Finding = tuple[_Place, str]


def check_casework(file: "PolicyFile") -> Iterator[_Finding]:
    """Every error in `[playbooks]` and `[outcomes]`."""
    severities = [row.name for row in file.severities]
    for name, rule in file.playbooks.items():
        for key, what, known in (
            ("risks", "risk", tuple(file.risks)),
            ("lanes", "lane", tuple(str(lane) for lane in Lane)),
            ("severities", "severity", severities),
            ("reasons", "group of reasons", GROUPS),
        ):
            for value in getattr(rule, key):
                if value not in known:
                    yield ("playbooks", name, key), f"there is no {what} {value!r}: {suggest_name(value, known)}"
        yield from _owners(file, name, rule)
    for outcome in file.outcomes:
        if outcome not in OUTCOME_NAMES:
            yield (
                ("outcomes", outcome),
                f"there is no outcome {outcome!r}: {suggest_name(outcome, OUTCOME_NAMES)}",
            )


def find_idle_playbooks(file: "PolicyFile") -> Iterator[_Finding]:
    """The playbooks that no case can get, because an earlier one fits every case that they fit."""
    earlier: list[tuple[str, PlaybookRule]] = []
    for name, rule in file.playbooks.items():
        cover = next((other for other, before in earlier if _covers(before, rule)), None)
        if cover is not None:
            yield (
                ("playbooks", name),
                f"no case gets the playbook {name!r}, because {cover!r} comes first and fits the same cases",
            )
        earlier.append((name, rule))


def _covers(before: PlaybookRule, rule: PlaybookRule) -> bool:
    pairs = ((getattr(before, key), getattr(rule, key)) for key in ("risks", "lanes", "severities", "reasons"))
    return all(not wide or (narrow and set(narrow) <= set(wide)) for wide, narrow in pairs)


def _owners(file: "PolicyFile", name: str, rule: PlaybookRule) -> Iterator[_Finding]:
    """An owner that is nobody: only where the policy lists people can a name be mistyped."""
    known = _known_owners(file)
    for place, step in enumerate(rule.steps) if file.people else ():
        if step.owner.casefold() not in {word.casefold() for word in known}:
            yield (
                ("playbooks", name, "steps", place, "owner"),
                f"there is no person or role {step.owner!r}: {suggest_name(step.owner, known)}",
            )


def _known_owners(file: "PolicyFile") -> tuple[str, ...]:
    people: Iterable[str] = (name for person, rule in file.people.items() for name in (person, rule.title) if name)
    roles = [row.accountable for row in file.severities]
    roles += [role for row in file.severities for role in (row.responsible, *row.consulted, *row.informed)]
    return tuple(dict.fromkeys((*TIER_WORDS, *PARTY_WORDS, *file.roles, *file.squads, *people, *roles)))
