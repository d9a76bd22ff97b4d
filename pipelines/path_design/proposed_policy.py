"""Proposals as sections of a policy: what a team would paste, and the whole file that `rescue policy check` accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from serving.policy.definition.tickets.ticket_filter import fold_text

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

CAPACITY = 10
NEW_SQUAD = "# The members are not known from tickets: replace the name by those of the people."


def name_key(text: str, taken: Sequence[str] = ()) -> str:
    """A text as a name that conditions can use: lower-case letters, digits and _, different from those taken."""
    key = re.sub(r"[^a-z0-9]+", "_", fold_text(text)).strip("_")[:40].rstrip("_") or "tickets"
    key = key if key[0].isalpha() else f"type_{key}"
    used, number, free = set(taken), 2, key
    while free in used:
        free, number = f"{key}_{number}", number + 1
    return free


def toml_text(value: str) -> str:
    """A text as a TOML string."""
    return json.dumps(value, ensure_ascii=False)


def toml_list(values: Sequence[str]) -> str:
    """Texts as a TOML array."""
    return f"[{', '.join(toml_text(value) for value in values)}]"


@dataclass
class PolicyProposal:
    """Sections for a policy that exists; each name is chosen so that it is new there."""

    rules: PolicyFile
    sections: list[str] = field(default_factory=list)
    squads: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The sections as TOML."""
        return "\n\n".join(self.sections) + "\n" if self.sections else ""

    def risk(self) -> str:
        """The risk that tickets are evidence of: the last one, as for launches."""
        return next(reversed(self.rules.risks))

    def skill_of(self, group: str) -> str:
        """The skill by which cases reach a group: that of a squad of this name, else of a new squad."""
        squads = self.rules.squads
        key = name_key(group)
        for name, squad in squads.items():
            if key in {name_key(name), *(name_key(skill) for skill in squad.skills)}:
                return next((skill for skill in squad.skills if name_key(skill) == key), squad.skills[0])
        if self.rules.people:
            return squads[self.rules.routing.fallback].skills[0]
        if group not in self.squads:
            self.squads[group] = key
            self.sections.append(
                f"[squads.{key}]\n{NEW_SQUAD}\nskills = {toml_list([key])}\n"
                f"members = {toml_list([group])}\ncapacity = {CAPACITY}"
            )
        return self.squads[group]

    def add_trigger(
        self, title: str, message: str, *, skill: str | None, days: int, keys: Mapping[str, str], comment: str = ""
    ) -> str:
        """Add an issue type and its trigger; returns their name. ``keys`` are keys of the issue type, as TOML."""
        name = name_key(title, [*self.rules.issue_types, *self.rules.triggers, *self.names])
        self.names.append(name)
        note = "".join(f"# {line}\n" for line in comment.splitlines())
        lines = "\n".join(f"{key} = {value}" for key, value in keys.items())
        self.sections.append(f"{note}[issue_types.{name}]\n{lines}\nopened_within_days = {days}")
        wanted = f"skill = {toml_text(skill)}\n" if skill else ""
        self.sections.append(
            f'[triggers.{name}]\nwhen = "issues_{name} >= 1"\nrisk = {toml_text(self.risk())}\nraises = "alone"\n'
            f"{wanted}message = {toml_text(message)}"
        )
        return name

    def add_form(self, skill: str, title: str, fields: Mapping[str, str]) -> None:
        """Add a hand-off form for a skill, unless the policy or this proposal has one; fields as TOML tables."""
        taken = {form.skill for form in self.rules.forms.values()}
        name = name_key(skill)
        header = f"[forms.{name}]"
        if skill in taken or name in self.rules.forms or any(part.startswith(header) for part in self.sections):
            return
        lines = "\n".join(f"{key} = {value}" for key, value in fields.items())
        self.sections.append(
            f"{header}\ntitle = {toml_text(title)}\nskill = {toml_text(skill)}\n\n[forms.{name}.fields]\n{lines}"
        )
