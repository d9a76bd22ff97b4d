"""Which issue types of a launch are adopted: those that a trigger of the policy reads."""

import re
from typing import TYPE_CHECKING

from serving.policy.definition.tickets.ticket_rules import ISSUES

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

_TEXTS = re.compile(r"'(?:[^']|'')*'")


def adopting_triggers(file: "PolicyFile", launch: str) -> dict[str, tuple[str, ...]]:
    """The issue types of a launch that triggers of the file read, each with the names of these triggers."""
    adopted = {}
    for name, rule in file.issue_types.items():
        if rule.launch == launch:
            column = re.compile(rf"\b{ISSUES}{re.escape(name)}\b", re.IGNORECASE)
            found = (key for key, trigger in file.triggers.items() if column.search(_TEXTS.sub("''", trigger.when)))
            if triggers := tuple(found):
                adopted[name] = triggers
    return adopted
