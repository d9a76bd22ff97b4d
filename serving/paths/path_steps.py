"""An escalation path: steps that follow each other until somebody acknowledges, or the customer is contacted.

A squad's tiers with the times of ``escalate_after_hours`` are a path, too: :func:`shorthand_path`. So there is one
model for both, and one executor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.paths.durations import Duration, differences

TIER_WORDS = ("primary", "secondary", "tertiary")
"""The first, second and third person on duty in the squad of a case."""


@dataclass(frozen=True)
class Repeat:
    """How often a step is sent again while nobody acknowledges: ``count`` times, ``every`` so long."""

    count: int
    every: Duration


@dataclass(frozen=True)
class PathStep:
    """One step: ``after`` is the time since the step before, or since the start for the first.

    ``to`` are the words of the policy; :class:`~serving.paths.directory.Directory` finds the people. Without
    ``channels`` each reader is reached by their first address. With ``acknowledge``, the step asks to act: its first
    person becomes responsible, and an acknowledgement stops it. Without, it informs, whether or not somebody has
    acknowledged.
    """

    to: tuple[str, ...]
    after: Duration | None = None
    channels: tuple[str, ...] = ()
    message: str | None = None
    acknowledge: bool = True
    repeat: Repeat | None = None


@dataclass(frozen=True)
class EscalationPath:
    """The steps of a path in their order; ``name`` is empty for the tiers of a squad."""

    name: str
    steps: tuple[PathStep, ...]


def shorthand_path(escalate_after: Sequence[Duration], members: int) -> EscalationPath:
    """The path of a squad's tiers: primary at once, the next tier after each of these times since the start.

    ``members`` is the number of people in the squad: a tier that it cannot have is no step.
    """
    waits = [None, *differences(escalate_after)]
    tiers = zip(TIER_WORDS[: max(members, 1)], waits, strict=False)
    return EscalationPath("", tuple(PathStep((tier,), after) for tier, after in tiers))


def join_paths(
    name: str, steps: Mapping[str, Sequence[PathStep]], continuations: Mapping[str, str]
) -> tuple[PathStep, ...]:
    """The steps of the path ``name`` and of those that it goes on with; a path that comes back to itself is cut there.

    ``continuations`` are the paths that go on with another one, by name.
    """
    joined: list[PathStep] = []
    seen: list[str] = []
    here: str | None = name
    while here is not None and here in steps and here not in seen:
        seen.append(here)
        joined += steps[here]
        here = continuations.get(here)
    return tuple(joined)


def find_cycle(name: str, continuations: Mapping[str, str]) -> tuple[str, ...]:
    """The paths from ``name`` back to one of them, which is first and last; empty where the path ends."""
    seen: list[str] = []
    here: str | None = name
    while here is not None:
        if here in seen:
            return (*seen[seen.index(here) :], here)
        seen.append(here)
        here = continuations.get(here)
    return ()
