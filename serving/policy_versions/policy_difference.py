"""What differs between two policies: each rule in words, and the lines of their texts."""

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from serving.drawings.policy_cycle import rule_changes
from serving.policy.definition.policy_file import Policy

LINES_AROUND = 2
"""Unchanged lines around a change."""


class DifferenceLine(NamedTuple):
    """A line of the difference: ``kind`` is ``added``, ``removed``, ``same`` or ``place``."""

    kind: str
    text: str


def changed_rules(before: Policy, after: Policy) -> list[str]:
    """Each rule that differs, as ``squads.success.capacity: 10 before, 12 now``; the hypothesis is none."""
    return list(rule_changes(before.rules.model_dump(mode="json"), after.rules.model_dump(mode="json")))


def restored_rules(now: Policy, restored: Policy) -> list[str]:
    """Each rule that a restored policy would change, as ``squads.success.capacity: now 12 → restored 10``."""
    form = "{key}: now {old} → restored {new}"
    return list(rule_changes(now.rules.model_dump(mode="json"), restored.rules.model_dump(mode="json"), form))


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
