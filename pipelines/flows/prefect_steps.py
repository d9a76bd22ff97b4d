"""Steps of a run as Prefect tasks."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from pipelines.console import Steps
from pipelines.flows.run_once import SingleRun
from pipelines.step_runner import StepRunner

_T = TypeVar("_T")


def prefect_runner(steps: Steps) -> StepRunner:
    """A ``StepRunner`` that runs each step as a Prefect task of the flow it is called in.

    Prefect records that a step ran, and never what it returned (:mod:`pipelines.flows.run_once`). Steps are not
    retried by it:
    running twice is made safe by the database, and a retry would repeat side effects.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    def run_step(name: str, text: str, step: Callable[..., _T], *args: object) -> _T:
        single_run = SingleRun(partial(step, *args))
        with steps.step(name, text):
            return single_run.outcome(
                task(name=name, cache_policy=NO_CACHE, retries=0, persist_result=False)(single_run.run)
            )

    return run_step
