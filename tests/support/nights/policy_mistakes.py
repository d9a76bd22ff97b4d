"""Policies with a mistake, and what is said about it."""

import pytest

from features.errors import RescueError
from serving.policy.decision.decide import Policy, PolicyError
from support.nights.policy_factory import POLICY

TRIGGER = """
[triggers.quiet]
when = "{when}"
risk = "churn"
raises = "alone"
message = "Quiet"
"""


def mistake(text: str) -> str:
    """The message of a policy that cannot be used; one sentence that ends as one."""
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, source="p.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, RescueError)
    assert caught.value.exit_code == 2
    return message


def replaced(old: str, new: str) -> str:
    assert POLICY.count(old) >= 1, old
    return POLICY.replace(old, new, 1)


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)
