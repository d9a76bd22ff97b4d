"""Steps of a run as Prefect tasks."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from pipelines.console import Steps
from pipelines.flows.run_once import Once
from pipelines.step_runner import Do

T = TypeVar("T")


def as_prefect_tasks(steps: Steps) -> Do:
    """A ``Do`` that runs each step as a Prefect task of the flow it is called in.

    Prefect is told that a step ran and never what it returned (:mod:`pipelines.flows.run_once`). Steps are not
    retried by it:
    running twice is made safe by the database, and a retry would repeat side effects.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    def do(name: str, saying: str, step: Callable[..., T], *args: object) -> T:
        once = Once(partial(step, *args))
        with steps.step(name, saying):
            return once.outcome(task(name=name, cache_policy=NO_CACHE, retries=0, persist_result=False)(once.run))

    return do
