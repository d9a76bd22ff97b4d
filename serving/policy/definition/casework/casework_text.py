"""Playbooks and reasons of outcomes in words, for ``rescue policy explain``; a policy without them adds nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from serving.policy.definition.casework.playbook_rules import RESPONSIBLE, PlaybookRule, PlaybookStep, playbook_title

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile


def playbook_lines(rules: "PolicyFile") -> Iterator[str]:
    """The playbooks, one sentence each."""
    for name, rule in rules.playbooks.items():
        steps = "; ".join(f"{number}. {step_words(step)}" for number, step in enumerate(rule.steps, start=1))
        yield f"{playbook_title(name, rule)} ({_condition(rule)}): {steps}."


def outcome_lines(rules: "PolicyFile") -> Iterator[str]:
    """The reasons of outcomes, one sentence each."""
    for outcome, rule in rules.outcomes.items():
        if rule.reasons:
            need = "a reason is required" if rule.required else "a reason can be chosen"
            yield f"{outcome.replace('_', ' ').capitalize()}: {need}: {', '.join(rule.reasons.values())}."


def step_words(step: PlaybookStep) -> str:
    """A step in words: what, when it is due, and who does it where that is not whoever is responsible."""
    title = step.title.rstrip(".")
    due = f", due after {step.due}" if step.due else ""
    return f"{title}{due}" + ("" if step.owner.casefold() == RESPONSIBLE else f", {step.owner}")


def _condition(rule: PlaybookRule) -> str:
    parts = [f"risk {' or '.join(rule.risks)}"] if rule.risks else []
    parts += [f"lane {' or '.join(lane.replace('_', ' ') for lane in rule.lanes)}"] if rule.lanes else []
    parts += [f"severity {' or '.join(rule.severities)}"] if rule.severities else []
    parts += [f"first reason of {' or '.join(rule.reasons)}"] if rule.reasons else []
    return ", ".join(parts) or "every case"
