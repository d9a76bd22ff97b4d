"""How a step of a run is executed: plainly here, or as a Prefect task by the flows.

A run is written once, as a function that hands each of its steps to a ``StepRunner``. Nothing in a step knows Prefect.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from pipelines.console import Steps

_T = TypeVar("_T")


class StepRunner(Protocol):
    """Runs ``step(*args)`` under a name, and tells a person what is going on."""

    def __call__(self, name: str, saying: str, step: Callable[..., _T], *args: object) -> _T:
        """The step's own result; its errors pass through."""
        ...


def plain_runner(steps: Steps) -> StepRunner:
    """A ``StepRunner`` that calls the step in this process and times it."""

    def do(name: str, saying: str, step: Callable[..., _T], *args: object) -> _T:
        with steps.step(name, saying):
            return step(*args)

    return do
