"""How a step of a run is executed: plainly here, or as a Prefect task by the flows.

A run is one function that passes each of its steps to a ``StepRunner``, so that no step depends on Prefect.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from features.errors import was_interrupted
from pipelines.console import Steps
from pipelines.tracing import traced

_T = TypeVar("_T")


class StepRunner(Protocol):
    """Runs ``step(*args)`` under a name, with a progress line."""

    def __call__(self, name: str, text: str, step: Callable[..., _T], *args: object) -> _T:
        """The step's own result; its errors pass through."""
        ...


def plain_runner(steps: Steps) -> StepRunner:
    """A ``StepRunner`` that calls the step in this process and times it."""

    def run_step(name: str, text: str, step: Callable[..., _T], *args: object) -> _T:
        with steps.step(name, text), traced(name):
            try:
                return step(*args)
            except Exception as error:
                if was_interrupted(error):
                    raise KeyboardInterrupt from None
                raise

    return run_step
