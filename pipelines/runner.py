"""How a step of a run is executed: plainly here, or as a Prefect task by the flows.

A run is written once, as a function that hands each of its steps to a ``Do``. Nothing in a step knows Prefect.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from pipelines.console import Steps
from pipelines.once import Once

T = TypeVar("T")


class Do(Protocol):
    """Runs ``step(*args)`` under a name, and tells a person what is going on."""

    def __call__(self, name: str, saying: str, step: Callable[..., T], *args: object) -> T:
        """The step's own result; its errors pass through."""
        ...


def plainly(steps: Steps) -> Do:
    """A ``Do`` that calls the step in this process and times it."""

    def do(name: str, saying: str, step: Callable[..., T], *args: object) -> T:
        with steps.step(name, saying):
            return step(*args)

    return do


def as_prefect_tasks(steps: Steps) -> Do:
    """A ``Do`` that runs each step as a Prefect task of the flow it is called in.

    Prefect is told that a step ran and never what it returned (:mod:`pipelines.once`). Steps are not retried by it:
    running twice is made safe by the database, and a retry would repeat side effects.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    def do(name: str, saying: str, step: Callable[..., T], *args: object) -> T:
        once = Once(partial(step, *args))
        with steps.step(name, saying):
            return once.outcome(task(name=name, cache_policy=NO_CACHE, retries=0, persist_result=False)(once.run))

    return do
