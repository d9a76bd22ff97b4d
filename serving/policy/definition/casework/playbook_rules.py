"""The section `[playbooks.NAME]`: the steps that become the tasks of a case, with due days and owners."""

from collections.abc import Collection, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from serving.policy.definition.policy_section import Names, Section, Within, Word

RESPONSIBLE = "responsible"
"""The owner of a step where the policy names none: whoever is responsible for the case."""
LONGEST_PLAYBOOK = 30


class PlaybookStep(Section):
    """One step of a playbook: a task of the case."""

    title: Word = Field(description="what is to be done, in the imperative")
    due: Within | None = Field(
        None,
        description="when it is due, counted from the opening of the case: hours, or `2 working days` (Monday to "
        "Friday where the squad has no calendar); default: no due day",
    )
    owner: Word = Field(
        RESPONSIBLE,
        description="who does it: `responsible`, `primary`, `accountable`, `account owner`, another role, or a person",
    )


class PlaybookRule(Section):
    """A playbook: its steps become the tasks of the cases that it fits. The first one of the file that fits counts."""

    title: Word | None = Field(None, description="title; default: the name of the table")
    risks: Names = Field((), description="only for cases of these risks; default: every risk")
    lanes: Names = Field((), description="only for cases in these lanes, `at_risk` or `leaving`; default: both")
    severities: Names = Field((), description="only for cases of these severities; default: every severity")
    reasons: Names = Field((), description="only where the first reason is of these groups; default: every reason")
    steps: Annotated[tuple[PlaybookStep, ...], Field(strict=False, min_length=1, max_length=LONGEST_PLAYBOOK)] = Field(
        description="the steps, in their order: one `[[playbooks.NAME.steps]]` each"
    )


class PlaybookSubject(NamedTuple):
    """What of a case decides which playbook it gets; ``reason`` is the group of its first reason."""

    risk: str
    lane: str
    severity: str
    reason: str | None = None


def playbook_title(name: str, rule: PlaybookRule) -> str:
    """The title of a playbook, or its name as words."""
    return rule.title or name.replace("_", " ").replace("-", " ").capitalize()


def choose_playbook(playbooks: Mapping[str, PlaybookRule], subject: PlaybookSubject) -> tuple[str, PlaybookRule] | None:
    """The first playbook that fits a case; None where none does."""
    return next(((name, rule) for name, rule in playbooks.items() if _fits(rule, subject)), None)


def _fits(rule: PlaybookRule, subject: PlaybookSubject) -> bool:
    wanted: tuple[tuple[Collection[str], str | None], ...] = (
        (rule.risks, subject.risk),
        (rule.lanes, subject.lane),
        (rule.severities, subject.severity),
        (rule.reasons, subject.reason),
    )
    return all(not allowed or value in allowed for allowed, value in wanted)
