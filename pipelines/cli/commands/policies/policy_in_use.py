"""The policy that a command works on: the file that it names, else the one in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import assembly
from pipelines.console import err

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.settings import Settings
    from serving.policy.decision.decide import Policy


def policy_of_command(settings: Settings, file: Path | None) -> Policy:
    """The policy of ``file``; without one, the policy in force, with a warning where the file and it disagree.

    Raises:
        UsageError: it cannot be used; the sentence names the line.
    """
    return named_policy(settings, file)[1]


def named_policy(settings: Settings, file: Path | None) -> tuple[str, Policy]:
    """The policy of a command with its short name: that of the file, or the version that is in force.

    Raises:
        UsageError: it cannot be used; the sentence names the line.
    """
    if file is not None:
        return file.name, assembly.load_policy(settings)
    state = assembly.current_policy(settings)
    if state.warning:
        err.print(f"Warning: {state.warning}", markup=False)
    if state.number is not None:
        return state.name, state.policy
    return (settings.policy.name if settings.policy else "default policy"), state.policy
