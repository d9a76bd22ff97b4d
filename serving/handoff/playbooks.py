"""The playbook that a hand-off suggests: a first series of steps, selected by rules that a team can read and discuss.

Playbooks and the rules that select them are data (``playbooks.default.toml``). A playbook is a suggestion with its
reason, not an order. A received cancellation comes first, then a lost part of the contracts that raised the case, then
the first reason that raises the risk and that was stable over refits, then the risk itself.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.catalogue import GROUPS
from models.contracts import Reason


class Playbook(BaseModel):
    """A named series of steps, in order, in the imperative."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1)]
    steps: Annotated[tuple[str, ...], Field(min_length=1)]


class PlaybookSelection(BaseModel):
    """Names of playbooks: by risk of an account with a received cancellation or a lost part, by group of reasons, and
    by risk. ``first_steps`` has a step that comes before those of every playbook, by kind of evidence in a ticket.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fallback: str
    cancellation: dict[str, str] = Field(default_factory=dict)
    partial_loss: dict[str, str] = Field(default_factory=dict)
    reasons: dict[str, str] = Field(default_factory=dict)
    first_steps: dict[str, str] = Field(default_factory=dict)
    risks: dict[str, str] = Field(default_factory=dict)


class Playbooks(BaseModel):
    """The file: all playbooks by name, and the rules that select one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    playbooks: dict[str, Playbook]
    selection: PlaybookSelection

    @model_validator(mode="after")
    def _defined(self) -> Self:
        """Every selected playbook has to be defined, every defined one selected, and every group of reasons known."""
        chosen = self.selection
        rules = (chosen.cancellation, chosen.partial_loss, chosen.reasons, chosen.risks)
        selected = {chosen.fallback, *(name for rule in rules for name in rule.values())}
        if different := selected ^ self.playbooks.keys():
            raise ValueError(f"these playbooks are not both defined and selected: {', '.join(sorted(different))}")
        if unknown := chosen.reasons.keys() - set(GROUPS):
            raise ValueError(f"these groups of reasons do not exist: {', '.join(sorted(unknown))}")
        return self


class SelectionCode(StrEnum):
    """What a playbook was selected by."""

    CANCELLATION = "cancellation"
    PARTIAL_LOSS = "partial_loss"
    REASON = "reason"
    RISK = "risk"
    FALLBACK = "fallback"


@dataclass(frozen=True)
class Suggestion:
    """A selected playbook and why: ``subject`` is the sentence of the reason, the risk, or empty, by ``code``."""

    name: str
    playbook: Playbook
    code: SelectionCode
    subject: str = ""
    ends_on: date | None = None

    def text(self) -> str:
        """Why the playbook was selected, as a sentence without its full stop."""
        if self.code is SelectionCode.CANCELLATION and self.ends_on is not None:
            return f"A cancellation was received; the contract ends on {self.ends_on.day} {self.ends_on:%b %Y}"
        if self.code is SelectionCode.PARTIAL_LOSS and self.ends_on is not None:
            return f"A part of the contracts ends on {self.ends_on.day} {self.ends_on:%b %Y}"
        if self.code is SelectionCode.REASON:
            return f"Selected by a reason that can be acted on: {self.subject}"
        if self.code is SelectionCode.RISK:
            return f"No reason can be acted on; selected by the risk {self.subject.replace('_', ' ')}"
        return "No reason can be acted on, and the risk has no playbook of its own"


@cache
def default_playbooks() -> Playbooks:
    """The playbooks that come with Rescue."""
    text = files("serving.handoff").joinpath("playbooks.default.toml").read_text(encoding="utf-8")
    return Playbooks.model_validate(tomllib.loads(text))


def suggest_playbook(
    risk: str,
    reasons: Sequence[Reason],
    ends_on: date | None = None,
    part_ends_on: date | None = None,
    *,
    available: Playbooks | None = None,
) -> Suggestion:
    """The playbook for a risk and its reasons.

    ``ends_on`` is the day on which a received cancellation takes effect, and ``part_ends_on`` that of a lost part.
    """
    books = available or default_playbooks()
    selection = books.selection

    def suggestion(name: str, code: SelectionCode, subject: str = "") -> Suggestion:
        return Suggestion(name, books.playbooks[name], code, subject, ends_on or part_ends_on)

    if ends_on is not None and risk in selection.cancellation:
        return suggestion(selection.cancellation[risk], SelectionCode.CANCELLATION)
    if part_ends_on is not None and risk in selection.partial_loss:
        return suggestion(selection.partial_loss[risk], SelectionCode.PARTIAL_LOSS)
    for reason in reasons:
        if reason.strength > 0 and not reason.weak and reason.group in selection.reasons:
            return suggestion(selection.reasons[reason.group], SelectionCode.REASON, reason.sentence)
    if risk in selection.risks:
        return suggestion(selection.risks[risk], SelectionCode.RISK, risk)
    return suggestion(selection.fallback, SelectionCode.FALLBACK)
