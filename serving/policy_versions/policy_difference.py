"""What differs between two policies: each rule in words, and the lines of their texts."""

import difflib
from collections.abc import Iterator
from typing import Final, NamedTuple

from serving.drawings.policy_cycle import CHANGED_RULE, RuleChange, rule_changes
from serving.policy.definition.policy_file import Policy
from serving.policy_versions.policy_fields import PolicyField, policy_fields

LINES_AROUND = 2
"""Unchanged lines around a change."""
RESTORED_RULE: Final = "{key}: now {old} → restored {new}"
"""A rule that a restored policy would change."""


class DifferenceLine(NamedTuple):
    """A line of the difference: ``kind`` is ``added``, ``removed``, ``same`` or ``place``."""

    kind: str
    text: str


def changed_rules(before: Policy, after: Policy) -> list[str]:
    """Each rule that differs, as ``squads.success.capacity: 10 before, 12 now``; the hypothesis is none."""
    return [change.text() for change in _changes(before, after)]


def changes_in_words(before: Policy, after: Policy, form: str = CHANGED_RULE) -> list[str]:
    """Each rule that differs, named as the field that changes it, if there is one.

    For example ``New cases per night (squad success): 10 before, 12 now``; shares are in percent, as in the fields.
    """
    old, new = _fields(before), _fields(after)
    return [_named(change, old.get(change.key), new.get(change.key)).text(form) for change in _changes(before, after)]


def _changes(before: Policy, after: Policy) -> Iterator[RuleChange]:
    return rule_changes(before.rules.model_dump(mode="json"), after.rules.model_dump(mode="json"))


def _fields(policy: Policy) -> dict[str, PolicyField]:
    return {".".join(field.place): field for group in policy_fields(policy.rules) for field in group.fields}


def _named(change: RuleChange, old: PolicyField | None, new: PolicyField | None) -> RuleChange:
    field = new or old
    if field is None:
        return change
    return RuleChange(
        field.title,
        old.value_text if old is not None else change.old,
        new.value_text if new is not None else change.new,
    )


def changed_lines(before: str, after: str) -> Iterator[DifferenceLine]:
    """The lines that differ, with those around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=LINES_AROUND)
    for number, line in enumerate(lines):
        if number < 2:  # the names of the files
            continue
        if line.startswith("@@"):
            yield DifferenceLine("place", _place(line))
        else:
            kind = {"+": "added", "-": "removed"}.get(line[:1], "same")
            yield DifferenceLine(kind, line[1:])


def _place(header: str) -> str:
    """``@@ -12,5 +12,6 @@`` as ``line 12``."""
    return f"line {header.split('+')[1].split(' ')[0].partition(',')[0]}"
